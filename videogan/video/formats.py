"""Which file names are videos, which containers may be opened, and what a frame rate is."""

import math
from fractions import Fraction

from videogan.errors import UsageError

# fmt: off
VIDEO_SUFFIXES = frozenset({
    ".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".f4v", ".flv", ".webm", ".mkv", ".ogv", ".ogg", ".nut", ".avi",
    ".wmv", ".asf", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".vob", ".mxf", ".dv", ".y4m", ".ivf", ".h264", ".264",
    ".hevc", ".265", ".obu", ".gif", ".webp", ".apng", ".avif", ".avifs",
})
"""Lower-case suffixes of files that are looked at when a folder is searched for videos."""
# fmt: on

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".ppm"})
"""Suffixes of the numbered images that a folder of frames may hold."""

# Only containers that hold their own media. Playlists and manifests (HLS, DASH, concat scripts, SDP, image patterns)
# name other files or addresses, so a disguised one could make the reader open anything; they are in neither list.
HEADED_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,asf,ogg,mxf,ivf,obu,gif,apng,yuv4mpegpipe,nut,wtv,rm,smk,bink,flic,4xm,"
    "film_cpk,wav,aiff,mp3,flac"
)
"""Containers that list their streams, with sizes, before the first packet (and sound files, to say what they are)."""

HEADERLESS_FORMATS = (
    "flv,live_flv,mpegts,mpeg,mpegvideo,h264,hevc,vvc,h263,h261,m4v,mjpeg,mpjpeg,vc1,av1,cavsvideo,dirac,dnxhd,dv,gxf,"
    "nsv,swf,roq,amv,mtv,aac,ac3"
)
"""Containers whose streams show only in their packets."""

MAX_PIXELS = 36 * 1024 * 1024
"""Largest picture that is decoded, in pixels: 8K has 33 million. Decoders hold up to 17 pictures."""

BT709_MATRIX = 1
"""AVCOL_SPC_BT709, which PyAV has no name for on a codec context."""

_SHORT_FORMS = (("23.976", 24000), ("23.98", 24000), ("29.97", 30000), ("59.94", 60000))
_NTSC = {Fraction(text): Fraction(rate, 1001) for text, rate in _SHORT_FORMS}


def as_frame_rate(value: Fraction | float) -> Fraction:
    """Return a frame rate (frames per second) as an exact fraction; a float is read as the decimal that it prints as.

    The usual short forms 23.976, 23.98, 29.97 and 59.94 become n/1001. Raises UsageError unless 0 < rate <= 1000.
    """
    finite = isinstance(value, Fraction) or math.isfinite(value)
    rate = Fraction(str(value)).limit_denominator(1_000_000) if finite else Fraction(0)
    if not 0 < rate <= 1000:
        raise UsageError(f"frame_rate {value}: must be above 0 and at most 1000 frames per second")
    return _NTSC.get(rate, rate)
