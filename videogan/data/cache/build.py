"""Filling the clip cache: every video decoded once, at training size and rate, by several threads."""

import errno
import hashlib
import io
import os
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from videogan.config import DataConfig
from videogan.data.frame_lists import LONG
from videogan.data.listing import SourceVideo
from videogan.errors import MissingPathError, TransferError, UsageError, VideoError, reason_of
from videogan.files import Progress, cache_root, map_in_threads, printable
from videogan.storage.member import Member
from videogan.video import VideoReader, as_frame_rate
from videogan.video.index import FrameIndex
from videogan.video.pixels import Fit

_CHUNK_BYTES = 4 << 20
_JPEG_QUALITY = 95


@dataclass(frozen=True)
class FrameFormat:
    """What training wants of every frame: height and width in pixels, how to fit it, frames per second (None: own)."""

    height: int
    width: int
    fit: Fit
    frame_rate: Fraction | None

    @property
    def frame_bytes(self) -> int:
        """Bytes of one raw frame."""
        return self.height * self.width * 3

    @classmethod
    def of(cls, data: DataConfig) -> "FrameFormat":
        """Return the format that the settings ask for."""
        return cls(data.size, data.size, data.fit, None if data.frame_rate is None else as_frame_rate(data.frame_rate))

    def home(self, root: Path, cache_dir: str | None) -> Path:
        """Return the folder that holds such frames of the videos below ``root``."""
        root = root.resolve()
        source = hashlib.sha256(os.fsencode(root) + repr(self).encode()).hexdigest()[:12]
        return cache_root(cache_dir) / "clips" / f"{printable(root.name)[:40]}-{source}"

    def open(self, path: Path | Member, index: FrameIndex | None = None) -> VideoReader:
        """Open a video, whose frames may be known, so that it gives such frames."""
        size = (self.height, self.width)
        return VideoReader(path, size=size, fit=self.fit, frame_rate=self.frame_rate, index=index)


@dataclass(frozen=True)
class Stored:
    """What became of one video: frames kept, where they begin, and a checksum of their bytes in the file.

    ``table`` says where each JPEG lies, ``index`` which frames a long video has that is decoded while training.
    """

    num_frames: int
    offset: int = 0
    checksum: int = 0
    table: np.ndarray | None = None
    index: FrameIndex | None = None


class FrameFile:
    """A growing file that several threads write to. Room is taken before it is written, so a full disk is an error
    at once and not a crash later.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        self._lock = threading.Lock()
        self.size = 0

    def reserve(self, nbytes: int) -> int:
        """Take ``nbytes`` at the end of the file and return their offset; OSError where there is no room."""
        with self._lock:
            offset = self.size
            if nbytes and hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._fd, offset, nbytes)
            self.size = offset + nbytes
        return offset

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Write all of ``data`` at ``offset``."""
        view = memoryview(data).cast("B")
        while view:
            written = os.pwrite(self._fd, view, offset)
            view, offset = view[written:], offset + written

    def finish(self) -> None:
        """Bring everything to the disk."""
        os.fsync(self._fd)

    def close(self) -> None:
        """Give back the open file."""
        os.close(self._fd)


Store = Callable[[SourceVideo, FrameFormat, FrameFile, threading.Event], Stored]


def store_raw(video: SourceVideo, frame_format: FrameFormat, file: FrameFile, stop: threading.Event) -> Stored:
    """Write a video's frames, raw and in one piece."""
    with frame_format.open(video.source) as reader:
        count = _count(reader, video, frame_format)
        offset = file.reserve(count * frame_format.frame_bytes)
        checksum = done = 0
        for chunk in _chunks(reader, count, frame_format, stop):
            data = chunk.data.cast("B")
            checksum = zlib.crc32(data, checksum)
            file.write(data, offset + done * frame_format.frame_bytes)
            done += len(chunk)
    return Stored(done, offset, checksum)


def put_raw(frames: np.ndarray, file: FrameFile) -> Stored:
    """Write all frames of a video (t h w c), as :func:`store_raw` does."""
    data = np.ascontiguousarray(frames).data.cast("B")
    offset = file.reserve(len(data))
    file.write(data, offset)
    return Stored(len(frames), offset, zlib.crc32(data))


