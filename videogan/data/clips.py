"""Which frames of a video make a clip: integer arithmetic, no pixels.

With ``num_frames=4`` and ``frame_stride=2`` a clip spans 7 frames of its video::

    video         0  1  2  3  4  5  6  7  8  9         video_frames = 10
    start = 0     #     #     #     #
    start = 1        #     #     #     #
    start = 2           #     #     #     #
    start = 3              #     #     #     #         10 - 7 + 1 = 4 starts
                  |<--- clip_span --->|

A video shorter than that follows a policy; here 4 frames, ``num_frames=8``, ``frame_stride=1``::

    repeat-last   0 1 2 3 3 3 3 3
    bounce        0 1 2 3 2 1 0 1
    skip          the video is left out
"""

from collections.abc import Sequence
from typing import Literal

Short = Literal["repeat-last", "bounce", "skip"]


def clip_span(num_frames: int, frame_stride: int) -> int:
    """Number of a video's frames from a clip's first to its last, both counted."""
    if num_frames < 1 or frame_stride < 1:
        raise ValueError(f"num_frames and frame_stride must be at least 1, not {num_frames} and {frame_stride}")
    return (num_frames - 1) * frame_stride + 1


def num_clip_starts(video_frames: int, num_frames: int, frame_stride: int, short: Short) -> int:
    """How many different clips a video of ``video_frames`` frames holds; 0 means that it cannot be used.

    A video shorter than the clip has one start, 0, unless ``short`` is ``"skip"``.
    """
    starts = video_frames - clip_span(num_frames, frame_stride) + 1
    if starts >= 1:
        return starts
    return 0 if short == "skip" or video_frames < 1 else 1


def clip_indices(start: int, video_frames: int, num_frames: int, frame_stride: int, short: Short) -> Sequence[int]:
    """Indices into the video's frames, ``num_frames`` of them, of the clip that begins at ``start``.

    A clip that fits into the video is a ``range``, so that a reader may take it in one piece.

    Raises:
        ValueError: ``start`` is not one of the ``num_clip_starts``.
    """
    if not 0 <= start < num_clip_starts(video_frames, num_frames, frame_stride, short):
        raise ValueError(f"no clip of {num_frames} frames, stride {frame_stride}, starts at {start} of {video_frames}")
    indices = range(start, start + num_frames * frame_stride, frame_stride)
    last = video_frames - 1
    if indices[-1] <= last:
        return indices
    if short == "bounce" and last > 0:
        return [last - abs(index % (2 * last) - last) for index in indices]
    return [min(index, last) for index in indices]
