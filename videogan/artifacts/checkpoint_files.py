"""The files of a checkpoint: which there are in a folder, and whether they are those that were written."""

import hashlib
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from videogan.errors import CheckpointError
from videogan.files import check_regular, load_json

WEIGHTS = "generator.safetensors"
STATE = "state.pt"
META = "meta.json"

_log = logging.getLogger(__name__)


def model_place(weights: Path) -> Path:
    """Return what a person calls the model of a weights file: the checkpoint that it belongs to, or the file itself."""
    return weights.parent if weights.name == WEIGHTS else weights


def checkpoint_name(step: int) -> str:
    """Return the name of the folder that holds the checkpoint of a step."""
    return f"step-{step:08d}"


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder, oldest first; whether they are whole is not checked.

    Folders of other names, such as copies that somebody made beside them, and links are none.

    Raises:
        CheckpointError: the folder may not be read.
    """
    with _permitted():
        if not folder.is_dir():
            return []
        ours = [path for path in folder.iterdir() if re.fullmatch(r"step-\d{8,}", path.name)]
        ours = [path for path in ours if path.is_dir() and not path.is_symlink()]
    return sorted(ours, key=lambda path: int(path.name[5:]))


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint whose files are those that were written, or None; says so where it goes back.

    Raises:
        CheckpointError: one of them may not be read.
    """
    damaged: list[Path] = []
    for path in reversed(list_checkpoints(folder)):
        if verify(path):
            if damaged:
                _log.warning("%s: damaged, so %s is used", ", ".join(map(str, damaged)), path.name)
            return path
        damaged.append(path)
    return None


def verify(checkpoint: Path) -> bool:
    """Tell whether both files of a checkpoint have the size and the SHA-256 that its meta.json names.

    Raises:
        CheckpointError: they may not be read, of which nothing follows.
    """
    with _permitted():
        written = _written_files(checkpoint)
        try:
            return sizes_fit(checkpoint) and all(written[name] == fingerprint(checkpoint / name) for name in written)
        except PermissionError:
            raise
        except OSError:
            return False


@contextmanager
def _permitted() -> Iterator[None]:
    """Tell what may not be read from what is damaged."""
    try:
        yield
    except PermissionError as error:
        raise CheckpointError(
            f"{error.filename}: may not be read by you; its owner can allow it: chmod -R a+rX on the run"
        ) from None


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
    try:
        meta = load_json(checkpoint / META)
        written = {name: Fingerprint(**meta["files"][name]) for name in (WEIGHTS, STATE)}
    except PermissionError:
        raise
    except (KeyError, TypeError, OSError, ValueError):
        return {}
    return written if meta["files"].keys() == written.keys() else {}
