"""Names beside the rows and above the columns of a grid of videos."""

from collections.abc import Callable, Sequence

import numpy as np
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from videogan.video import to_float

FONT_SHARE = 8
"""A letter is so many times lower than a row is high, within these bounds in pixels."""
SMALLEST, LARGEST = 9, 28
BLACK = -1.0
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def grid_labels(size: tuple[int, int], names: Sequence[str]) -> tuple[Callable[[Tensor], Tensor], tuple[int, int]]:
    """Return what adds ``names`` to chunks ``(b t c h w)`` of a grid, and the (height, width) that frames then have.

    ``size`` is that of the grid, with as many rows and columns as there are names. A name that is too long for its
    place is cut.
    """
    height, width = size[0] // len(names), size[1] // len(names)
    points = min(LARGEST, max(SMALLEST, height // FONT_SHARE))
    font = ImageFont.load_default(points)
    top = 2 * (round(1.5 * points) // 2)
    left = min(width, 2 * (max(round(font.getlength(name)) for name in names) // 2) + top)
    margin = Image.new("RGB", (left + size[1], top + size[0]))
    for number, name in enumerate(names):
        across, down = _cut(name, font, width), _cut(name, font, left)
        draw = ImageDraw.Draw(margin)
        draw.text((left + (number + 0.5) * width, top / 2), across, "white", font, anchor="mm")
        draw.text((left / 2, top + (number + 0.5) * height), down, "white", font, anchor="mm")
    drawn = to_float(np.asarray(margin))

    def label(chunk: Tensor) -> Tensor:
        frames = F.pad(chunk, (left, 0, top, 0), value=BLACK)
        drawn_there = drawn.to(frames)
        frames[..., :top, :] = drawn_there[:, :top]
        frames[..., top:, :left] = drawn_there[:, top:, :left]
        return frames

    return label, (top + size[0], left + size[1])


def _cut(name: str, font: Font, width: int) -> str:
    """Return as much of a name as finds room."""
    if font.getlength(name) <= width:
        return name
    while name and font.getlength(f"{name}...") > width:
        name = name[:-1]
    return f"{name}..."
