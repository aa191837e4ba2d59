"""A whole video as an array."""

import os
from fractions import Fraction
from itertools import islice

import numpy as np

from videogan.video import VideoReader
from videogan.video.pixels import Fit


def read_video(
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    fit: Fit = "crop",
    max_frames: int | None = None,
) -> tuple[np.ndarray, Fraction]:
    """Read a video, or its first ``max_frames`` frames, as uint8 ``t h w c``; also returns its frame rate."""
    with VideoReader(path, size=size, fit=fit) as reader:
        return np.stack(list(islice(reader.frames(), max_frames))), reader.frame_rate
