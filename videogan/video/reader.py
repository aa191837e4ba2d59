"""Reads frames from a video, in order or by number."""

import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np

from videogan.errors import UsageError, VideoError
from videogan.video.index import FrameIndex
from videogan.video.pixels import Converter, Fit, orientation_of
from videogan.video.probe import VideoInfo
from videogan.video.source import ContainerSource


class VideoReader:
    """One open video, read as uint8 RGB frames (h w c) in [0, 255].

    Args:
        path: a video file.
        size: wanted (height, width); None for the displayed size.
        fit: what to do where the aspect differs: ``crop`` the middle, ``letterbox`` with black, or ``stretch``.

    A reader belongs to the thread and the process that opened it: a fork shares its file position.

    Raises:
        VideoError: the file cannot be read; ``reason`` says why.
    """

    def __init__(self, path: str | os.PathLike[str], *, size: tuple[int, int] | None = None, fit: Fit = "crop") -> None:
        self.path = Path(path)
        if size is not None and min(size) < 1:
            raise UsageError(f"size {size}: height and width must be at least 1")
        if fit not in ("crop", "letterbox", "stretch"):
            raise UsageError(f"fit {fit!r}: must be crop, letterbox or stretch")
        self._source = ContainerSource(self.path)
        try:
            first = next(self._source.pictures(), None)
            if first is None:
                raise VideoError(self.path, f"no frame can be decoded{self._because()}")
            self._rotation = first.rotation
            orientation = orientation_of(self._rotation)
            self._shown = _shown_size(first, self._source, orientation.transpose)
            self._converter = Converter(self._shown, orientation, size, fit)
        except BaseException:
            self.close()
            raise

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

    @cached_property
    def index(self) -> FrameIndex:
        """The frames of the file; made on first use, by reading through the packets."""
        return self._source.index()

    @property
    def timestamps(self) -> np.ndarray:
        """Seconds (float64) at which each frame is shown, in display order."""
        return self.index.timestamps

    @cached_property
    def info(self) -> VideoInfo:
        """What the file holds."""
        index = self.index
        rate = index.frame_rate(self._source.stream.average_rate)
        seconds = float(index.timestamps[-1] - index.timestamps[0] + 1 / rate)
        return VideoInfo(
            path=self.path,
            width=self._shown[1],
            height=self._shown[0],
            frame_rate=rate,
            num_frames=len(index.pts),
            duration_seconds=seconds,
            codec=self._source.context.name,
            rotation=self._rotation,
            status="salvaged" if index.reason else "ok",
            reason=index.reason,
        )

    def frames(self) -> Iterator[np.ndarray]:
        """Yield every frame (h w c) in display order, in constant memory."""
        for picture in self._source.pictures():
            yield self._converter.convert(picture)

    def read(self, indices: Sequence[int], out: np.ndarray | None = None) -> np.ndarray:
        """Return the frames with these numbers (counted in display order, sorted) as t h w c, in ``out`` where given."""
        index = self.index
        if out is None:
            out = np.empty((len(indices), *self.size, 3), np.uint8)
        if len(indices) == 0:
            return out
        if indices[0] < 0 or indices[-1] >= len(index.pts):
            raise IndexError(f"{self.path}: frames {indices[0]} to {indices[-1]} of {len(index.pts)}")
        places: dict[int, list[int]] = {}
        for place, number in enumerate(indices):
            places.setdefault(int(number), []).append(place)
        for number, picture in enumerate(self._source.pictures()):
            for place in places.pop(number, ()):
                self._converter.convert(picture, out[place])
            if not places:
                return out
        raise VideoError(self.path, f"frame {min(places)} does not decode{self._because()}")

    def _because(self) -> str:
        return f": {self._source.last_error}" if self._source.last_error else ""


def _shown_size(picture: av.VideoFrame, source: ContainerSource, transpose: bool) -> tuple[int, int]:
    """Return (height, width) as displayed."""
    aspect = source.stream.sample_aspect_ratio or Fraction(1)
    height, width = picture.height, max(1, round(picture.width * aspect))
    return (width, height) if transpose else (height, width)


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
