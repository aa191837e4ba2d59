"""A whole video as a model sees it: cut to its size, at its frame rate."""

import os
from fractions import Fraction

import numpy as np

from videogan.data.clips import resample
from videogan.errors import MissingPathError
from videogan.video import VideoReader
from videogan.video.pixels import Fit


def read_whole(path: str | os.PathLike[str], *, size: int, fit: Fit, frame_rate: Fraction) -> np.ndarray:
    """Return every frame of a video, uint8 ``t h w c``, at ``frame_rate`` by its timestamps.

    Raises:
        MissingPathError: there is no such file.
        VideoError: it cannot be read.
    """
    if not os.path.lexists(path):
        raise MissingPathError(f"{path}: no such video")
    with VideoReader(path, size=(size, size), fit=fit) as reader:
        return reader.read(resample(reader.timestamps.tolist(), frame_rate))
