"""What a video holds, and how it is opened whatever it is."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol

import av

from videogan.video.images import ImageFolder, MultiImage, image_format, read_png_comment
from videogan.video.index import FrameIndex
from videogan.video.pixels import Orientation
from videogan.video.safety import as_video_error, check_regular_file, open_container
from videogan.video.source import ContainerSource

# How many pixels ``probe`` decodes to see whether a file is sound; about a fifth of a second.
_PROBED_PIXELS = 100_000_000


class PictureSource(Protocol):
    """What the reader needs of whatever holds the pictures. ``first`` is the first of them."""

    path: Path
    first: av.VideoFrame

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

    def index(self, *, budget: int = 0) -> FrameIndex:
        """List the frames, decoding at most ``budget`` pixels unless it must."""

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


def open_source(path: Path) -> PictureSource:
    """Open a video file or a folder of numbered images; VideoError says why it cannot be read."""
    if path.is_dir():
        return ImageFolder(path)
    check_regular_file(path)
    several = image_format(path)
    return MultiImage(path, several) if several else ContainerSource(path)


def probe(path: str | os.PathLike[str]) -> VideoInfo:
    """Return what ``path`` holds; VideoError says why it cannot be used.

    Short videos are decoded; of longer ones the packets are counted, unless their list is not consistent.
    """
    with as_video_error(Path(path)), closing(open_source(Path(path))) as source:
        return video_info(source, source.index(budget=_PROBED_PIXELS))


def video_info(source: PictureSource, index: FrameIndex) -> VideoInfo:
    """Return the facts about an open video whose frames are listed in ``index``."""
    height, width = Orientation.of(source.first).shown_size(source.first, source.sample_aspect)
    return VideoInfo(
        path=source.path,
        width=width,
        height=height,
        frame_rate=index.frame_rate,
        num_frames=len(index.numbers()),
        duration_seconds=float(index.duration),
        codec=source.codec,
        rotation=source.first.rotation,
        status="salvaged" if index.faults else "ok",
        reason=index.faults,
    )


def read_comment(path: str | os.PathLike[str]) -> str | None:
    """Return the comment tag of an MP4, WebM or PNG file, or None where it has none."""
    if Path(path).suffix.lower() == ".png":
        return read_png_comment(Path(path))
    with open_container(Path(path)) as container:
        tags = {key.lower(): value for key, value in container.metadata.items()}
    return tags.get("comment")
