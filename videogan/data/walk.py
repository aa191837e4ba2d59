"""Finding the files of a folder that may be videos, without opening them and without ever hanging on one."""

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from videogan.data.listing import Listing, ShardRows
from videogan.data.paths import common_folder
from videogan.data.shards import COMPRESSED, IS_COMPRESSED, SHARD_SUFFIX, ShardContents, is_hidden, is_shard, open_shard
from videogan.data.stamps import Stamp, stamp_of
from videogan.errors import UsageError, VideoError, reason_of
from videogan.files import Progress, map_in_threads, natural_key
from videogan.storage.member import Member
from videogan.video.formats import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from videogan.video.images import holds_several

_REASONS = {
    errno.ELOOP: "symlink loop",
    errno.ENOENT: "link to nothing",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
}

# Links to these lead to every process and device.
_SYSTEM_ROOTS = tuple(Path(name) for name in ("/proc", "/sys", "/dev"))

MAX_DEPTH = 100
"""Folders within folders that are entered."""


@dataclass
class Walk:
    """What a folder holds: files to be probed in natural order, what cannot be read with the reason, and counts.

    A candidate is a file, a folder of numbered images, or a part of a shard, with the first folder below the root that
    holds it as class. ``shards`` are the tars, each with the class that its folder names.
    ``hidden`` counts what a system keeps for itself: names that begin with a dot, and folders such as ``@eaDir``.
    ``own`` are folders that videogan made, of runs and of reports, whose videos are no clips.
    """

    base: Path
    listing: Listing = field(default_factory=Listing)
    rejected: list[tuple[Path, str]] = field(default_factory=list)
    own: list[Path] = field(default_factory=list)
    hidden: int = 0
    ignored: list[Path] = field(default_factory=list)
    shards: list[tuple[Path, str | None]] = field(default_factory=list)

    def paths(self) -> list[Path]:
        """Return the paths of the candidates."""
        return [self.base / os.fsdecode(name) for name in self.listing.every_name()]

    def sources(self) -> list[Path | Member]:
        """Return what each candidate is read from."""
        return [self.listing.source(self.base, row) for row in range(len(self.listing))]

    def add(self, place: str, class_name: str | None, status: os.stat_result | None = None) -> None:
        """Append a candidate at a place below the base."""
        self.listing.add(place, class_name, stamp_of(f"{self.base}{os.sep}{place}" if place else self.base, status))

    def add_shard(self, place: Path, class_name: str | None, shard: ShardContents) -> None:
        """Append what lies in a shard; a folder around it names the class before anything within it does."""
        below = "" if place == self.base else os.fspath(place.relative_to(self.base))
        prefix = f"{below}{os.sep}" if below else ""
        self.listing.shards.append(ShardRows(below, len(self.listing), shard.extents))
        sizes = shard.extents[:, 1].tolist()
        for name, own_class, size in zip(shard.names, shard.classes, sizes, strict=True):
            own_class = own_class if class_name is None else class_name
            self.listing.add(prefix + name, own_class, Stamp(size, shard.modified))
        self.rejected += [(place / name, reason) for name, reason in shard.rejected]
        self.ignored += [place / name for name in shard.ignored]
        self.hidden += shard.hidden

    def below(self, folder: Path) -> str:
        """Return what stands before a name in a folder, as seen from the base."""
        return "" if folder == self.base else f"{folder.relative_to(self.base)}{os.sep}"


def walk_folders(
    roots: Sequence[Path], cache_dir: str | os.PathLike[str] | None = None, progress: Progress | None = None
) -> Walk:
    """Look through folders and all folders below them, following links but entering no folder twice.

    Args:
        roots: folders, videos and tar shards. Of several without sub-folders each folder is a class.
        cache_dir: where it is kept what lies in shards.
        progress: called as shards are looked at.

    Raises:
        UsageError: the store that holds a shard cannot be used.
    """
    walk = Walk(common_folder(roots))
    seen: set[tuple[int, int]] = set()
    for root in roots:
        if root.is_dir():
            _enter(root, None, 0, walk, seen)
        elif is_shard(root):
            walk.shards.append((root, None))
        else:
            kind, status = _kind(os.fspath(root), walk)
            if kind == "video":
                walk.add(f"{walk.below(root.parent)}{root.name}", None, status)
    _look_into_shards(walk, cache_dir, progress)
    walk.listing.finish()
    if len(roots) > 1 and not walk.listing.folders:
        _name_by_folders(walk)
    return walk


def _look_into_shards(walk: Walk, cache_dir: str | os.PathLike[str] | None, progress: Progress | None) -> None:
    places = [place for place, _ in walk.shards]
    opened = map_in_threads(partial(_shard_or_reason, cache_dir), places, progress=progress)
    for (place, class_name), shard in zip(walk.shards, opened, strict=True):
        if isinstance(shard, ShardContents):
            walk.add_shard(place, class_name, shard)
        else:
            walk.rejected.append((place, shard))


def _shard_or_reason(cache_dir: str | os.PathLike[str] | None, place: Path) -> ShardContents | str:
    try:
        return open_shard(place, cache_dir)
    except UsageError:
        raise
    except VideoError as error:
        return error.reason
    except OSError as error:
        return reason_of(error).lower()


def _name_by_folders(walk: Walk) -> None:
    """Make the folder that each candidate, or its shard, lies in its class, if there are several."""
    listing = walk.listing
    parents = [(each.shard if isinstance(each, Member) else each).parent for each in walk.sources()]
    numbers = {parent: number for number, parent in enumerate(dict.fromkeys(parents))}
    if len(numbers) > 1:
        listing.folders = [parent.name for parent in numbers]
        listing.rows["folder"] = [numbers[parent] for parent in parents]


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
        if is_hidden(name):
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
        elif kind == "shard":
            holds_other = True
            walk.shards.append((folder / name, class_name))
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
    """One of folder, video, shard, image, other or rejected, and the status; a rejection is noted in ``walk``."""
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
    if path.lower().endswith(COMPRESSED):
        walk.rejected.append((Path(path), IS_COMPRESSED))
        return "rejected", None
    if suffix in VIDEO_SUFFIXES:
        return "video", status
    if suffix == SHARD_SUFFIX:
        return "shard", status
    return ("image" if suffix in IMAGE_SUFFIXES else "other"), status


def _reason(error: OSError) -> str:
    return _REASONS.get(error.errno or 0, error.strerror or str(error))
