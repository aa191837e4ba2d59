"""The files of one part of a clip cache: written whole or not at all, and looked over when they are opened.

::

    PART.lock                 held while the part is filled
    PART-CONTENT.columns      frames, offset and checksum of every video, with a hash; written last
    PART-CONTENT.bin          uint8 t h w c, or JPEGs
    PART-CONTENT.idx          for JPEGs: offset and size of every frame, int64 (n, 2); where none are kept: frame lists

CONTENT is a hash of the videos' names, sizes and times of change: a run whose files were replaced goes on reading the
old ones, which the system keeps for as long as they are open.
"""

import contextlib
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import numpy as np

from videogan.data.cache.build import (
    FrameFile,
    FrameFormat,
    Stored,
    store_all,
    store_jpeg,
    store_nothing,
    store_raw,
)
from videogan.data.columns import read_columns, write_columns
from videogan.data.frame_lists import write_lists
from videogan.data.listing import VideoTable
from videogan.files import Progress, file_lock
from videogan.parts import part_of

_VERSION = 6
_BLOCK = 1 << 20

Kind = Literal["raw", "jpeg", "stream"]


@dataclass(frozen=True)
class PartIndex:
    """What a part holds of each of its videos: frames (0 where it failed, for a reason), offset in the file, checksum.

    Raw frames lie at an offset in bytes, JPEGs at one in rows of the table; of what is decoded while training it is the
    video's number. ``table_checksum`` is that of the ``.idx`` file, and ``lists`` says which frame lists lie in it.
    """

    num_frames: np.ndarray
    offsets: np.ndarray
    checksums: np.ndarray
    reasons: dict[int, str]
    file_bytes: int = 0
    table_checksum: int = 0
    lists: dict[str, Any] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write it to a file."""
        columns = {"num_frames": self.num_frames, "offsets": self.offsets, "checksums": self.checksums}
        write_columns(path, columns, [self.reasons, self.file_bytes, self.table_checksum, self.lists])

    @classmethod
    def read(cls, path: Path) -> "PartIndex | None":
        """Return what was written, or None where the file is not there, damaged or another."""
        kept = read_columns(path)
        if kept is None:
            return None
        reasons, file_bytes, table_checksum, lists = kept[1]
        return cls(
            **kept[0],
            reasons={int(number): reason for number, reason in reasons.items()},
            file_bytes=file_bytes,
            table_checksum=table_checksum,
            lists=lists,
        )


class PartFiles:
    """A part of a cache folder, of one kind: ``numbers`` are those of its videos among all of the folder."""

    def __init__(self, home: Path, name: str, numbers: np.ndarray, videos: VideoTable, kind: Kind) -> None:
        self.home, self.name, self.numbers, self.videos, self.kind = home, name, numbers, videos, kind
        content = hashlib.sha256(f"{_VERSION} {kind} {videos.sha256}".encode()).hexdigest()[:16]
        self._stem = f"{name}-{content}"
        self.frames = home / f"{self._stem}.bin"
        self.table = home / f"{self._stem}.idx"
        self.index = home / f"{self._stem}.columns"

    def is_own(self, file: Path) -> bool:
        """Say whether a file belongs to the part as its videos are now, or is its lock."""
        return file.name.startswith(f"{self._stem}.") or file.name == f"{self.name}.lock"

    def size(self) -> int:
        """Return the bytes of its files on the disk."""
        return sum(file.stat().st_size for file in self.home.glob(f"{self._stem}.*"))

    def fill(self, frame_format: FrameFormat, progress: Progress | None) -> None:
        """Decode every video of the part, which is held meanwhile, and remove what there was of it before.

        Raises:
            OSError: there is no room, or writing failed in another way.
        """
        with open_frame_file(self.home, self.name) as file:
            store = {"raw": store_raw, "jpeg": store_jpeg, "stream": store_nothing}[self.kind]
            self.finish(file, store_all(self.videos, frame_format, file, store, progress))

    def finish(self, file: FrameFile, results: Sequence[Stored | str]) -> None:
        """Give a file of the frames of every video, in any order, its name, and write what it holds."""
        file.finish()
        index = self._index(file, results)
        if self.kind != "stream":
            file.path.replace(self.frames)
        index.write(self.index)
        for old in self.home.glob(f"{self.name}-*"):
            if not self.is_own(old):
                old.unlink(missing_ok=True)

    def _index(self, file: FrameFile, results: Sequence[Stored | str]) -> PartIndex:
        stored = [Stored(0) if isinstance(result, str) else result for result in results]
        num_frames = np.array([each.num_frames for each in stored], np.int64)
        offsets = np.array([each.offset for each in stored], np.int64)
        lists: dict[str, Any] = {}
        if self.kind == "jpeg":
            offsets = num_frames.cumsum() - num_frames
            _write_table(self.table, [each.table for each in stored if each.table is not None])
        if self.kind == "stream":
            offsets = np.arange(len(stored))
            indexes = {number: each.index for number, each in enumerate(stored) if each.index is not None}
            lists = write_lists(self.table, indexes) if indexes else {}
        checksums = np.array([each.checksum for each in stored], np.uint32)
        reasons = {number: result for number, result in enumerate(results) if isinstance(result, str)}
        return PartIndex(num_frames, offsets, checksums, reasons, file.size, table_checksum(self.table), lists)


class Named(Protocol):
    """A part, by its name."""

    @property
    def name(self) -> str:
        """Its name among all parts."""


P = TypeVar("P", bound=Named)


def free_ones_first(home: Path, parts: Sequence[P], on_wait: Callable[[], object]) -> Iterator[P]:
    """Yield parts, each held while it is used: those that no other process holds, and then the others.

    ``on_wait`` is called before the first of these is waited for.
    """
    later = []
    for part in parts:
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(file_lock(home / f"{part.name}.lock"))
            except BlockingIOError:
                later.append(part)
                continue
            yield part
    if later:
        on_wait()
    for part in later:
        with file_lock(home / f"{part.name}.lock", on_wait=lambda: None):
            yield part


@contextlib.contextmanager
def open_frame_file(home: Path, name: str) -> Iterator[FrameFile]:
    """Give a file to be filled for a part, and remove it at the end unless it has got another name."""
    for old in home.glob(f"{name}.bin.*.part"):  # of a process that was killed
        old.unlink(missing_ok=True)
    file = FrameFile(part_of(home / f"{name}.bin"))
    try:
        yield file
    finally:
        file.close()
        file.path.unlink(missing_ok=True)


def table_checksum(path: Path) -> int:
    """Return the checksum of a table; 0 where there is none."""
    checksum = 0
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        while block := file.read(_BLOCK):
            checksum = zlib.crc32(block, checksum)
    return checksum


def _write_table(path: Path, tables: Sequence[np.ndarray]) -> None:
    """Write where each JPEG lies."""
    table = np.concatenate(tables) if tables else np.empty((0, 2), np.int64)
    with path.open("wb") as file:
        table.tofile(file)
        file.flush()
        os.fsync(file.fileno())
