"""Where a video changes its scene."""

from collections.abc import Iterable
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph

from videogan.video.filters import pull

_SIDE = 64


def scene_starts(frames: Iterable[np.ndarray], threshold: float) -> list[int]:
    """Numbers of the frames that begin a scene, 0 included, found by FFmpeg's scdet.

    Args:
        frames: uint8 RGB ``h w c``, all of 64x64 pixels: scene changes show at any size.
        threshold: 0 to 100, how unlike the frame before a new scene's first frame must be; 10 suits most videos.
    """
    graph = Graph()
    graph.link_nodes(
        # The time base only numbers the frames here.
        graph.add_buffer(width=_SIDE, height=_SIDE, format=av.VideoFormat("rgb24"), time_base=Fraction(1, 1)),
        graph.add("format", "yuv420p"),
        graph.add("scdet", f"threshold={threshold}:sc_pass=1"),
        graph.add("buffersink"),
    ).configure()
    starts = [0]
    for number, pixels in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 1)
        graph.vpush(frame)
        starts += [int(first.pts) for first in pull(graph) if first.pts]
    return starts
