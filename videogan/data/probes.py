"""What probing found, kept from scan to scan, and probing what is new, some thousand files at a time."""

import contextlib
import ctypes
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from videogan.data.columns import read_columns, write_columns
from videogan.data.listing import Listing, ProbeResult
from videogan.data.stills import are_stills
from videogan.errors import NotAVideoError, TransferError, UsageError, VideoError, reason_of
from videogan.files import Progress, cache_root, file_lock, map_in_threads
from videogan.parts import abandoned_parts
from videogan.storage.member import Member
from videogan.video import VideoInfo, probe

CHUNK = 2_048
_VERSION = 5
_SECONDS_BETWEEN_WRITES = 20


class ProbeIndex:
    """The file in the cache folder that holds what is known of the files below ``root``.

    It only saves time: where it is damaged or cannot be written, everything is probed anew.
    """

    def __init__(self, root: Path, cache_dir: str | os.PathLike[str] | None) -> None:
        name = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:32]
        self._path = cache_root(cache_dir) / "probes" / f"{name}.columns"
        self._written = time.monotonic()
        self._seen: tuple[int, int] | None = None

    def look_up(self, listing: Listing) -> bool:
        """Note in a listing what is known of files that have not changed; say whether it is what is kept already."""
        self._seen = self._version_on_disk()
        kept = read_columns(self._path)
        if kept is None or kept[1]["version"] != _VERSION:
            return False
        earlier = Listing.of_columns(kept[0], kept[1]["remarks"])
        listing.take_over(earlier)
        return listing.names == earlier.names and not len(listing.unprobed())

    def refresh(self, listing: Listing) -> None:
        """Note what other processes have learnt since this one has looked."""
        if self._version_on_disk() != self._seen:
            self.look_up(listing)

    def _version_on_disk(self) -> tuple[int, int] | None:
        with contextlib.suppress(OSError):
            status = self._path.stat()
            return status.st_ino, status.st_mtime_ns
        return None

    def keep(self, listing: Listing) -> None:
        """Write what is known by now, with what other processes have learnt meanwhile."""
        self._written = time.monotonic()
        with contextlib.suppress(OSError, UsageError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with file_lock(self._path.with_suffix(".lock"), on_wait=lambda: None):
                self.look_up(listing)
                columns, remarks = listing.columns()
                write_columns(self._path, columns, {"version": _VERSION, "remarks": remarks})
                self._seen = self._version_on_disk()
                for part in abandoned_parts(self._path):
                    part.unlink(missing_ok=True)
            self._path.with_suffix(".json").unlink(missing_ok=True)  # what earlier versions kept

    def keep_now_and_then(self, listing: Listing) -> None:
        """Write it if that was long ago, so that a process that is killed has not worked in vain."""
        if time.monotonic() - self._written > _SECONDS_BETWEEN_WRITES:
            self.keep(listing)


def probe_new(root: Path, listing: Listing, index: ProbeIndex, progress: Progress | None = None) -> None:
    """Probe all of a listing that is not known yet, in bounded memory, and keep it."""
    new = listing.unprobed()
    if not len(new):
        return
    known = len(listing) - len(new)

    def told(first: int) -> Progress | None:
        return None if progress is None else lambda done, _: progress(known + first + done, len(listing))

    try:
        for first in range(0, len(new), CHUNK):
            rows = new[first : first + CHUNK].tolist()
            map_in_threads(lambda row: probe_row(root, listing, row), rows, progress=told(first))
            index.keep_now_and_then(listing)
            give_back_memory()
    finally:  # an interrupted scan keeps what it has learnt
        index.keep(listing)


def probe_row(root: Path, listing: Listing, row: int, look: Callable[[Path | Member], VideoInfo] = probe) -> None:
    """Probe one file, or part of a shard, by ``look``, and note in the listing what it is."""
    source = listing.source(root, row)
    result: ProbeResult = None
    lasting = True
    try:
        info = result = look(source)
        if isinstance(source, Path) and source.is_dir() and are_stills(source, info.num_frames):
            raise VideoError(source, f"its {info.num_frames} pictures have nothing in common: stills, and no video")
    except NotAVideoError:
        result = None
    except VideoError as error:
        # Another time there may be enough memory, or a better line.
        lasting = not isinstance(error, TransferError) and not isinstance(error.__cause__, MemoryError)
        result = error.reason
    except OSError as error:
        result, lasting = reason_of(error), False
    listing.put(row, result, lasting=lasting)


def give_back_memory() -> None:
    """Let the system have what was freed: glibc keeps small pieces, 12 KB for each video that was decoded."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
