"""How decoded pictures become RGB frames of the wanted size."""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Literal, cast

import av
import numpy as np
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from videogan.video import colour
from videogan.video.formats import MAX_PIXELS

Fit = Literal["crop", "letterbox", "stretch"]
FITS: tuple[Fit, ...] = ("crop", "letterbox", "stretch")

# Plain BILINEAR, FFmpeg's default, rounds down and halves the chroma resolution: everything gets 1.5 levels darker.
_EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
SCALER_FLAGS = int(Interpolation.BILINEAR | _EXACT)
"""For scaling up, or not at all."""

SHRINKING_FLAGS = int(Interpolation.AREA | _EXACT)
"""For scaling down: the average of the pixels that fall together, which BILINEAR only comes near to."""

# Plain numbers: a small picture takes some 50 microseconds, to which looking up enumerations would add a few.
_FULL_RANGE, _LIMITED_RANGE = int(ColorRange.JPEG), int(ColorRange.MPEG)

# Grey levels from black, 16, to white, 235. FFmpeg's scaler takes grey for full range whatever its tag says.
_STRETCHED = ((np.arange(256) - 16) * 255 / 219 + 0.5).clip(0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Storage:
    """What of a pixel format decides how RGB is made of it.

    ``transparent``: images with transparency, whose hidden colours are arbitrary. Video by luma and chroma with an
    alpha plane (yuva) hides the picture that was filmed, and that is what is wanted of it. ``packed``: RGB, pixel by
    pixel.
    """

    grey: bool
    transparent: bool
    packed: bool


@cache
def storage(format_name: str) -> Storage:
    """Return what a pixel format, by FFmpeg's name, stores."""
    pixels = av.VideoFormat(format_name)
    grey = len(pixels.components) <= 2 and not pixels.is_rgb
    alpha = any(component.is_alpha for component in pixels.components)
    # What FFmpeg makes of 15 or 16 bits a pixel in the other byte order without scaling has its bytes swapped.
    swapped = pixels.is_big_endian and pixels.padded_bits_per_pixel <= 16
    return Storage(
        grey=grey,
        transparent=pixels.has_palette or (alpha and (pixels.is_rgb or grey)),
        packed=pixels.is_rgb and not swapped,
    )


@dataclass(frozen=True)
class Orientation:
    """How a coded picture must be turned to be shown: transposed first, then flipped."""

    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    @classmethod
    def of(cls, picture: av.VideoFrame) -> "Orientation":
        """Return the orientation that the display matrix of a picture asks for, rounded to quarter turns.

        Raises:
            ValueError: FFmpeg cannot read the colours of such a picture, so nothing can be shown.
        """
        # PyAV ties a picture whose side data was asked for into a cycle, so that its pixels wait for a full garbage
        # collection: gigabytes of a folder in 4K. A copy of a few pixels carries the same side data.
        try:
            copy = VideoReformatter().reformat(picture, 16, 16, "rgb24", interpolation=Interpolation.POINT, threads=1)
        except OSError as error:
            stored = f"pixel format {picture.format.name}, matrix {picture.colorspace}"
            raise ValueError(f"no RGB can be made of its colours ({stored})") from error
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

    Size and turn are looked at in every picture: some streams change them.

    Args:
        first: the picture whose displayed size the frames have unless told otherwise.
        aspect: width of a coded pixel over its height.
        size: wanted (height, width); None for the displayed size.
        fit: what to do where the aspect differs: ``crop`` the middle, ``letterbox`` with black, or ``stretch``.
    """

    def __init__(
        self, first: av.VideoFrame, aspect: Fraction, size: tuple[int, int] | None = None, fit: Fit = "crop"
    ) -> None:
        self.size = size or Orientation.of(first).shown_size(first, aspect)
        self._aspect, self._fit = aspect, fit
        # A reformatter keeps its tables from picture to picture.
        self._reformatter = VideoReformatter()
        self._lay_out(first)

    def _lay_out(self, picture: av.VideoFrame) -> None:
        """Prepare for pictures that are stored like this one."""
        self._stored = picture.width, picture.height, picture.rotation
        self._orientation = Orientation.of(picture)
        scaled = self._scaled_size(self._orientation.shown_size(picture, self._aspect))
        self._coded = scaled[::-1] if self._orientation.transpose else scaled
        self._turned = self._orientation != Orientation()
        rows, columns = (_overlap(*pair) for pair in zip(scaled, self.size, strict=True))
        self._from, self._to = zip(rows, columns, strict=True)
        self._covers = scaled[0] >= self.size[0] and scaled[1] >= self.size[1]

    def _scaled_size(self, shown: tuple[int, int]) -> tuple[int, int]:
        """Return the (height, width) to which the whole picture is scaled before it is cut or padded."""
        if self._fit == "stretch":
            return self.size
        ratios = [Fraction(target, side) for target, side in zip(self.size, shown, strict=True)]
        ratio = max(ratios) if self._fit == "crop" else min(ratios)
        height, width = (max(1, math.floor(have * ratio + Fraction(1, 2))) for have in shown)
        return height, width

    def convert(self, picture: av.VideoFrame, out: np.ndarray | None = None) -> np.ndarray:
        """Return ``picture`` as uint8 RGB (h w c), written into ``out`` where given.

        Raises:
            ValueError: scaled to cover the size asked for, the picture would be too large.
        """
        if (picture.width, picture.height, picture.rotation) != self._stored:
            self._lay_out(picture)
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
        if height * width > MAX_PIXELS:
            raise ValueError(f"pictures of {had_width}x{had_height} would have to be scaled to {width}x{height}")
        stored = storage(picture.format.name)
        limited_grey = stored.grey and picture.color_range == _LIMITED_RANGE
        unscaled = height == had_height and width == had_width
        larger = height > had_height or width > had_width
        light = colour.of(picture)
        # FFmpeg makes planes of what is not RGB yet in half the time that it needs for packed pixels, in one pass.
        packed, transparent = unscaled and stored.packed, stored.transparent and light is None
        # threads=1 because a reformatter's thread pool does not survive a fork.
        rgb = self._reformatter.reformat(
            picture,
            width,
            height,
            "gbrp16le" if light else "rgba" if transparent else "rgb24" if packed else "gbrp",
            dst_color_range=_FULL_RANGE,
            interpolation=SCALER_FLAGS if larger or unscaled else SHRINKING_FLAGS,
            threads=1,
        )
        if light:
            # Planes: of packed 16 bits with chroma interpolated in full, FFmpeg's scaler makes false colours.
            green, blue, red = (_view(plane, height, width, 2) for plane in rgb.planes)
            return [(slice(None), colour.to_sdr(np.stack((red, green, blue), axis=-1), light))]
        if transparent:
            pixels = _view(rgb.planes[0], height, width * 4).reshape(height, width, 4)
            colours = _STRETCHED[pixels[..., :3]] if limited_grey else pixels[..., :3]
            return [(slice(None), _over_white(colours, pixels[..., 3:]))]
        if packed:
            return [(slice(None), _view(rgb.planes[0], height, width * 3).reshape(height, width, 3))]
        green, blue, red = (_view(plane, height, width) for plane in rgb.planes)
        if limited_grey:
            return [(slice(None), _STRETCHED[green][..., None])]
        return list(enumerate((red, green, blue)))


def _over_white(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Lay RGB (h w 3) with an alpha channel (h w 1) over white, as viewers of images do."""
    alpha = alpha.astype(np.uint16)
    return ((colours * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _overlap(have: int, want: int) -> tuple[slice, slice]:
    """Return where the middles of two lengths meet: the part of the one, and the part of the other."""
    common = min(have, want)
    source, target = (have - common) // 2, (want - common) // 2
    return slice(source, source + common), slice(target, target + common)


def _view(plane: VideoPlane, height: int, width: int, sample_bytes: int = 1) -> np.ndarray:
    """Look at a plane's samples as h w without copying them."""
    dtype = np.uint16 if sample_bytes == 2 else np.uint8
    return np.ndarray((height, width), dtype, cast(bytes, plane), 0, (plane.line_size, sample_bytes))
