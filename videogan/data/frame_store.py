"""Three ways to hold a video's frames at training size: raw bytes, JPEGs, or still in the video itself.

Each reads any frames of one video into a caller's buffer and may be used by several threads at once.
"""

import io
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from videogan.data.cache.videos import CachedVideo
from videogan.data.frame_lists import FrameLists
from videogan.errors import MissingPathError, VideoError
from videogan.storage.member import Member
from videogan.video import VideoReader
from videogan.video.index import FrameIndex

OpenVideo = Callable[[Path | Member, FrameIndex | None], VideoReader]
"""Opens a video, whose frames may be known."""


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
    """No copy at all: every clip is decoded from its video, which is opened by ``open_video``. Some are kept open.

    ``listed`` knows the frames of the long ones, so that opening them takes no longer than opening short ones; ``idle``
    is shared by all parts.
    """

    def __init__(self, open_video: OpenVideo, listed: FrameLists, idle: "IdleReaders") -> None:
        self._open_video, self._listed, self._idle = open_video, listed, idle

    def read(self, video: CachedVideo, indices: Sequence[int], out: np.ndarray) -> None:
        """See ``FrameStore.read``."""
        reader = self._idle.take(video.path) or self._open(video)
        try:
            reader.read(indices, out)
        except BaseException as error:
            reader.close()
            if isinstance(error, IndexError):  # the file has become another since it was counted
                raise VideoError(video.path, f"only {len(reader)} of {video.num_frames} frames are there") from error
            raise
        self._idle.give_back(video.path, reader)

    def close(self) -> None:
        """Close all the videos that are kept open."""
        self._idle.close()

    def _open(self, video: CachedVideo) -> VideoReader:
        try:
            return self._open_video(video.source, self._listed.get(video.offset))
        except MissingPathError as error:
            raise VideoError(video.path, "the file is gone") from error


class IdleReaders:
    """Open videos that no thread reads just now, several of one file if several threads have read it.

    Args:
        most: how many.
        most_bytes: of all that was read of shards for them.
    """

    def __init__(self, most: int = 32, most_bytes: int = 1 << 30) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._readers: list[tuple[Path, VideoReader]] = []
        self._lock = threading.Lock()

    def take(self, path: Path) -> VideoReader | None:
        """Return a reader of a file that no other thread has, if there is one."""
        with self._lock:
            for number in reversed(range(len(self._readers))):
                if self._readers[number][0] == path:
                    return self._readers.pop(number)[1]
        return None

    def give_back(self, path: Path, reader: VideoReader) -> None:
        """Keep a reader, and close the one that nobody has asked for the longest where there are too many."""
        with self._lock:
            self._readers.append((path, reader))
            surplus = []
            while len(self._readers) > self._most or sum(one.memory for _, one in self._readers) > self._most_bytes:
                surplus.append(self._readers.pop(0)[1])
        for one in surplus:
            one.close()

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            readers, self._readers = self._readers, []
        for _, reader in readers:
            reader.close()
