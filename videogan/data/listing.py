"""What lies in a folder and what is known of it, as columns: a million files fit into some hundred megabytes.

A row is a file, or a folder of numbered images. Its place is a name below the root; where it lies, when it changed and
what a probe said of it stand in arrays, and words that many rows share (codec, reason) in a table of remarks.
"""

import hashlib
import os
import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self, overload

import numpy as np

from videogan.data.stamps import Stamp, stamp_of
from videogan.storage.member import Member, path_of
from videogan.video import VideoInfo

ProbeResult = VideoInfo | str | None
"""Facts about a video, the reason why one cannot be used, or None for what was never meant to be one."""

ROW = np.dtype(
    [
        ("end", "<i8"),  # of the name, in the bytes of all names
        ("size", "<i8"),  # bytes; -1 where nothing is known, so that it is looked at the next time
        ("modified", "<i8"),  # nanoseconds
        ("files", "<i4"),  # images of a folder; -1 for a file
        ("folder", "<i4"),  # number of the class folder; -1 for none
        ("remark", "<i4"),  # number of the remark; -1 before it was probed
        ("frames", "<i4"),
        ("width", "<i4"),
        ("height", "<i4"),
        ("rate", "<i8", 2),  # numerator and denominator, frames per second
        ("seconds", "<f8"),
    ]
)


class ShardRows(NamedTuple):
    """The rows of one shard: its place below the root, the first of them, and offset, size and header of each."""

    place: str
    first: int
    extents: np.ndarray


class Remark(NamedTuple):
    """What many rows share: codec, rotation, status and reason of a video; status ``rejected`` or ``other``."""

    codec: str
    rotation: int
    status: str
    reason: str


