"""Finding the files of a folder that may be videos, without opening them and without ever hanging on one."""

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from videogan.data.listing import Listing, stamp_of
from videogan.data.paths import common_folder
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


@dataclass
class Walk:
    """What a folder holds: files to be probed in natural order, what cannot be read with the reason, and counts.

    A candidate is a file, or a folder of numbered images, with the first folder below the root that holds it as class.
    ``hidden`` counts what a system keeps for itself: names that begin with a dot, and folders such as ``@eaDir``.
    ``own`` are folders that videogan made, of runs and of reports, whose videos are no clips.
    """

    base: Path
    listing: Listing = field(default_factory=Listing)
    rejected: list[tuple[Path, str]] = field(default_factory=list)
    own: list[Path] = field(default_factory=list)
    hidden: int = 0
    ignored: list[Path] = field(default_factory=list)

    def paths(self) -> list[Path]:
        """Return the paths of the candidates."""
        return [self.base / os.fsdecode(name) for name in self.listing.every_name()]

    def add(self, place: str, class_name: str | None, status: os.stat_result | None = None) -> None:
        """Append a candidate at a place below the base."""
        self.listing.add(place, class_name, stamp_of(f"{self.base}{os.sep}{place}" if place else self.base, status))

    def below(self, folder: Path) -> str:
        """Return what stands before a name in a folder, as seen from the base."""
        return "" if folder == self.base else f"{folder.relative_to(self.base)}{os.sep}"


def walk_folders(roots: Sequence[Path]) -> Walk:
    """Look through folders and all folders below them, following links but entering no folder twice.

    A root may be a video. Of several roots without sub-folders each folder is a class.
    """
    walk = Walk(common_folder(roots))
    seen: set[tuple[int, int]] = set()
    for root in roots:
        if root.is_dir():
            _enter(root, None, 0, walk, seen)
        else:
            kind, status = _kind(os.fspath(root), walk)
            if kind == "video":
                walk.add(f"{walk.below(root.parent)}{root.name}", None, status)
    walk.listing.finish()
    if len(roots) > 1 and not walk.listing.folders:
        _name_by_folders(walk)
    return walk


def _name_by_folders(walk: Walk) -> None:
    """Make the folder that each candidate lies in its class, if there are several."""
    parents = [path.parent for path in walk.paths()]
    numbers = {parent: number for number, parent in enumerate(dict.fromkeys(parents))}
    if len(numbers) > 1:
        walk.listing.folders = [parent.name for parent in numbers]
        walk.listing.rows["folder"] = [numbers[parent] for parent in parents]


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
        own = folder.stat()
        if (own.st_dev, own.st_ino) in seen:
            walk.rejected.append((folder, "link to a folder that was already read"))
            return
        seen.add((own.st_dev, own.st_ino))
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
    holds_other, below = False, walk.below(folder)
    for name in names:
        if name.startswith(".") or name.lower() in _SYSTEM_FOLDERS:
            walk.hidden += 1
            continue
        kind, status = _kind(f"{folder}{os.sep}{name}", walk)
        if kind == "folder":
            holds_other = True
            _enter(folder / name, name if depth == 0 else class_name, depth + 1, walk, seen)
        elif kind == "image":
            images.append(folder / name)
        elif kind == "video":
            holds_other = True
            walk.add(below + name, class_name, status)
        elif kind == "other":
            walk.ignored.append(folder / name)
    numbered = [path for path in images if path.stem[-1:].isdecimal()]
    if len(numbered) >= 2 and not holds_other and not holds_several(numbered[0]):
        walk.add(below.rstrip(os.sep), class_name if depth > 1 else None)
        return
    for path in images:
        if holds_several(path):
            walk.add(below + path.name, class_name)
        else:
            walk.ignored.append(path)


def _kind(path: str, walk: Walk) -> tuple[str, os.stat_result | None]:
    """One of folder, video, image, other or rejected, and the status; a rejection is noted in ``walk``."""
    # No Path for each of a million files: two thirds of the time.
    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError as error:
        if suffix not in VIDEO_SUFFIXES | IMAGE_SUFFIXES and error.errno == errno.ENOENT:
            return "other", None
        walk.rejected.append((Path(path), _reason(error)))
        return "rejected", None
    if stat.S_ISDIR(status.st_mode):
        return "folder", status
    if not stat.S_ISREG(status.st_mode):
        if suffix not in VIDEO_SUFFIXES:
            return "other", None
        walk.rejected.append((Path(path), "not a regular file"))
        return "rejected", None
    if suffix in VIDEO_SUFFIXES:
        return "video", status
    return ("image" if suffix in IMAGE_SUFFIXES else "other"), status


def _reason(error: OSError) -> str:
    return _REASONS.get(error.errno or 0, error.strerror or str(error))
