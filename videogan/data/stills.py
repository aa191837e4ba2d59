"""Telling the frames of a video from a collection of stills with numbers in their names."""

from pathlib import Path

import numpy as np

from videogan.video import VideoReader

_THUMBNAIL = 8
_MOMENTS = 12
_LEVELS = 20
"""Mean difference of two thumbnails, of 255 levels, from which they have nothing in common."""
_SHARE = 0.7
"""Neighbours of a video are nearer to each other than frames that lie half of it apart; those of stills are not."""


def are_stills(folder: Path, num_frames: int) -> bool:
    """Tell whether the pictures of a folder, in their order, are no nearer to their neighbours than to others."""
    if num_frames < 2:
        return False
    first = np.linspace(0, num_frames - 2, min(_MOMENTS, num_frames - 1)).astype(int)
    with VideoReader(folder, size=(_THUMBNAIL, _THUMBNAIL), fit="stretch") as reader:
        near, later, far = (
            reader.read([int(at) % num_frames for at in moments]).astype(np.float32)
            for moments in (first, first + 1, first + num_frames // 2)
        )
    to_next = np.median(np.abs(later - near).mean((1, 2, 3)))
    to_far = np.median(np.abs(far - near).mean((1, 2, 3)))
    return bool(to_next > _LEVELS and to_next > _SHARE * to_far)
