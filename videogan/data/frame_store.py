"""Three ways to hold a video's frames at training size: raw bytes, JPEGs, or still in the video itself.

Each reads any frames of one video into a caller's buffer and may be used by several threads at once.
"""

import io
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from videogan.data.clips import resample
from videogan.errors import VideoError
from videogan.video import VideoReader
from videogan.video.pixels import Fit


@dataclass(frozen=True)
class CachedVideo:
    """A usable video at training size and rate: ``num_frames`` frames, the first at ``offset`` in the cache's file.

    ``offset`` counts bytes for raw frames and rows of the table for JPEGs.
    """

    path: Path
    label: int | None
    num_frames: int
    offset: int


class FrameStore(Protocol):
    """Where frames come from."""

    def read(self, video: CachedVideo, indices: Sequence[int], out: np.ndarray) -> None:
        """Fill ``out``, uint8 ``t h w c`` and contiguous, with the frames ``indices``; VideoError if that fails."""
        ...

    def close(self) -> None:
        """Give back open files."""
        ...


class RawFrames:
    """Frames one after the other in one file; a clip with stride 1 is one system call."""

    def __init__(self, path: Path, frame_bytes: int) -> None:
        self._fd = os.open(path, os.O_RDONLY)
        self._frame_bytes = frame_bytes

    def read(self, video: CachedVideo, indices: Sequence[int], out: np.ndarray) -> None:
        """See ``FrameStore.read``."""
        size = self._frame_bytes
        if isinstance(indices, range) and indices.step == 1:
            if os.preadv(self._fd, [out.data], video.offset + indices.start * size) != len(indices) * size:
                raise VideoError(video.path, "its frames in the clip cache are cut off")
            return
        flat = out.data.cast("B")
        for position, index in enumerate(indices):
            place = flat[position * size : (position + 1) * size]
            if os.preadv(self._fd, [place], video.offset + index * size) != size:
                raise VideoError(video.path, "its frames in the clip cache are cut off")

    def close(self) -> None:
        """Give back the open file."""
        os.close(self._fd)


class JpegFrames:
    """Compressed frames in one file, found through a table (n, 2) of offset and size in bytes."""

    def __init__(self, path: Path, table: np.ndarray) -> None:
        self._fd = os.open(path, os.O_RDONLY)
        self._table = table

    def read(self, video: CachedVideo, indices: Sequence[int], out: np.ndarray) -> None:
        """See ``FrameStore.read``."""
        for position, index in enumerate(indices):
            offset, size = self._table[video.offset + index]
            try:
                out[position] = np.asarray(Image.open(io.BytesIO(os.pread(self._fd, int(size), int(offset)))))
            except (OSError, ValueError) as error:
                raise VideoError(video.path, f"frame {index} in the clip cache is damaged ({error})") from error

    def close(self) -> None:
        """Give back the open file."""
        os.close(self._fd)


class StreamedFrames:
    """No copy at all: every clip is decoded from its video. A few videos are kept open."""

    def __init__(self, size: tuple[int, int], fit: Fit, frame_rate: Fraction | None, max_open: int = 32) -> None:
        self._size, self._fit, self._frame_rate, self._max_open = size, fit, frame_rate, max_open
        self._open: OrderedDict[Path, tuple[VideoReader, Sequence[int]]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, video: CachedVideo, indices: Sequence[int], out: np.ndarray) -> None:
        """See ``FrameStore.read``."""
        try:
            reader, ticks = self._take(video)
        except OSError as error:
            raise VideoError(video.path, error.strerror or str(error)) from error
        try:
            wanted = [ticks[index] for index in indices]
            needed = sorted(set(wanted))
            frames = reader.read(needed, out if len(needed) == len(wanted) else None)
            if len(needed) != len(wanted):
                np.take(frames, np.searchsorted(needed, wanted), axis=0, out=out)
        except BaseException:
            reader.close()
            raise
        self._give_back(video.path, reader, ticks)

    def close(self) -> None:
        """Close all the videos that are kept open."""
        with self._lock:
            readers, self._open = self._open, OrderedDict()
        for reader, _ in readers.values():
            reader.close()

    def _take(self, video: CachedVideo) -> tuple[VideoReader, Sequence[int]]:
        """A reader that no other thread has, and the video's own frame for each frame at the wanted rate."""
        with self._lock:
            if video.path in self._open:
                return self._open.pop(video.path)
        reader = VideoReader(video.path, size=self._size, fit=self._fit)
        if self._frame_rate is None:
            return reader, range(video.num_frames)
        return reader, resample(reader.timestamps.tolist(), self._frame_rate)

    def _give_back(self, path: Path, reader: VideoReader, ticks: Sequence[int]) -> None:
        surplus = []
        with self._lock:
            if path in self._open:
                surplus.append(reader)
            else:
                self._open[path] = (reader, ticks)
            while len(self._open) > self._max_open:
                surplus.append(self._open.popitem(last=False)[1][0])
        for one in surplus:
            one.close()
