"""Names under which something is written until it is whole, and what processes that were killed left under them."""

import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path

LONGEST_NAME = 255
"""Bytes of a name that file systems allow."""
_PART = re.compile(r".+\.([1-9]\d{0,9})\.part", re.DOTALL)


def part_of(path: Path, process: int | None = None) -> Path:
    """Return where a process, by default this one, writes what will be ``path``: beside it, by a name that fits."""
    suffix = f".{process or os.getpid()}.part"
    return path.with_name(os.fsdecode(os.fsencode(path.name)[: LONGEST_NAME - len(suffix)]) + suffix)


def hold_part(part: Path) -> int:
    """Lock a file or folder that is being written, until the returned descriptor is closed or the process ends."""
    descriptor = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
    with suppress(OSError):  # a file system without locks: it will not be taken for abandoned there, either
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return descriptor


def abandoned_parts(path: Path) -> list[Path]:
    """Return what processes that were killed have left of ``path``: by its name, with nobody who has the number in it.

    On a disk that several machines or containers share, the number may be that of a process elsewhere; its lock tells.
    """
    try:
        beside = list(path.parent.iterdir())
    except OSError:
        return []
    numbers = {part: int(match[1]) for part in beside if (match := _PART.fullmatch(part.name))}
    own = [part for part, process in numbers.items() if part == part_of(path, process)]
    return [part for part in own if not _runs(numbers[part]) and not is_held(part)]


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def is_held(part: Path) -> bool:
    """Tell whether a process holds a lock on a part, or none can be had there."""
    try:
        descriptor = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
