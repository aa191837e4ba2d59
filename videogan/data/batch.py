"""The same work on every file of a folder: results go into another, and what is there already is not done again."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from videogan.data.walk import walk_folders
from videogan.errors import DataError, Interrupted, MissingPathError, UsageError, VideoError
from videogan.files import natural_key
from videogan.video.formats import IMAGE_SUFFIXES

T = TypeVar("T")
PICTURES = IMAGE_SUFFIXES | {".webp"}

_log = logging.getLogger(__name__)


@dataclass
class Batch(Generic[T]):
    """What became of a folder's files: results, those whose target was there, those left out with the reason."""

    results: dict[Path, T] = field(default_factory=dict)
    skipped: list[Path] = field(default_factory=list)
    rejected: list[tuple[Path, str]] = field(default_factory=list)


def for_each(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    work: Callable[[Path, Path], T],
    *,
    pictures: bool = False,
    suffix: str = ".mp4",
    overwrite: bool = False,
) -> Batch[T]:
    """Call ``work(file, target)`` for every video of a folder and of those below it, and write a folder like it.

    A file whose target exists is skipped, so that the same call goes on where it stopped; one that cannot be read is
    left out with a warning.

    Args:
        folder: where the files are.
        out: the folder to write, made where there is none.
        work: writes the target; a target that it leaves behind when it is interrupted is removed.
        pictures: take pictures in place of videos.
        suffix: of the targets.
        overwrite: do all of them once more.

    Raises:
        MissingPathError: there is no such folder.
        UsageError: ``out`` is no folder, or the same one.
        DataError: no file could be used.
        Interrupted: by Ctrl-C or SIGTERM; the targets so far are whole.
    """
    folder, out = Path(folder), Path(out)
    targets = targets_of(folder, out, suffix, pictures=pictures)
    batch: Batch[T] = Batch()
    for number, (path, target) in enumerate(targets.items(), 1):
        if target.exists() and not overwrite:
            batch.skipped.append(path)
            continue
        _log.info("%d of %d: %s", number, len(targets), path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            batch.results[path] = work(path, target)
        except VideoError as error:
            _log.warning("%s is left out: %s", path, error.reason)
            batch.rejected.append((path, error.reason))
        except Interrupted:
            target.unlink(missing_ok=True)
            raise
    if batch.rejected and not batch.results and not batch.skipped:
        raise DataError(f"{folder}: none of its {len(targets)} files can be used")
    return batch


def targets_of(folder: Path, out: Path, suffix: str, *, pictures: bool) -> dict[Path, Path]:
    """Return for every file of a folder, in natural order, what is written for it."""
    if not folder.is_dir():
        raise MissingPathError(f"{folder}: no such folder")
    if os.path.lexists(out) and (not out.is_dir() or out.samefile(folder)):
        raise UsageError(f"{out}: a folder goes into another folder; choose another name")
    files = _pictures(folder) if pictures else walk_folders([folder]).paths()
    targets: dict[Path, Path] = {}
    taken: set[Path] = set()
    for path in files:
        if path.resolve().is_relative_to(out.resolve()):  # of an earlier call
            continue
        relative = path.relative_to(folder)
        target = out / relative.with_suffix(suffix)
        # Of two files that differ by their suffix, the second keeps it.
        targets[path] = out / f"{relative}{suffix}" if target in taken else target
        taken.add(target)
    if not targets:
        raise DataError(f"{folder}: holds no {'picture' if pictures else 'video'}")
    return targets


def _pictures(folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.suffix.lower() in PICTURES and not path.name.startswith(".")]
    return sorted(files, key=lambda path: natural_key(str(path.relative_to(folder))))