class Listing:
    """Rows in the order in which they were found, appended to and then probed; may be used by several threads.

    Those of shards, each in one piece, come after all others.
    """

    def __init__(self) -> None:
        self.rows = np.zeros(0, ROW)
        self.names = bytearray()
        self.folders: list[str] = []
        self.shards: list[ShardRows] = []
        self.remarks: list[Remark] = []
        self._numbers: dict[Remark, int] = {}
        self._folder_numbers: dict[str | None, int] = {None: -1}
        self._lock = threading.Lock()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, name: str, folder: str | None, stamp: Stamp) -> None:
        """Append a row: its name below the root, its class folder, and its stamp."""
        if self._count == len(self.rows):
            self.rows = np.concatenate([self.rows, np.zeros(max(64, self._count // 4), ROW)])
        number = self._folder_numbers.setdefault(folder, len(self.folders))
        if folder is not None and number == len(self.folders):
            self.folders.append(folder)
        self.names += os.fsencode(name)
        self.rows[self._count] = (len(self.names), *stamp, number, -1, 0, 0, 0, (0, 1), 0.0)
        self._count += 1

    def finish(self) -> Self:
        """Give back what was reserved for more rows."""
        self.rows = self.rows[: self._count].copy()
        return self

    def name(self, row: int) -> bytes:
        """Return the name of a row below the root."""
        start = int(self.rows["end"][row - 1]) if row else 0
        return bytes(self.names[start : int(self.rows["end"][row])])

    def every_name(self) -> list[bytes]:
        """Return the names of all rows."""
        names, ends = bytes(self.names), self.rows["end"].tolist()
        return [names[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def source(self, root: Path, row: int) -> Path | Member:
        """Return what a row of a listing of ``root`` is read from: a file, or a part of a shard."""
        path = root / os.fsdecode(self.name(row))
        number = bisect_right(self.shards, row, key=lambda shard: shard.first) - 1
        if number < 0:
            return path
        place, first, extents = self.shards[number]
        offset, size, header = extents[row - first].tolist()
        return Member(path, root / place, offset, size, header, int(self.rows["modified"][row]))

    def put(self, row: int, result: ProbeResult, *, lasting: bool = True) -> None:
        """Note what a probe said of a row; what does not last is asked again by the next scan."""
        with self._lock:
            if isinstance(result, VideoInfo):
                remark = Remark(result.codec, result.rotation, result.status, result.reason)
                numbers = (result.num_frames, result.width, result.height, result.frame_rate.as_integer_ratio())
                for column, value in zip(("frames", "width", "height", "rate"), numbers, strict=True):
                    self.rows[column][row] = value
                self.rows["seconds"][row] = result.duration_seconds
            else:
                remark = Remark("", 0, "other" if result is None else "rejected", result or "")
            self.rows["remark"][row] = self._number(remark)
            if not lasting:
                self.rows["size"][row] = -1

    def _number(self, remark: Remark) -> int:
        if remark not in self._numbers:
            self._numbers[remark] = len(self.remarks)
            self.remarks.append(remark)
        return self._numbers[remark]

    def result(self, row: int, path: Path) -> ProbeResult:
        """Return what a probe said of a row, whose path this is."""
        facts = self.rows[row]
        remark = self.remark(row)
        if remark.status == "rejected":
            return remark.reason
        if remark.status == "other":
            return None
        rate = Fraction(*facts["rate"].tolist())
        sizes = (int(facts["width"]), int(facts["height"]))
        return VideoInfo(path, *sizes, rate, int(facts["frames"]), float(facts["seconds"]), *remark)  # type: ignore[arg-type]

    def remark(self, row: int) -> Remark:
        """Return the remark of a row that was probed."""
        return self.remarks[self.rows["remark"][row]]

    def with_status(self, *statuses: str) -> np.ndarray:
        """Return the numbers of the rows whose probe ended so, ascending."""
        wanted = [number for number, remark in enumerate(self.remarks) if remark.status in statuses]
        return np.flatnonzero(np.isin(self.rows["remark"], wanted))

    def unprobed(self) -> np.ndarray:
        """Return the numbers of the rows of which nothing is known."""
        return np.flatnonzero(self.rows["remark"] < 0)

    def take_over(self, earlier: "Listing") -> None:
        """Take the results of an earlier listing for every row that is not probed and has not changed since."""
        if self.names == earlier.names and len(self) == len(earlier):
            own = theirs = np.arange(len(self))
        else:
            number = {name: row for row, name in enumerate(earlier.every_name())}
            pairs = [(row, number[name]) for row, name in enumerate(self.every_name()) if name in number]
            own, theirs = np.array(pairs, np.int64).reshape(-1, 2).T
        same = (self.rows["remark"][own] < 0) & (self.rows["size"][own] >= 0) & (earlier.rows["remark"][theirs] >= 0)
        for column in ("size", "modified", "files"):
            same &= self.rows[column][own] == earlier.rows[column][theirs]
        own, theirs = own[same], theirs[same]
        for column in ("frames", "width", "height", "rate", "seconds"):
            self.rows[column][own] = earlier.rows[column][theirs]
        numbers = np.array([self._number(remark) for remark in earlier.remarks], np.int32)
        self.rows["remark"][own] = numbers[earlier.rows["remark"][theirs]]

    def columns(self) -> tuple[dict[str, np.ndarray], Any]:
        """Return the rows that were probed as arrays and plain values, to be kept on disk."""
        names = np.frombuffer(bytes(self.names), np.uint8)
        return {"names": names, "rows": self.rows.view(np.uint8)}, [list(remark) for remark in self.remarks]

    @classmethod
    def of_columns(cls, columns: dict[str, np.ndarray], about: Any) -> "Listing":
        """Return the listing that :meth:`columns` was asked of."""
        listing = cls()
        listing.rows, listing.names = columns["rows"].view(ROW), bytearray(columns["names"].tobytes())
        listing.remarks = [Remark(*remark) for remark in about]
        listing._count = len(listing.rows)
        return listing


@dataclass(frozen=True)
class SourceVideo:
    """One usable video: what it is read from, the index of its class in ``class_names`` or None, what probing found."""

    source: Path | Member
    label: int | None
    info: VideoInfo

    @property
    def path(self) -> Path:
        """Its name, within its shard where it lies in one."""
        return path_of(self.source)


class VideoTable(Sequence[SourceVideo]):
    """The usable videos of a listing, made when they are asked for.

    Attributes:
        root: the folder that the names of the listing are below.
        listing: all that was found there.
        rows: which rows of the listing are usable, int64, ascending.
        labels: the index of each one's class, int32; -1 for none.
    """

    def __init__(self, root: Path, listing: Listing, rows: np.ndarray, labels: np.ndarray) -> None:
        self.root, self.listing, self.rows, self.labels = root, listing, rows, labels

    @classmethod
    def of(cls, root: Path, videos: Sequence[SourceVideo]) -> "VideoTable":
        """Return a table of videos at or below ``root``."""
        listing = Listing()
        for row, video in enumerate(videos):
            relative = os.fspath(video.path.relative_to(root))
            listing.add("" if relative == "." else relative, None, stamp_of(video.path))
            listing.put(row, video.info)
        labels = np.array([-1 if video.label is None else video.label for video in videos], np.int32)
        return cls(root, listing.finish(), np.arange(len(videos)), labels)

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, number: int) -> SourceVideo: ...
    @overload
    def __getitem__(self, number: slice) -> list[SourceVideo]: ...
    def __getitem__(self, number: int | slice) -> SourceVideo | list[SourceVideo]:
        if isinstance(number, slice):
            return [self[one] for one in range(len(self))[number]]
        row, label = int(self.rows[number]), int(self.labels[number])
        info = self.listing.result(row, self.path(number))
        assert isinstance(info, VideoInfo)
        return SourceVideo(self.source(number), None if label < 0 else label, info)

    def __iter__(self) -> Iterator[SourceVideo]:
        return (self[number] for number in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(SourceVideo.__eq__, self, other))

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def sha256(self) -> str:
        """A hash of the names, sizes and times of change of the videos."""
        digest = hashlib.sha256(b"\0".join(map(self.listing.name, self.rows.tolist())))
        for column in ("size", "modified", "files"):
            digest.update(self.column(column).tobytes())
        return digest.hexdigest()

    def path(self, number: int) -> Path:
        """Return the path of a video."""
        return self.root / os.fsdecode(self.listing.name(int(self.rows[number])))

    def source(self, number: int) -> Path | Member:
        """Return what a video is read from."""
        return self.listing.source(self.root, int(self.rows[number]))

    def taken(self, numbers: np.ndarray) -> "VideoTable":
        """Return the table of the videos with these numbers."""
        return VideoTable(self.root, self.listing, self.rows[numbers], self.labels[numbers])

    def column(self, name: str) -> np.ndarray:
        """Return a column of the listing, of the usable videos."""
        column: np.ndarray = self.listing.rows[name][self.rows]
        return column
