"""Which frames long videos hold, kept so that nobody goes through all packets of one again to cut a clip from it."""

import os
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from videogan.video.index import FrameIndex

LONG = 1_000
"""Frames from which on it takes longer to list them than to open the video."""


class FrameLists:
    """The frames of the long videos of one part of a cache: numbers in one file, int64, read as they are needed.

    ``about`` is what :func:`write_lists` has returned.
    """

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self._about = about
        self._numbers = np.memmap(path, np.int64, "r") if about else np.zeros(0, np.int64)

    def get(self, video: int) -> FrameIndex | None:
        """Return what is kept of a video, by its number in the part, or None."""
        about = self._about.get(str(video))
        if about is None:
            return None
        start, pictures, keys, time_base, nominal_rate, *others = about
        ends = start + np.cumsum([0, pictures, keys, keys])
        pts, key_pts, key_dts = (np.asarray(self._numbers[a:b]) for a, b in pairwise(ends.tolist()))
        rate = None if nominal_rate is None else Fraction(*nominal_rate)
        seekable, last, animation, reason = others
        return FrameIndex(pts, key_pts, key_dts, Fraction(*time_base), seekable, rate, last, animation, reason)


def write_lists(path: Path, indexes: Mapping[int, FrameIndex]) -> dict[str, Any]:
    """Write the frames of videos, by their numbers in the part; return what is to be kept beside the file."""
    about: dict[str, Any] = {}
    start = 0
    with path.open("wb") as file:
        for number, index in indexes.items():
            rate = None if index.nominal_rate is None else index.nominal_rate.as_integer_ratio()
            sizes = (start, len(index.pts), len(index.key_pts), index.time_base.as_integer_ratio(), rate)
            about[str(number)] = [*sizes, index.seekable, index.last, index.animation, index.reason]
            for column in (index.pts, index.key_pts, index.key_dts):
                column.astype(np.int64).tofile(file)
                start += len(column)
        file.flush()
        os.fsync(file.fileno())
    return about
