"""Keeps the cache folder from filling up with the caches of folders that are no more.

The file ``source`` of a cache holds the path of the folder that it was made from, or the address in a store, and is
written at every opening, so that its time of change is that of the last use.
"""

import contextlib
import logging
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from videogan.errors import UsageError
from videogan.files import file_lock, printable, read_derived, write_bytes
from videogan.parts import abandoned_parts

_log = logging.getLogger(__name__)
_DAY = 24 * 3600
_KEPT_DAYS = 30
_KEPT_DAYS_OF_STORES = 180
_PART_FILE = re.compile(r"[0-9a-f]{16}\d\d(-[0-9a-f]{16})?\.(bin|idx|columns|lock)(\.\d+\.part)?")


def note_use(home: Path, source: Path) -> None:
    """Write down that the cache ``home`` of the folder ``source`` is used now; nothing where it is read-only."""
    with contextlib.suppress(OSError):
        write_bytes(home / "source", os.fsencode(source))
        for part in abandoned_parts(home / "source"):
            part.unlink(missing_ok=True)


def prune(caches: Path) -> None:
    """Remove the caches whose source is gone and that were not used for 30 days, if nobody is filling them.

    Not at once: a source may be on a disk that is not mounted today. Whether what lies in a store is gone is not asked:
    its cache is removed after 180 days without use. What cannot be removed stays.
    """
    for note in caches.glob("*/source"):
        with contextlib.suppress(OSError, UsageError), file_lock(note.with_name("lock")):
            source = Path(os.fsdecode(note.read_bytes()))
            in_a_store = not source.is_absolute()
            unused_days = (time.time() - note.stat().st_mtime) / _DAY
            kept_days = _KEPT_DAYS_OF_STORES if in_a_store else _KEPT_DAYS
            if unused_days > kept_days and (in_a_store or _is_gone(source)):
                shutil.rmtree(note.parent)
                _log.info("removed the clip cache of %s, unused for %d days", printable(source), unused_days)


def sweep(home: Path, is_own: Callable[[Path], bool]) -> None:
    """Remove the files of parts that are no more, and a cache of earlier versions, if nobody is filling this one.

    Those who read them go on: the system keeps what is open.
    """
    earlier = [home / "index.json", *home.glob("frames-*")] if read_derived(home / "index.json") is not None else []
    stale = [file for file in home.iterdir() if _PART_FILE.fullmatch(file.name) and not is_own(file)] + earlier
    if stale:
        with contextlib.suppress(OSError, UsageError), file_lock(home / "lock"):
            for file in stale:
                file.unlink(missing_ok=True)


def _is_gone(path: Path) -> bool:
    """Say whether there is no such file; OSError where that cannot be told."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    return False
