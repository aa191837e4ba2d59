"""Where a video changes its scene."""

from collections.abc import Iterable
from fractions import Fraction

import av
import numpy as np

_SIDE = 64


def scene_starts(frames: Iterable[np.ndarray], threshold: float) -> list[int]:
    """Numbers of the frames that begin a scene, 0 included, found by FFmpeg's scdet.

    Args:
        frames: uint8 RGB ``h w c``, all of 64x64 pixels: scene changes show at any size.
        threshold: 0 to 100, how unlike the frame before a new scene's first frame must be; 10 suits most videos.
    """
    graph = av.filter.Graph()
    # The time base only numbers the frames here.
    source = graph.add_buffer(width=_SIDE, height=_SIDE, format=av.VideoFormat("rgb24"), time_base=Fraction(1, 1))
    planar = graph.add("format", "yuv420p")
    detector = graph.add("scdet", f"threshold={threshold}:sc_pass=1")
    sink = graph.add("buffersink")
    source.link_to(planar)
    planar.link_to(detector)
    detector.link_to(sink)
    graph.configure()
    starts = [0]
    for number, pixels in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 1)
        source.push(frame)
        try:
            while True:
                passed = sink.pull()
                if passed.pts:
                    starts.append(int(passed.pts))
        except av.BlockingIOError:
            continue
    return starts
