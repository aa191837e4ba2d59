"""Three ways to hold a video's frames at training size: raw bytes, JPEGs, or still in the video itself.

Each reads any frames of one video into a caller's buffer and may be used by several threads at once.
"""

import io
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from videogan.data.cached_videos import CachedVideo
from videogan.errors import MissingPathError, VideoError
from videogan.video import VideoReader


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
            frame = flat[position * size : (position + 1) * size]
            if os.preadv(self._fd, [frame], video.offset + index * size) != size:
                raise VideoError(video.path, "its frames in the clip cache are cut off")

    def close(self) -> None:
        """Give back the open file."""
        os.close(self._fd)


def read_table(path: Path) -> np.ndarray:
    """Return the offset and size in bytes of every JPEG, int64 (n, 2), from beside a file of them; read as needed."""
    table = path.with_suffix(".idx")
    if not table.stat().st_size:
        return np.empty((0, 2), np.int64)
    return np.memmap(table, np.int64, "r").reshape(-1, 2)


class JpegFrames:
    """Compressed frames in one file, found through its table.

    Where one turns out to be damaged, the file is removed, so that the next run makes it anew; those that have it open
    go on.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._fd = path, os.open(path, os.O_RDONLY)
        self._table = read_table(path)

    def read(self, video: CachedVideo, indices: Sequence[int], out: np.ndarray) -> None:
        """See ``FrameStore.read``."""
        for position, index in enumerate(indices):
            offset, size = self._table[video.offset + index]
            try:
                out[position] = np.asarray(Image.open(io.BytesIO(os.pread(self._fd, int(size), int(offset)))))
            except (OSError, ValueError, SyntaxError) as error:
                self._path.unlink(missing_ok=True)
                raise VideoError(video.path, f"frame {index} in the clip cache is damaged ({error})") from error

    def close(self) -> None:
        """Give back the open file."""
        os.close(self._fd)


class StreamedFrames:
    """No copy at all: every clip is decoded from its video, as ``open_video`` opens it. A few are kept open."""

    def __init__(self, open_video: Callable[[Path], VideoReader], max_open: int = 32) -> None:
        self._open_video, self._max_open = open_video, max_open
        self._idle: OrderedDict[Path, VideoReader] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, video: CachedVideo, indices: Sequence[int], out: np.ndarray) -> None:
        """See ``FrameStore.read``."""
        reader = self._take(video.path)
        try:
            reader.read(indices, out)
        except BaseException as error:
            reader.close()
            if isinstance(error, IndexError):  # the file has become another since it was counted
                raise VideoError(video.path, f"only {len(reader)} of {video.num_frames} frames are there") from error
            raise
        self._give_back(video.path, reader)

    def close(self) -> None:
        """Close all the videos that are kept open."""
        with self._lock:
            readers, self._idle = self._idle, OrderedDict()
        for reader in readers.values():
            reader.close()

    def _take(self, path: Path) -> VideoReader:
        """Return a reader that no other thread has."""
        with self._lock:
            if path in self._idle:
                return self._idle.pop(path)
        try:
            return self._open_video(path)
        except MissingPathError as error:
            raise VideoError(path, "the file is gone") from error

    def _give_back(self, path: Path, reader: VideoReader) -> None:
        surplus = []
        with self._lock:
            if path in self._idle:
                surplus.append(reader)
            else:
                self._idle[path] = reader
            while len(self._idle) > self._max_open:
                surplus.append(self._idle.popitem(last=False)[1])
        for one in surplus:
            one.close()
