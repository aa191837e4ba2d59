"""How decoded pictures become RGB frames of the wanted size."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import av
import numpy as np
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

Fit = Literal["crop", "letterbox", "stretch"]

# Plain BILINEAR, FFmpeg's default, rounds down and halves the chroma resolution: everything gets 1.5 levels darker.
SCALER_FLAGS = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


@dataclass(frozen=True)
class Orientation:
    """How a coded picture must be turned to be shown: transposed first, then flipped."""

    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """Return a view of ``picture`` (h w c) as it is shown."""
        if self.transpose:
            picture = picture.swapaxes(0, 1)
        return picture[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]


def orientation_of(rotation: int) -> Orientation:
    """Return the orientation for a rotation in degrees, counter-clockwise, as FFmpeg counts display rotation."""
    quarter = round(rotation / 90) % 4
    return (
        Orientation(),
        Orientation(transpose=True, flip_rows=True),
        Orientation(flip_rows=True, flip_columns=True),
        Orientation(transpose=True, flip_columns=True),
    )[quarter]


class Converter:
    """Turns decoded pictures into RGB frames (h w c) of one size, as they are meant to be shown.

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
        # One reformatter keeps its tables; threads=1 because its thread pool does not survive a fork.
        self._reformatter = VideoReformatter()
        self._scaled = self._scaled_size(shown, fit)
        self._coded = self._scaled[::-1] if orientation.transpose else self._scaled

    def _scaled_size(self, shown: tuple[int, int], fit: Fit) -> tuple[int, int]:
        if fit == "stretch" or self.size == shown:
            return self.size
        ratios = [Fraction(wanted, have) for wanted, have in zip(self.size, shown, strict=True)]
        ratio = max(ratios) if fit == "crop" else min(ratios)
        height, width = (max(1, math.floor(have * ratio + Fraction(1, 2))) for have in shown)
        return height, width

    def convert(self, picture: av.VideoFrame, out: np.ndarray | None = None) -> np.ndarray:
        """Return ``picture`` as uint8 RGB (h w c), written into ``out`` where given."""
        if out is None:
            out = np.empty((*self.size, 3), np.uint8)
        height, width = self._coded
        rgb = self._reformatter.reformat(
            picture,
            width,
            height,
            "rgb24",
            dst_color_range=ColorRange.JPEG,
            interpolation=SCALER_FLAGS,
            threads=1,
        )
        self._place(self._orientation.apply(_view(rgb, 3)), out)
        return out

    def _place(self, scaled: np.ndarray, out: np.ndarray) -> None:
        """Copy the middle of ``scaled`` to the middle of ``out``; what stays uncovered is black."""
        spare = [have - want for have, want in zip(scaled.shape, out.shape, strict=True)][:2]
        if min(spare) < 0:
            out[:] = 0
        source = tuple(
            slice(max(extra, 0) // 2, have - (max(extra, 0) - max(extra, 0) // 2))
            for extra, have in zip(spare, scaled.shape, strict=False)
        )
        target = tuple(
            slice(max(-extra, 0) // 2, want - (max(-extra, 0) - max(-extra, 0) // 2))
            for extra, want in zip(spare, out.shape, strict=False)
        )
        out[target] = scaled[source]


def _view(picture: av.VideoFrame, channels: int) -> np.ndarray:
    """Look at a packed picture (h w c) without copying it."""
    plane = picture.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: picture.height, : picture.width * channels]
    return rows.reshape(picture.height, picture.width, channels)
