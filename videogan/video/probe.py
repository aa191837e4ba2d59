"""What a video file holds."""

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from videogan.video.safety import open_container


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
        rotation: degrees, counter-clockwise, that were applied to the coded picture.
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


def probe(path: str | os.PathLike[str], *, count: bool = True) -> VideoInfo:
    """Return what ``path`` holds; VideoError says why it cannot be used.

    With ``count`` the number of frames is exact: packets are counted, or decoded where their list cannot be trusted.
    """
    from videogan.video.reader import VideoReader

    with VideoReader(path) as reader:
        return reader.info


def read_comment(path: str | os.PathLike[str]) -> str | None:
    """Return the comment tag of an MP4 or WebM file, or None."""
    with open_container(Path(path)) as container:
        tags = {key.lower(): value for key, value in container.metadata.items()}
    return tags.get("comment")