def store_jpeg(video: SourceVideo, frame_format: FrameFormat, file: FrameFile, stop: threading.Event) -> Stored:
    """Write a video's frames as JPEGs, wherever there is room."""
    with frame_format.open(video.source) as reader:
        return _put_jpegs(_chunks(reader, _count(reader, video, frame_format), frame_format, stop), file)


def put_jpeg(frames: np.ndarray, file: FrameFile) -> Stored:
    """Write all frames of a video (t h w c), as :func:`store_jpeg` does."""
    return _put_jpegs(iter([frames]), file)


def _put_jpegs(chunks: Iterator[np.ndarray], file: FrameFile) -> Stored:
    rows: list[tuple[int, int]] = []
    checksum = 0
    for chunk in chunks:
        pictures = [jpeg(frame) for frame in chunk]
        data = b"".join(pictures)
        offset = file.reserve(len(data))
        file.write(data, offset)
        checksum = zlib.crc32(data, checksum)
        for picture in pictures:
            rows.append((offset, len(picture)))
            offset += len(picture)
    return Stored(len(rows), 0, checksum, np.array(rows, np.int64).reshape(-1, 2))


def store_nothing(video: SourceVideo, frame_format: FrameFormat, file: FrameFile, stop: threading.Event) -> Stored:
    """Only count the frames that the video gives at the frame rate asked for; list them where that takes long."""
    long = video.info.num_frames >= LONG
    if frame_format.frame_rate is None and not long:
        return Stored(video.info.num_frames)
    with frame_format.open(video.source) as reader:
        return Stored(_count(reader, video, frame_format), index=reader.index if long else None)


def store_all(
    videos: Sequence[SourceVideo], frame_format: FrameFormat, file: FrameFile, store: Store, progress: Progress | None
) -> list[Stored | str]:
    """Apply ``store`` to every video; for one that fails, the reason. In the order of ``videos``.

    Raises:
        OSError: the disk is full, or writing failed in another way.
        TransferError: a store does not give a video; nobody would ask again for what a cache lacks.
    """
    stop = threading.Event()

    def outcome(video: SourceVideo) -> Stored | str:
        try:
            stored = store(video, frame_format, file, stop)
        except TransferError:
            raise
        except VideoError as error:
            return error.reason
        except MissingPathError:
            return "the file is gone"
        return stored if stored.num_frames else "no frame could be decoded"

    return map_in_threads(outcome, videos, progress=progress, stop=stop)


def no_room(error: OSError, folder: Path, needed: int, free: int) -> UsageError:
    """The error for a cache that cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return UsageError(
            f"{folder}: no room for the clip cache, which needs {needed / 1e9:.3g} GB of {free / 1e9:.3g} GB free; put "
            f"it on another disk by --set data.cache_dir=FOLDER, or make it smaller by --set "
            f"data.cache_limit_gb={max(needed, 1) / 1e9 / 10:.1g}"
        )
    return UsageError(f"{folder}: the clip cache cannot be written ({reason_of(error)}); choose another data.cache_dir")


def _count(reader: VideoReader, video: SourceVideo, frame_format: FrameFormat) -> int:
    """Return how many frames to expect; of a video at its own rate, those that probing has seen decode."""
    return video.info.num_frames if frame_format.frame_rate is None else len(reader)


def _chunks(reader: VideoReader, count: int, frame_format: FrameFormat, stop: threading.Event) -> Iterator[np.ndarray]:
    """Yield the first ``count`` frames (t h w c) in one array that is used again, some megabytes at a time."""
    room = max(1, min(count, _CHUNK_BYTES // frame_format.frame_bytes))
    chunk = np.empty((room, frame_format.height, frame_format.width, 3), np.uint8)
    filled = 0
    for frame in islice(reader.frames(), count):
        if stop.is_set():
            break
        chunk[filled] = frame
        filled += 1
        if filled == room:
            yield chunk
            filled = 0
    if filled:
        yield chunk[:filled]


def jpeg(frame: np.ndarray) -> bytes:
    """Return one frame (h w c) as it is kept compressed."""
    target = io.BytesIO()
    Image.fromarray(frame).save(target, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return target.getvalue()
