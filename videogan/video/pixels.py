"""How decoded pictures become RGB frames of the wanted size."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, cast

import av
import numpy as np
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, ColorTrc, Interpolation, VideoReformatter

from videogan.video.formats import MAX_PIXELS
from videogan.video.hdr import pq_to_sdr

Fit = Literal["crop", "letterbox", "stretch"]
FITS: tuple[Fit, ...] = ("crop", "letterbox", "stretch")

# Plain BILINEAR, FFmpeg's default, rounds down and halves the chroma resolution: everything gets 1.5 levels darker.
_EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
SCALER_FLAGS = int(Interpolation.BILINEAR | _EXACT)
"""For scaling up, or not at all."""

SHRINKING_FLAGS = int(Interpolation.AREA | _EXACT)
"""For scaling down: the average of the pixels that fall together, which BILINEAR only comes near to."""

# Plain numbers: a small picture takes some 50 microseconds, to which looking up enumerations would add a few.
_PQ = int(ColorTrc.SMPTE2084)
_FULL_RANGE = int(ColorRange.JPEG)

# Images with transparency, whose hidden colours are often arbitrary. Video with an alpha plane (yuva) hides the picture
# that was filmed, and that is what is wanted of it.
_TRANSPARENT = frozenset(("rgba", "bgra", "argb", "abgr", "gbrap", "pal8", "rgba64le", "rgba64be"))


@dataclass(frozen=True)
class Orientation:
    """How a coded picture must be turned to be shown: transposed first, then flipped."""

    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    @classmethod
    def of(cls, picture: av.VideoFrame) -> "Orientation":
        """Return the orientation that the display matrix of a picture asks for, rounded to quarter turns."""
        # PyAV ties a picture whose side data was asked for into a cycle, so that its pixels wait for a full garbage
        # collection: gigabytes of a folder in 4K. A copy of a few pixels carries the same side data.
        copy = VideoReformatter().reformat(picture, 16, 16, "rgb24", interpolation=Interpolation.POINT, threads=1)
        try:
            matrix = copy.side_data.get("DISPLAYMATRIX")
        except ValueError:  # beside it lies a kind that PyAV has no name for, such as the two views of spatial video
            return cls._turned(picture.rotation)
        if matrix is None:
            return cls()
        a, b, _, c, d = np.frombuffer(cast(bytes, matrix), np.int32)[:5].tolist()
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(flip_rows=d < 0, flip_columns=a < 0)
        return cls(transpose=True, flip_rows=b < 0, flip_columns=c < 0)

    @classmethod
    def _turned(cls, degrees: int) -> "Orientation":
        """Return the orientation for a turn counter-clockwise, rounded to quarter turns."""
        quarter = round(degrees / 90) % 4
        return cls(quarter % 2 == 1, quarter in (1, 2), quarter in (2, 3))

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """Return a view of ``picture`` (h w, or h w c) as it is shown."""
        if self.transpose:
            picture = picture.swapaxes(0, 1)
        return picture[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]

    def shown_size(self, picture: av.VideoFrame, aspect: Fraction) -> tuple[int, int]:
        """Return the displayed (height, width) of a picture whose pixels have this aspect (width : height)."""
        width = round(picture.width * aspect)
        if not 0 < width * picture.height <= MAX_PIXELS:
            width = picture.width
        return (width, picture.height) if self.transpose else (picture.height, width)


class Converter:
    """Turns decoded pictures into RGB frames (h w c) of one size, as they are meant to be shown.

    Pictures of another size than the first (some streams change it) are scaled to the same size.

    Args:
        shown: displayed size (height, width), after rotation and with square pixels.
        orientation: how coded pictures must be turned.
        size: wanted (height, width); None for the displayed size.
        fit: what to do where the aspect differs: ``crop`` the middle, ``letterbox`` with black, or ``stretch``.
    """

    def __init__(
        self, shown: tuple[int, int], orientation: Orientation, size: tuple[int, int] | None = None, fit: Fit = "crop"
    ) -> None:
        self.size = size or shown
        self._orientation = orientation
        # A reformatter keeps its tables from picture to picture.
        self._reformatter = VideoReformatter()
        scaled = self._scaled_size(shown, fit)
        self._coded = scaled[::-1] if orientation.transpose else scaled
        self._turned = orientation != Orientation()
        rows, columns = (_overlap(*pair) for pair in zip(scaled, self.size, strict=True))
        self._from, self._to = zip(rows, columns, strict=True)
        self._covers = scaled[0] >= self.size[0] and scaled[1] >= self.size[1]

    def _scaled_size(self, shown: tuple[int, int], fit: Fit) -> tuple[int, int]:
        """Return the (height, width) to which the whole picture is scaled before it is cut or padded."""
        if fit == "stretch":
            return self.size
        ratios = [Fraction(target, side) for target, side in zip(self.size, shown, strict=True)]
        ratio = max(ratios) if fit == "crop" else min(ratios)
        height, width = (max(1, math.floor(have * ratio + Fraction(1, 2))) for have in shown)
        return height, width

    def convert(self, picture: av.VideoFrame, out: np.ndarray | None = None) -> np.ndarray:
        """Return ``picture`` as uint8 RGB (h w c), written into ``out`` where given."""
        if out is None:
            out = np.empty((*self.size, 3), np.uint8)
        if not self._covers:
            out[:] = 0
        target = out[self._to]
        for channels, pixels in self._scale(picture):
            shown = self._orientation.apply(pixels) if self._turned else pixels
            target[..., channels] = shown[self._from]
        return out

    def _scale(self, picture: av.VideoFrame) -> list[tuple[int | slice, np.ndarray]]:
        """Return which channels these are and their pixels (h w, or h w c), as large as needed, not yet turned."""
        height, width = self._coded
        had_height, had_width = picture.height, picture.width
        pq = picture.color_trc == _PQ
        unscaled = height == had_height and width == had_width
        larger = height > had_height or width > had_width
        # FFmpeg makes planes of what is not RGB yet in half the time that it needs for packed pixels, in one pass.
        transparent = picture.format.name in _TRANSPARENT
        packed = pq or transparent or (unscaled and picture.format.is_rgb)
        # threads=1 because a reformatter's thread pool does not survive a fork.
        rgb = self._reformatter.reformat(
            picture,
            width,
            height,
            "rgb48le" if pq else "rgba" if transparent else "rgb24" if packed else "gbrp",
            dst_color_range=_FULL_RANGE,
            interpolation=SCALER_FLAGS if larger or unscaled else SHRINKING_FLAGS,
            threads=1,
        )
        if not packed:
            green, blue, red = rgb.planes
            return [(channel, _view(plane, height, width)) for channel, plane in enumerate((red, green, blue))]
        if transparent and not pq:
            return [(slice(None), _over_white(_view(rgb.planes[0], height, width * 4).reshape(height, width, 4)))]
        pixels = _view(rgb.planes[0], height, width * 3, 2 if pq else 1).reshape(height, width, 3)
        return [(slice(None), pq_to_sdr(pixels) if pq else pixels)]


def _over_white(pixels: np.ndarray) -> np.ndarray:
    """Lay RGBA (h w 4) over white, as viewers of images do; returns RGB (h w 3)."""
    alpha = pixels[..., 3:].astype(np.uint16)
    return ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _overlap(have: int, want: int) -> tuple[slice, slice]:
    """Return where the middles of two lengths meet: the part of the one, and the part of the other."""
    common = min(have, want)
    source, target = (have - common) // 2, (want - common) // 2
    return slice(source, source + common), slice(target, target + common)


def _view(plane: VideoPlane, height: int, width: int, sample_bytes: int = 1) -> np.ndarray:
    """Look at a plane's samples as h w without copying them."""
    dtype = np.uint16 if sample_bytes == 2 else np.uint8
    return np.ndarray((height, width), dtype, cast(bytes, plane), 0, (plane.line_size, sample_bytes))
