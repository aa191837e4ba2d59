"""When a video was changed, and how large it is, by which it shows whether what is known of it still holds."""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from videogan.storage.member import Member


class Stamp(NamedTuple):
    """Size in bytes and time of change (ns) of a file, or over the images of a folder, whose number ``files`` is."""

    size: int
    modified: int
    files: int = -1


UNREADABLE = Stamp(-1, 0)


def stamp_of(path: str | os.PathLike[str], status: os.stat_result | None = None) -> Stamp:
    """Return size and time of change of a file, whose status may be known, or of all the images in a folder.

    Permission is asked for because it comes and goes without a change of either.
    """
    if not os.access(path, os.R_OK):
        return UNREADABLE
    try:
        status = status or os.stat(path)  # noqa: PTH116
        if not stat.S_ISDIR(status.st_mode):
            return Stamp(status.st_size, status.st_mtime_ns)
        with os.scandir(path) as entries:
            stats = [entry.stat() for entry in entries if entry.is_file()]
    except OSError:
        return UNREADABLE
    return Stamp(sum(s.st_size for s in stats), max((s.st_mtime_ns for s in stats), default=0), len(stats))


def change_stamp(source: Path | Member) -> str:
    """Return the stamp of a file, a folder of images or a part of a shard as text; empty if it cannot be read."""
    if isinstance(source, Member):
        return f"{source.size} {source.modified} {source.header}"
    stamp = stamp_of(source)
    if stamp == UNREADABLE:
        return ""
    return f"{stamp.size} {stamp.modified}" if stamp.files < 0 else f"{stamp.files} {stamp.size} {stamp.modified}"


def size_of(source: Path | Member) -> int:
    """Return the bytes of a video; OSError where it is gone."""
    return source.size if isinstance(source, Member) else source.stat().st_size
