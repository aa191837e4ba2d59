"""What a video holds, and how it is opened whatever it is."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol

import av
import numpy as np

from videogan.errors import VideoError
from videogan.storage.member import AnyFile, Member
from videogan.video.images import ImageFolder, MultiImage, image_format, read_png_comment
from videogan.video.index import FrameIndex
from videogan.video.pixels import Converter, Fit, Orientation
from videogan.video.safety import as_video_error, check_regular_file, open_container
from videogan.video.source import ContainerSource

# How many pixels ``probe`` decodes to see whether a file is sound; about a fifth of a second.
_PROBED_PIXELS = 100_000_000


class PictureSource(Protocol):
    """What the reader needs of whatever holds the pictures. ``first`` is the first of them."""

    first: av.VideoFrame

    @property
    def path(self) -> AnyFile:
        """The file, or the folder of images."""

    @property
    def animation(self) -> bool:
        """Whether a picture that does not change is stored once, for a longer time."""

    @property
    def codec(self) -> str:
        """FFmpeg's name of the codec."""

    @property
    def sample_aspect(self) -> Fraction:
        """Width of a coded pixel over its height."""

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Yield every picture in display order."""

    def index(self, *, budget: int = 0, each: Callable[[av.VideoFrame], None] | None = None) -> FrameIndex:
        """List the frames, decoding at most ``budget`` pixels unless it must; ``each`` sees what is decoded."""

    def pick(self, index: FrameIndex, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (number, picture) for rising frame numbers."""

    def because(self) -> str:
        """Return the last complaint of the decoder, to be added to a message."""

    def close(self) -> None:
        """Close the file."""


@dataclass(frozen=True)
class VideoInfo:
    """Facts about one readable video.

    Attributes:
        path: the file, or the folder of images.
        width: displayed width in pixels, after rotation and with square pixels.
        height: displayed height in pixels.
        frame_rate: average frames per second.
        num_frames: frames that decode.
        duration_seconds: from the first frame's start to the last frame's end.
        codec: FFmpeg's name of the codec.
        rotation: degrees, counter-clockwise, by which the coded picture was turned.
        status: ``ok``, or ``salvaged`` where a part is damaged or missing.
        reason: why it was salvaged, else empty.
    """

    path: Path
    width: int
    height: int
    frame_rate: Fraction
    num_frames: int
    duration_seconds: float
    codec: str
    rotation: int
    status: Literal["ok", "salvaged"] = "ok"
    reason: str = ""


def open_source(path: str | os.PathLike[str]) -> PictureSource:
    """Open a video file, a folder of numbered images or a part of a shard; VideoError says why it cannot be read."""
    file = file_of(path)
    if isinstance(file, Path) and file.is_dir():
        return ImageFolder(file)
    check_regular_file(file)
    several = image_format(file)
    return MultiImage(file, several) if several else ContainerSource(file)


def file_of(path: str | os.PathLike[str]) -> AnyFile:
    """Return what can be opened: the path, or what has now been read of a shard."""
    return path.load() if isinstance(path, Member) else Path(path)


def probe(path: str | os.PathLike[str]) -> VideoInfo:
    """Return what ``path`` holds, which may be a part of a shard; VideoError says why it cannot be used.

    Short videos are decoded; of longer ones the packets are counted, unless their list is not consistent.
    """
    with as_video_error(Path(path)), closing(open_source(path)) as source:
        return video_info(source, source.index(budget=_PROBED_PIXELS))


def probe_with_frames(
    path: str | os.PathLike[str], *, size: tuple[int, int], fit: Fit, frame_rate: Fraction | None, limit: int
) -> tuple[VideoInfo, np.ndarray | None]:
    """Return what :func:`probe` does, and the frames if it has decoded them anyway.

    Args:
        path: the video.
        size: as :class:`videogan.video.VideoReader` takes it, and so do ``fit`` and ``frame_rate``.
        fit: see there.
        frame_rate: see there.
        limit: most bytes that the frames may take.

    Returns:
        The facts, and uint8 (t h w c), equal to what the reader's ``frames`` gives; None where only the packets were
        read, the frames take more, or probing saw other pictures than the reader expects.

    Raises:
        VideoError: as :func:`probe`.
    """
    frames: list[np.ndarray] = []
    most = limit // (size[0] * size[1] * 3)
    try:
        with as_video_error(Path(path)), closing(open_source(path)) as source:
            converter = Converter(source.first, source.sample_aspect, size, fit)

            def keep(picture: av.VideoFrame) -> None:
                if len(frames) <= most:
                    frames.append(converter.convert(picture))

            index = source.index(budget=_PROBED_PIXELS, each=keep)
            numbers = index.numbers(frame_rate)
            same = len(frames) == len(index.pts) and (
                frame_rate is None or np.array_equal(source.index().timestamps, index.timestamps)
            )
            fits = same and max(len(frames), len(numbers)) <= most
            return video_info(source, index), np.stack([frames[number] for number in numbers]) if fits else None
    except VideoError:  # perhaps of what is done here beside probing
        return probe(path), None


def video_info(source: PictureSource, index: FrameIndex) -> VideoInfo:
    """Return the facts about an open video whose frames are listed in ``index``."""
    height, width = Orientation.of(source.first).shown_size(source.first, source.sample_aspect)
    faults = index.faults
    return VideoInfo(
        path=Path(source.path),
        width=width,
        height=height,
        frame_rate=index.frame_rate,
        num_frames=len(index.numbers()),
        duration_seconds=float(index.duration),
        codec=source.codec,
        rotation=source.first.rotation,
        status="salvaged" if faults else "ok",
        reason=faults,
    )


def read_comment(path: str | os.PathLike[str]) -> str | None:
    """Return the comment tag of an MP4, WebM or PNG file, or None where it has none."""
    if Path(path).suffix.lower() == ".png":
        return read_png_comment(Path(path))
    with open_container(file_of(path)) as container:
        tags = {key.lower(): value for key, value in container.metadata.items()}
    return tags.get("comment")
