"""Reads frames from a video, in order or by number."""

import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from videogan.errors import UsageError, VideoError, did_you_mean
from videogan.video.index import FrameIndex
from videogan.video.pixels import FITS, Converter, Fit, Orientation
from videogan.video.probe import VideoInfo, describe, open_source
from videogan.video.seek import FrameMissingError


class VideoReader:
    """One open video, read as uint8 RGB frames (h w c) in [0, 255].

    Rotation, non-square pixels and interlacing are undone, so frames come as they are meant to be seen. Damaged parts
    are passed over. Images with transparency are laid over white; of video with an alpha plane (yuva), which shows what
    lies outside the mask too, the alpha is dropped.

    Args:
        path: a video file, or a folder of numbered images (25 frames per second).
        size: wanted (height, width); None for the displayed size.
        fit: what to do where the aspect differs: ``crop`` the middle, ``letterbox`` with black, or ``stretch``.

    A reader belongs to the thread and the process that opened it: after a fork both would move one file position.

    Raises:
        VideoError: the file cannot be read; ``reason`` says why.
        MissingPathError: there is no such file.
    """

    def __init__(self, path: str | os.PathLike[str], *, size: tuple[int, int] | None = None, fit: Fit = "crop") -> None:
        if size is not None and min(size) < 1:
            raise UsageError(f"size {size}: height and width must be at least 1")
        if fit not in FITS:
            raise UsageError(f"fit {fit!r}{did_you_mean(fit, FITS)}: must be one of {', '.join(FITS)}")
        self.path = Path(path)
        self._source = open_source(self.path)
        first = self._source.first
        orientation = Orientation.of(first)
        shown = orientation.shown_size(first, self._source.sample_aspect)
        self._converter = Converter(shown, orientation, size, fit)
        self._index: FrameIndex | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    @property
    def size(self) -> tuple[int, int]:
        """The frames' (height, width)."""
        return self._converter.size

    @property
    def index(self) -> FrameIndex:
        """The frames of the file; listed on first use, by going through the packets."""
        if self._index is None:
            self._index = self._source.index()
        return self._index

    @property
    def timestamps(self) -> np.ndarray:
        """Seconds (float64) at which each frame is shown, in display order."""
        return self.index.timestamps

    @property
    def info(self) -> VideoInfo:
        """What the file holds."""
        return describe(self._source, self.index)

    def frames(self) -> Iterator[np.ndarray]:
        """Yield every frame (h w c) in display order, in constant memory."""
        for picture in self._source.pictures():
            yield self._converter.convert(picture)

    def read(self, indices: Sequence[int], out: np.ndarray | None = None) -> np.ndarray:
        """Return the frames with these numbers as t h w c, equal to those that ``frames`` yields.

        Args:
            indices: frame numbers in display order, from 0; not falling, repeats allowed.
            out: uint8 array (t h w c) to fill; None for a new one.

        Raises:
            IndexError: a number is below 0 or not below the number of frames.
            VideoError: the file turns out to have fewer frames than its packets promise.
        """
        numbers = [int(number) for number in indices]
        if any(a > b for a, b in pairwise(numbers)):
            raise ValueError(f"frame numbers {numbers} must not fall")
        if out is None:
            out = np.empty((len(numbers), *self.size, 3), np.uint8)
        if out.shape != (len(numbers), *self.size, 3) or out.dtype != np.uint8:
            raise ValueError(f"out is {out.dtype} {out.shape}, must be uint8 {(len(numbers), *self.size, 3)}")
        if numbers:
            self._fill(numbers, out)
        return out

    def _fill(self, numbers: list[int], out: np.ndarray) -> None:
        count = len(self.index.pts)
        if numbers[0] < 0 or numbers[-1] >= count:
            raise IndexError(f"{self.path}: frames {numbers[0]} to {numbers[-1]} asked for, {count} are there")
        try:
            self._decode(numbers, out)
        except FrameMissingError as missing:
            # A damaged file: the list of packets promised a frame that does not decode. Now list those that do.
            self._index = self._source.index(budget=1 << 62)
            if numbers[-1] >= len(self.index.pts):
                reason = f"only {len(self.index.pts)} of {count} frames decode{self._source.because()}"
                raise VideoError(self.path, reason) from missing
            try:
                self._decode(numbers, out)
            except FrameMissingError as again:
                raise VideoError(self.path, str(again)) from again

    def _decode(self, numbers: list[int], out: np.ndarray) -> None:
        places = iter(range(len(numbers)))
        for number, picture in self._source.pick(self.index, sorted(set(numbers))):
            first = next(places)
            self._converter.convert(picture, out[first])
            for _ in range(numbers.count(number) - 1):
                out[next(places)] = out[first]


def read_video(
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    fit: Fit = "crop",
    max_frames: int | None = None,
) -> tuple[np.ndarray, Fraction]:
    """Read a whole video, or its first ``max_frames`` frames, as uint8 t h w c; also returns its frame rate."""
    with VideoReader(path, size=size, fit=fit) as reader:
        frames = list(islice(reader.frames(), max_frames))
        return np.stack(frames), reader.info.frame_rate
