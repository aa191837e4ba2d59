"""Which file names are videos, which containers may be opened, and what a frame rate is."""

import math
from fractions import Fraction

from videogan.errors import UsageError

VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mov .qt .3gp .3g2 .webm .mkv .avi .flv .f4v .ts .mts .m2ts .mpg .mpeg .vob .wmv .asf .ogv .ogg "
    ".mxf .dv .ivf .h264 .264 .hevc .265 .obu .y4m .nut .gif .webp .apng .avifs .avif".split()
)
"""Lower-case suffixes of files that are looked at when a folder is searched for videos."""

IMAGE_SUFFIXES = frozenset(".png .jpg .jpeg .bmp .tif .tiff .ppm".split())
"""Suffixes of the numbered images that a folder of frames may hold."""

# Only containers that hold their own media. Playlists and manifests (HLS, DASH, concat scripts, SDP, image patterns)
# name other files or addresses, so a disguised one could make the reader open anything; they are not in this list.
OPENED_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2 matroska,webm avi flv live_flv mpegts mpeg mpegvideo asf asf_o ogg mxf dv ivf obu av1 "
    "h264 hevc vvc h263 m4v mjpeg mpjpeg vc1 cavsvideo yuv4mpegpipe nut gif apng rm swf wtv gxf nsv smk bink roq "
    "mtv amv dxa ea flic 4xm idcin film_cpk wav aiff mp3 aac flac"
).split()

MAX_PIXELS = 64 * 1024 * 1024
"""Largest picture that is decoded, in pixels: 8K has 33 million, 16000x16000 has 256 million."""

_NTSC = {Fraction(text): Fraction(rate, 1001) for text, rate in (("23.98", 24000), ("29.97", 30000), ("59.94", 60000))}


def as_frame_rate(value: Fraction | float) -> Fraction:
    """Return a frame rate (frames per second) as an exact fraction; a float is read as the decimal that it prints as.

    The usual short forms 23.98, 29.97 and 59.94 become n/1001. Raises UsageError unless 0 < rate <= 1000.
    """
    finite = isinstance(value, Fraction) or math.isfinite(value)
    rate = Fraction(str(value)).limit_denominator(1_000_000) if finite else Fraction(0)
    if not 0 < rate <= 1000:
        raise UsageError(f"frame_rate {value}: must be above 0 and at most 1000 frames per second")
    return _NTSC.get(rate, rate)
