"""What the studio shows: models and runs by names that it gives them, so that no path comes from a browser."""

import threading
from pathlib import Path

from videogan.artifacts.checkpoint_files import list_checkpoints
from videogan.artifacts.runs import RUNS, SHIPPED, RunFolder, find_weights
from videogan.errors import MissingPathError, VideoganError
from videogan.generation.steering import Controls
from videogan.inspection import inspect
from videogan.model import Model, load

SHIPPED_NAME = "the model that comes along"
MODELS_KEPT = 2


class Library:
    """The shipped model, every run under ``runs/``, and what was named when the studio began.

    Args:
        first: a run, a checkpoint or a weights file; None for the newest run, or the shipped model.
        runs: the folder of runs.
        watched: a run that lies elsewhere, and may be yet to begin.

    Raises:
        MissingPathError, CheckpointError: there is no model to begin with.
    """

    def __init__(self, first: Path | None = None, runs: Path = RUNS, watched: Path | None = None) -> None:
        self._named, self._runs, self._watched = first, runs, watched
        self._loaded: dict[Path, Model] = {}
        self._lock = threading.Lock()
        self.first = self._name_of(find_weights(first, runs))

    def runs(self) -> dict[str, RunFolder]:
        """Return the run folders by name, the newest first."""
        folders = list(self._runs.iterdir()) if self._runs.is_dir() else []
        folders += [path for path in (self._watched, self._named) if path is not None]
        runs = {path.resolve().name: RunFolder(path) for path in folders if (path / "config.json").is_file()}
        return dict(sorted(runs.items(), key=lambda item: item[1].config.stat().st_mtime, reverse=True))

    def models(self) -> dict[str, Path]:
        """Return where each model lies, by name: runs that have a checkpoint first, the shipped one last."""
        models = {name: run.path for name, run in self.runs().items() if list_checkpoints(run.checkpoints)}
        if self._named is not None and self._named not in models.values():
            models[self._named.resolve().name] = self._named
        return {**models, SHIPPED_NAME: SHIPPED}

    def model(self, name: str | None = None) -> Model:
        """Return a model by name, loaded only where its newest weights are not yet; None is the one to begin with.

        Raises:
            MissingPathError: there is none of that name.
            CheckpointError: it cannot be used.
        """
        where = self.models().get(name or self.first)
        if where is None:
            raise MissingPathError("there is no such model any more")
        weights = find_weights(where)
        with self._lock:
            if weights not in self._loaded:
                model = load(weights)
                model.steer(Controls()).take(1).array()  # what torch does for the first time takes longest
                for old in list(self._loaded)[: 1 - MODELS_KEPT]:
                    del self._loaded[old]
                self._loaded[weights] = model
            return self._loaded[weights]

    def name_of_sha256(self, sha256: str) -> str | None:
        """Return the name of the model that is known by this SHA-256, or None."""
        for name, where in self.models().items():
            try:
                if inspect(where).get("sha256") == sha256:
                    return name
            except VideoganError:
                continue
        return None

    def _name_of(self, weights: Path) -> str:
        for name, where in self.models().items():
            if weights == where or where in weights.parents:
                return name
        return SHIPPED_NAME
