"""Finding the files of a folder that may be videos, without opening them and without ever hanging on one."""

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from videogan.files import natural_key
from videogan.video.formats import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from videogan.video.images import holds_several

_REASONS = {
    errno.ELOOP: "symlink loop",
    errno.ENOENT: "link to nothing",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
}


# Where file managers, NAS boxes and archives of Macs keep thumbnails and what was deleted.
_SYSTEM_FOLDERS = frozenset(("@eadir", "@tmp", "@recycle", "#recycle", "#snapshot", "$recycle.bin", "__macosx"))
# Links to these lead to every process and device.
_SYSTEM_ROOTS = tuple(Path(name) for name in ("/proc", "/sys", "/dev"))

MAX_DEPTH = 100
"""Folders within folders that are entered."""


@dataclass(frozen=True)
class Candidate:
    """A file (or folder of numbered images) to be probed, with the first folder below the root that holds it."""

    path: Path
    class_name: str | None


@dataclass
class Walk:
    """What a folder holds: candidates in natural order, entries that cannot be read with the reason, and counts.

    ``hidden`` counts what a system keeps for itself: names that begin with a dot, and folders such as ``@eaDir``.
    ``own`` are folders that videogan made, of runs and of reports, whose videos are no clips.
    """

    candidates: list[Candidate] = field(default_factory=list)
    rejected: list[tuple[Path, str]] = field(default_factory=list)
    own: list[Path] = field(default_factory=list)
    hidden: int = 0
    ignored: list[Path] = field(default_factory=list)


def walk_folders(roots: Sequence[Path]) -> Walk:
    """Look through folders and all folders below them, following links but entering no folder twice.

    A root may be a video. Of several roots without sub-folders each folder is a class.
    """
    walk = Walk()
    seen: set[tuple[int, int]] = set()
    for root in roots:
        if root.is_dir():
            _enter(root, None, 0, walk, seen)
        elif _kind(root, walk) == "video":
            walk.candidates.append(Candidate(root, None))
    folders = {candidate.path.parent for candidate in walk.candidates}
    if len(roots) > 1 and len(folders) > 1 and not any(candidate.class_name for candidate in walk.candidates):
        walk.candidates = [Candidate(one.path, one.path.parent.name) for one in walk.candidates]
    return walk


def _leads_away(folder: Path) -> bool:
    """Say whether a link leads to where no videos are kept, or to a folder that the link itself is in."""
    if not folder.is_symlink():
        return False
    target = folder.resolve()
    return target in folder.parent.resolve().parents or any(target.is_relative_to(root) for root in _SYSTEM_ROOTS)


def is_own_folder(folder: Path) -> bool:
    """Tell whether videogan made a folder, as that of a run or of a report."""
    return all((folder / name).exists() for name in ("config.json", "checkpoints")) or all(
        (folder / name).exists() for name in ("report.json", "report.html")
    )


def _enter(folder: Path, class_name: str | None, depth: int, walk: Walk, seen: set[tuple[int, int]]) -> None:
    if depth > MAX_DEPTH:
        walk.rejected.append((folder, f"more than {MAX_DEPTH} folders deep"))
        return
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            walk.rejected.append((folder, "link to a folder that was already read"))
            return
        seen.add((status.st_dev, status.st_ino))
        if _leads_away(folder):
            walk.rejected.append((folder, "link to a folder of the system, or to one that holds it"))
            return
        if depth and is_own_folder(folder):
            walk.own.append(folder)
            return
        with os.scandir(folder) as entries:
            names = sorted((entry.name for entry in entries), key=natural_key)
    except OSError as error:
        walk.rejected.append((folder, _reason(error)))
        return
    images: list[Path] = []
    holds_other = False
    for name in names:
        path = folder / name
        if name.startswith(".") or name.lower() in _SYSTEM_FOLDERS:
            walk.hidden += 1
            continue
        kind = _kind(path, walk)
        if kind == "folder":
            holds_other = True
            _enter(path, name if depth == 0 else class_name, depth + 1, walk, seen)
        elif kind == "image":
            images.append(path)
        elif kind == "video":
            holds_other = True
            walk.candidates.append(Candidate(path, class_name))
        elif kind == "other":
            walk.ignored.append(path)
    numbered = [path for path in images if path.stem[-1:].isdecimal()]
    if len(numbered) >= 2 and not holds_other and not holds_several(numbered[0]):
        walk.candidates.append(Candidate(folder, class_name if depth > 1 else None))
        return
    for path in images:
        if holds_several(path):
            walk.candidates.append(Candidate(path, class_name))
        else:
            walk.ignored.append(path)


def _kind(path: Path, walk: Walk) -> str:
    """One of folder, video, image, other or rejected; a rejection is noted in ``walk``."""
    suffix = path.suffix.lower()
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if suffix not in VIDEO_SUFFIXES | IMAGE_SUFFIXES and error.errno == errno.ENOENT:
            return "other"
        walk.rejected.append((path, _reason(error)))
        return "rejected"
    if stat.S_ISDIR(mode):
        return "folder"
    if not stat.S_ISREG(mode):
        if suffix not in VIDEO_SUFFIXES:
            return "other"
        walk.rejected.append((path, "not a regular file"))
        return "rejected"
    if suffix in VIDEO_SUFFIXES:
        return "video"
    return "image" if suffix in IMAGE_SUFFIXES else "other"


def _reason(error: OSError) -> str:
    return _REASONS.get(error.errno or 0, error.strerror or str(error))
