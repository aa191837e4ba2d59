"""Run folders: where a training run keeps what it makes, and how a command finds one.

::

    runs/00003-clips-32x32x16/
      config.json  environment.json  log.txt  metrics.jsonl  status.json  report.html
      previews/  reals.mp4  step-00000000.mp4 ...
      checkpoints/  step-00000250/ ...
"""

import logging
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from videogan.artifacts.checkpoint_files import (
    META,
    WEIGHTS,
    checkpoint_name,
    list_checkpoints,
    newest_checkpoint,
    remove_checkpoint,
    verify,
)
from videogan.artifacts.metrics_file import best_step, read_metrics
from videogan.errors import CheckpointError, MissingPathError, UsageError, VideoganError, reason_of
from videogan.files import file_lock
from videogan.parts import abandoned_parts

RUNS = Path("runs")
SHIPPED = Path(__file__).parents[1] / "pretrained" / "default.safetensors"
"""The small model that comes with the package, to make videos with."""
OF_PACKAGE = {
    "shipped": SHIPPED,
    "starter": SHIPPED.with_name("starter.safetensors"),
    "starter64": SHIPPED.with_name("starter64.safetensors"),
}
"""The models that come with the package, by name: besides that one, two with their discriminators, for frames of 32 and
of 64 pixels, which new runs on a CPU start from."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunFolder:
    """The names inside one run folder."""

    path: Path

    @property
    def config(self) -> Path:
        """The whole configuration."""
        return self.path / "config.json"

    @property
    def environment(self) -> Path:
        """What the run was started with and on: clips, versions, device."""
        return self.path / "environment.json"

    @property
    def log(self) -> Path:
        """The log lines of all sessions."""
        return self.path / "log.txt"

    @property
    def metrics(self) -> Path:
        """One JSON object per tick."""
        return self.path / "metrics.jsonl"

    @property
    def status(self) -> Path:
        """How far the run is, for programs."""
        return self.path / "status.json"

    @property
    def report(self) -> Path:
        """The run on one page."""
        return self.path / "report.html"

    @property
    def previews(self) -> Path:
        """Videos made while training."""
        return self.path / "previews"

    @property
    def checkpoints(self) -> Path:
        """The checkpoints that are kept."""
        return self.path / "checkpoints"

    def exists(self) -> bool:
        """Tell whether a run lies in the folder, or may: in one that may not be read there could be one."""
        try:
            return self.config.exists() or self.checkpoints.is_dir()
        except OSError:
            return True

    def last_trained(self) -> int:
        """Return the time of the newest checkpoint, or else of the folder, in nanoseconds."""
        try:
            times = [(path / META).stat().st_mtime_ns for path in list_checkpoints(self.checkpoints)]
        except (OSError, CheckpointError):
            times = []
        return max(times) if times else self.path.stat().st_mtime_ns

    def check_writable(self) -> None:
        """Check that the folders can be made, and make nothing.

        Raises:
            UsageError: something that is no folder is in the way, or there is no permission.
        """
        existing = next(path for path in (self.path, *self.path.absolute().parents) if path.exists())
        if not existing.is_dir():
            raise UsageError(f"{existing}: is a file, so the run folder {self.path} cannot be made; choose another")
        if not os.access(existing, os.W_OK | os.X_OK):
            raise UsageError(f"{existing}: no permission to write the run folder {self.path}; choose another by --run")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training in this folder; the lock ends with the process, however it ends.

        Raises:
            UsageError: another process holds it.
        """
        try:
            with file_lock(self.path / ".lock"):
                yield
        except BlockingIOError:
            raise UsageError(
                f"{self.path}: another process is training in it; wait for it, or begin a new run by --resume never"
            ) from None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Tell what a ``with`` block cannot write.

        Raises:
            UsageError: the disk is full, or has failed.
        """
        try:
            yield
        except OSError as error:
            if isinstance(error, VideoganError):
                raise
            raise UsageError(
                f"{self.path}: cannot be written any more ({error.strerror or error}); make room on its disk, and the "
                "same command goes on from the newest checkpoint"
            ) from None

    def remove_abandoned(self) -> None:
        """Remove what a training that was killed left half-written; who calls this holds the lock."""
        parts_of_previews = (
            re.fullmatch(r"((?:reals|step-\d+)\.mp4)\.\d+\.part", p.name) for p in self.previews.iterdir()
        )
        previews = {self.previews / match[1] for match in parts_of_previews if match}
        files = (self.config, self.environment, self.metrics, self.status, self.report, *previews)
        parts = [part for path in files for part in abandoned_parts(path)]
        for part in (*parts, *self.checkpoints.glob(".step-*.part")):
            remove_checkpoint(part) if part.is_dir() else part.unlink(missing_ok=True)

    def make(self) -> None:
        """Make the folders.

        Raises:
            UsageError: they cannot be made or written.
        """
        try:
            for folder in (self.path, self.previews, self.checkpoints):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{self.path}: the run folder cannot be made ({error.strerror})") from None


def list_runs(runs: Path = RUNS) -> list[RunFolder]:
    """Return the run folders under ``runs``, whatever their names: the one that was last trained at the end."""
    if not runs.is_dir():
        return []
    folders = [RunFolder(path) for path in runs.iterdir() if path.is_dir()]
    return sorted((run for run in folders if run.exists()), key=lambda run: (run.last_trained(), run.path.name))


def next_run(name: str, runs: Path = RUNS) -> RunFolder:
    """Return a run folder with the next free number and a readable name; nothing is made yet."""
    names = [path.name for path in runs.iterdir()] if runs.is_dir() else []
    numbers = [int(other[:5]) for other in names if re.match(r"\d{5}-", other)]
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "run"
    return RunFolder(runs / f"{max(numbers, default=-1) + 1:05d}-{readable}")


def claim_run(run: RunFolder) -> RunFolder:
    """Make the folder of a new run, under its name or the next free one; processes that begin at once get two.

    Raises:
        UsageError: it cannot be made.
    """
    while True:
        try:
            run.path.mkdir(parents=True)
            return run
        except FileExistsError:
            run = next_run(run.path.name[6:], run.path.parent)
        except OSError as error:
            raise UsageError(f"{run.path}: the run folder cannot be made ({error.strerror})") from None


def find_weights(where: Path | None, runs: Path = RUNS, *, best: bool = False) -> Path:
    """Return the weights file to make videos with.

    Args:
        where: a run folder, a checkpoint folder or a weights file; the names of OF_PACKAGE are the models that
            come with the package; None the run that was last trained, or else the first of them. What is passed over
            on the way is said.
        runs: where runs are looked for.
        best: of a run, the checkpoint of lowest kernel distance and not the newest.

    Raises:
        MissingPathError: there is no such path.
        CheckpointError: it has no usable checkpoint.
        UsageError: the best is asked for of what is no run.
    """
    if where is None:
        return _newest_weights(runs, best)
    of_package = OF_PACKAGE.get(str(where))
    if of_package is not None and not where.exists() and of_package.is_file():
        return of_package
    try:
        mode = where.stat().st_mode
        is_run = stat.S_ISDIR(mode) and not (where / WEIGHTS).is_file()
    except FileNotFoundError:
        raise MissingPathError(f"{where}: no such run, checkpoint or weights file") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{where}: cannot be read ({reason_of(error)})") from None
    if best and not is_run:
        raise UsageError(f"{where}: is no run folder, so there is no best of its checkpoints; leave out --best")
    if not stat.S_ISDIR(mode):
        return where
    if not is_run:
        if not verify(where):
            raise CheckpointError(f"{where}: the checkpoint is damaged (its files are not those that were written)")
        return where / WEIGHTS
    return _weights_of_run(RunFolder(where), best)


def _newest_weights(runs: Path, best: bool) -> Path:
    for run in reversed(list_runs(runs)):
        try:
            return _weights_of_run(run, best)
        except CheckpointError as error:
            if best:  # of an older run it would be another model than was asked for
                raise
            _log.warning("%s; another model is taken", error)
    if SHIPPED.is_file() and not best:
        return SHIPPED
    raise CheckpointError(f"no trained model under {runs}/ yet; `videogan train CLIPS` makes one, or name it by --run")


def _weights_of_run(run: RunFolder, best: bool) -> Path:
    checkpoint = _best_checkpoint(run) if best else newest_checkpoint(run.checkpoints)
    if checkpoint is None:
        raise CheckpointError(f"{run.path}: no usable checkpoint in it yet; train it further, or name another run")
    return checkpoint / WEIGHTS


def _best_checkpoint(run: RunFolder) -> Path:
    best = best_step(read_metrics(run.metrics))
    if best is None:
        raise CheckpointError(f"{run.path}: was never evaluated while it trained; --set evaluate.every=1000 does that")
    checkpoint = run.checkpoints / checkpoint_name(best[0])
    if not verify(checkpoint):
        raise CheckpointError(f"{checkpoint}: the best checkpoint is damaged or gone; leave out --best")
    return checkpoint
