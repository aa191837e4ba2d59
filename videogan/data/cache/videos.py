"""The videos of a cache as columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from videogan.data.listing import VideoTable
from videogan.storage.member import Member, path_of


@dataclass(frozen=True)
class CachedVideo:
    """A usable video at training size and rate: ``num_frames`` frames, the first at ``offset`` in the file of its part.

    ``offset`` counts bytes for raw frames, rows of the table for JPEGs, and videos of the part for what is decoded.
    """

    source: Path | Member
    label: int | None
    num_frames: int
    part: int
    offset: int

    @property
    def path(self) -> Path:
        """Its name, within its shard where it lies in one."""
        return path_of(self.source)


class CachedVideos(Sequence[CachedVideo]):
    """The usable videos of a cache, made when they are asked for.

    Attributes:
        table: where each comes from.
        num_frames, parts, offsets: as :class:`CachedVideo` has them, int64 (n).
    """

    def __init__(self, table: VideoTable, num_frames: np.ndarray, parts: np.ndarray, offsets: np.ndarray) -> None:
        self.table, self.num_frames, self.parts, self.offsets = table, num_frames, parts, offsets

    @property
    def labels(self) -> np.ndarray:
        """The index of each one's class; -1 for none."""
        return self.table.labels

    def __len__(self) -> int:
        return len(self.table)

    @overload
    def __getitem__(self, number: int) -> CachedVideo: ...
    @overload
    def __getitem__(self, number: slice) -> list[CachedVideo]: ...
    def __getitem__(self, number: int | slice) -> CachedVideo | list[CachedVideo]:
        if isinstance(number, slice):
            return [self[one] for one in range(len(self))[number]]
        numbers = (int(column[number]) for column in (self.num_frames, self.parts, self.offsets))
        label = int(self.labels[number])
        return CachedVideo(self.table.source(number), None if label < 0 else label, *numbers)

    def __iter__(self) -> Iterator[CachedVideo]:
        return (self[number] for number in range(len(self)))
