"""Reads frames from a video, in order or by number."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np

from videogan.errors import UsageError, VideoError, did_you_mean
from videogan.storage.member import MemoryFile
from videogan.video.formats import as_frame_rate
from videogan.video.images import load_image
from videogan.video.index import FrameIndex
from videogan.video.pixels import FITS, Converter, Fit
from videogan.video.probe import VideoInfo, open_source, video_info
from videogan.video.safety import as_video_error
from videogan.video.seek import FrameMissingError


def read_picture(path: str | os.PathLike[str], *, size: tuple[int, int] | None = None, fit: Fit = "crop") -> np.ndarray:
    """Return one photograph or drawing as uint8 RGB (h w c); size and fit as of :class:`VideoReader`.

    Raises:
        MissingPathError: there is no such file.
        VideoError: it is no picture that can be read.
    """
    path = Path(path)
    if path.is_dir():
        raise VideoError(path, "a folder, not a picture")
    with as_video_error(path):
        picture = load_image(path, "WEBP", "GIF")
        return Converter(picture, Fraction(1), size, fit).convert(picture)


class VideoReader:
    """One open video, read as uint8 RGB frames (h w c) in [0, 255].

    Rotation, non-square pixels and interlacing are undone, so frames come as they are meant to be seen. Damaged parts
    are passed over. Images with transparency are laid over white; of video with an alpha plane (yuva), which shows what
    lies outside the mask too, the alpha is dropped.

    ``len(reader)`` is the number of frames at ``frame_rate``.

    Args:
        path: a video file, a folder of numbered images (25 frames per second), or a part of a tar shard, which is read
            into memory.
        size: wanted (height, width); None for the displayed size.
        fit: what to do where the aspect differs: ``crop`` the middle, ``letterbox`` with black, or ``stretch``.
        frame_rate: frames per second to show the video at, by its timestamps: frames are repeated or left out. None
            gives the file's own frames.
        index: the file's frames as an earlier reader has listed them; None lists them when they are needed.

    A reader belongs to the thread and the process that opened it: after a fork both would move one file position.

    Raises:
        VideoError: the file cannot be read; ``reason`` says why. Whatever the decoder raises ends as this.
        MissingPathError: there is no such file.
        UsageError: an argument is out of range.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        size: tuple[int, int] | None = None,
        fit: Fit = "crop",
        frame_rate: Fraction | float | None = None,
        index: FrameIndex | None = None,
    ) -> None:
        if size is not None and min(size) < 1:
            raise UsageError(f"size {size}: height and width must be at least 1")
        if fit not in FITS:
            raise UsageError(f"fit {fit!r}{did_you_mean(fit, FITS)}: must be one of {', '.join(FITS)}")
        self.path = Path(path)
        self._frame_rate = None if frame_rate is None else as_frame_rate(frame_rate)
        self._index = index
        self._numbers: Sequence[int] | None = None
        with as_video_error(self.path):
            self._source = open_source(path)
            self._converter = Converter(self._source.first, self._source.sample_aspect, size, fit)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.numbers)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    @property
    def size(self) -> tuple[int, int]:
        """The frames' (height, width)."""
        return self._converter.size

    @property
    def memory(self) -> int:
        """Bytes of the file that are held in memory: all of a part of a shard."""
        path = self._source.path
        return len(path.content) if isinstance(path, MemoryFile) else 0

    @property
    def frame_rate(self) -> Fraction:
        """Frames per second: the rate that was asked for, else the file's average."""
        return self._frame_rate or self.info.frame_rate

    @property
    def index(self) -> FrameIndex:
        """The file's own frames; listed on first use, by going through the packets."""
        if self._index is None:
            with as_video_error(self.path):
                self._index = self._source.index()
        return self._index

    @property
    def timestamps(self) -> np.ndarray:
        """Seconds (float64) at which each of the file's own frames is shown, in display order."""
        return self.index.timestamps

    @property
    def numbers(self) -> Sequence[int]:
        """For each frame at ``frame_rate`` which of the file's pictures it shows; not falling."""
        if self._numbers is None:
            self._numbers = self.index.numbers(self._frame_rate)
        return self._numbers

    @property
    def info(self) -> VideoInfo:
        """What the file holds."""
        return video_info(self._source, self.index)

    def frames(self) -> Iterator[np.ndarray]:
        """Yield every frame (h w c) in display order, in constant memory; a repeated one is the same array again."""
        if self._frame_rate is None and not self._source.animation:
            pictures = self._source.pictures()
            with as_video_error(self.path):
                for picture in pictures:
                    yield self._converter.convert(picture)
            return
        yield from self._repeated(deque(self.numbers))

    def _repeated(self, numbers: deque[int]) -> Iterator[np.ndarray]:
        """Yield a frame for each of these picture numbers; a picture that does not decode shows the one before it."""
        frame = None
        for number, picture in self._numbered_pictures():
            while numbers and numbers[0] < number and frame is not None:
                numbers.popleft()
                yield frame
            if not numbers:
                return
            if numbers[0] > number:
                continue
            with as_video_error(self.path):
                frame = self._converter.convert(picture)
            while numbers and numbers[0] <= number:
                numbers.popleft()
                yield frame

    def _numbered_pictures(self) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield the pictures that decode, each with its number in the index."""
        number_at = {time: number for number, time in enumerate(self.index.pts.tolist())}
        with as_video_error(self.path):
            for count, picture in enumerate(self._source.pictures()):
                if not self.index.seekable:
                    yield count, picture
                elif picture.pts is not None and picture.time_base:
                    # A filter may have counted in another unit.
                    number = number_at.get(picture.pts * picture.time_base / self.index.time_base)
                    if number is not None:
                        yield number, picture

    def read(self, indices: Sequence[int], out: np.ndarray | None = None) -> np.ndarray:
        """Return the frames with these numbers as t h w c, equal to those that ``frames`` yields.

        Args:
            indices: frame numbers at ``frame_rate``, from 0, in any order, repeats allowed. What rises is read fastest.
            out: uint8 array (t h w c) to fill; None for a new one.

        Raises:
            IndexError: a number is below 0 or not below the number of frames.
            VideoError: the file turns out to have fewer frames than its packets promise.
        """
        indices = [int(index) for index in indices]
        if out is None:
            out = np.empty((len(indices), *self.size, 3), np.uint8)
        if out.shape != (len(indices), *self.size, 3) or out.dtype != np.uint8:
            raise ValueError(f"out is {out.dtype} {out.shape}, must be uint8 {(len(indices), *self.size, 3)}")
        if indices:
            if min(indices) < 0 or max(indices) >= len(self):
                raise IndexError(
                    f"{self.path}: frames {min(indices)} to {max(indices)} asked for, {len(self)} are there"
                )
            with as_video_error(self.path):
                self._fill(indices, out)
        return out

    def _fill(self, indices: list[int], out: np.ndarray) -> None:
        count = len(self)
        try:
            self._decode(indices, out)
        except FrameMissingError as missing:
            # A damaged file: the list of packets promised a frame that does not decode. Now list those that do.
            self._index, self._numbers = self._source.index(budget=1 << 62), None
            if max(indices) >= len(self):
                reason = f"only {len(self)} of {count} frames decode{self._source.because()}"
                raise VideoError(self.path, reason) from missing
            self._decode(indices, out)

    def _decode(self, indices: list[int], out: np.ndarray) -> None:
        rows: dict[int, list[int]] = {}
        for row, index in enumerate(indices):
            rows.setdefault(self.numbers[index], []).append(row)
        for number, picture in self._source.pick(self.index, sorted(rows)):
            first, *others = rows[number]
            self._converter.convert(picture, out[first])
            for row in others:
                out[row] = out[first]
