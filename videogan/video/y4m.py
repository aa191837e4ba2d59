"""The header of the YUV4MPEG2 streams that videogan writes, which has no field for the matrix that made its colours."""

import re
from fractions import Fraction

from videogan.storage.member import AnyFile

_OWN = re.compile(rb"YUV4MPEG2 W\d+ H\d+ F\d+:\d+ Ip A1:1 C420mpeg2 XCOLORRANGE=LIMITED\n")
_LONGEST = 200


def header(width: int, height: int, frame_rate: Fraction) -> bytes:
    """Return the header of a stream of 4:2:0 pictures in BT.709 and limited range."""
    rate = f"F{frame_rate.numerator}:{frame_rate.denominator}"
    return f"YUV4MPEG2 W{width} H{height} {rate} Ip A1:1 C420mpeg2 XCOLORRANGE=LIMITED\n".encode()


def is_own(path: AnyFile) -> bool:
    """Say whether a file begins with such a header; FFmpeg's name the chroma a second time, by XYSCSS."""
    with path.open("rb") as file:
        return _OWN.match(file.read(_LONGEST)) is not None
