"""Run folders: where a training run keeps what it makes, and how a command finds one.

::

    runs/00003-clips-32x32x16/
      config.json  environment.json  log.txt  metrics.jsonl  status.json  report.html
      previews/  reals.mp4  step-00000000.mp4 ...
      checkpoints/  step-00000250/ ...
"""

import hashlib
import logging
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from videogan.errors import CheckpointError, MissingPathError, UsageError, VideoganError, reason_of
from videogan.files import check_regular, file_lock, read_json

WEIGHTS = "generator.safetensors"
STATE = "state.pt"
META = "meta.json"
RUNS = Path("runs")
SHIPPED = Path(__file__).parents[1] / "pretrained" / "default.safetensors"
"""The small model that comes with the package."""

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
    """Return the numbered run folders under ``runs``, oldest first."""
    if not runs.is_dir():
        return []
    numbered = [path for path in runs.iterdir() if path.is_dir() and re.match(r"\d{5}-", path.name)]
    return [RunFolder(path) for path in sorted(numbered)]


def next_run(name: str, runs: Path = RUNS) -> RunFolder:
    """Return a run folder with the next free number and a readable name; nothing is made yet."""
    numbers = [int(run.path.name[:5]) for run in list_runs(runs)]
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "run"
    return RunFolder(runs / f"{max(numbers, default=-1) + 1:05d}-{readable}")


def checkpoint_name(step: int) -> str:
    """Return the name of the folder that holds the checkpoint of a step."""
    return f"step-{step:08d}"


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder, oldest first; whether they are whole is not checked.

    Folders of other names, such as copies that somebody made beside them, and links are none.
    """
    if not folder.is_dir():
        return []
    ours = [p for p in folder.iterdir() if re.fullmatch(r"step-\d{8,}", p.name) and p.is_dir() and not p.is_symlink()]
    return sorted(ours, key=lambda path: int(path.name[5:]))


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint whose files are those that were written, or None; says so where it goes back."""
    damaged: list[Path] = []
    for path in reversed(list_checkpoints(folder)):
        if verify(path):
            if damaged:
                _log.warning("%s: damaged, so %s is used", ", ".join(map(str, damaged)), path.name)
            return path
        damaged.append(path)
    return None


def verify(checkpoint: Path) -> bool:
    """Tell whether both files of a checkpoint have the size and the SHA-256 that its meta.json names."""
    written = _written_files(checkpoint)
    try:
        return sizes_fit(checkpoint) and all(written[name] == fingerprint(checkpoint / name) for name in written)
    except OSError:
        return False


def sizes_fit(checkpoint: Path) -> bool:
    """Tell the same by the sizes alone, which costs nothing."""
    written = _written_files(checkpoint)
    try:
        return bool(written) and all(p.size == (checkpoint / name).stat().st_size for name, p in written.items())
    except OSError:
        return False


def remove_checkpoint(checkpoint: Path) -> bool:
    """Remove a checkpoint and tell whether it is gone: nothing else is touched, and anything else in it stays."""
    try:
        if {path.name for path in checkpoint.iterdir()} - {WEIGHTS, STATE, META}:
            return False
        for name in (META, STATE, WEIGHTS):
            (checkpoint / name).unlink(missing_ok=True)
        checkpoint.rmdir()
    except OSError as error:
        _log.warning("%s: cannot be removed (%s)", checkpoint, error.strerror)
        return False
    return True


@dataclass(frozen=True)
class Fingerprint:
    """Size in bytes and SHA-256 of a file."""

    size: int
    sha256: str


def fingerprint(path: Path) -> Fingerprint:
    """Return the size and SHA-256 of a regular file; OSError where it is none."""
    check_regular(path)
    with path.open("rb") as file:
        return Fingerprint(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _written_files(checkpoint: Path) -> dict[str, Fingerprint]:
    """Return what meta.json says of the two files; nothing where it is absent or damaged."""
    meta = read_json(checkpoint / META)
    try:
        written = {name: Fingerprint(**meta["files"][name]) for name in (WEIGHTS, STATE)}
    except (KeyError, TypeError):
        return {}
    return written if meta["files"].keys() == written.keys() else {}


def find_weights(where: Path | None, runs: Path = RUNS) -> Path:
    """Return the weights file to make videos with.

    Args:
        where: a run folder, a checkpoint folder or a weights file; None for the newest run that has a checkpoint, or
            else the model that comes with the package.
        runs: where runs are looked for.

    Raises:
        MissingPathError: there is no such path.
        CheckpointError: it has no usable checkpoint.
    """
    if where is None:
        for run in reversed(list_runs(runs)):
            checkpoint = newest_checkpoint(run.checkpoints)
            if checkpoint:
                return checkpoint / WEIGHTS
        if SHIPPED.is_file():
            return SHIPPED
        raise CheckpointError(
            f"no trained model under {runs}/ yet; `videogan train CLIPS` makes one, or name it by --run"
        )
    try:
        mode = where.stat().st_mode
    except FileNotFoundError:
        raise MissingPathError(f"{where}: no such run, checkpoint or weights file") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{where}: cannot be read ({reason_of(error)})") from None
    if not stat.S_ISDIR(mode):
        return where
    if (where / WEIGHTS).is_file():
        if not verify(where):
            raise CheckpointError(f"{where}: the checkpoint is damaged (its files are not those that were written)")
        return where / WEIGHTS
    checkpoint = newest_checkpoint(RunFolder(where).checkpoints)
    if checkpoint is None:
        raise CheckpointError(f"{where}: no usable checkpoint in it yet; train it further, or name another run")
    return checkpoint / WEIGHTS
