"""Frames enlarged to be looked at: players blur small videos, and 4:2:0 takes the colour of single pixels."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from videogan.errors import UsageError

SHOWN_PIXELS = 256
"""The shorter side of frames that look good in a player, at least."""
LARGEST_SCALE = 32
LOBES = 3

Method = Literal["lanczos", "bicubic"]
"""How pixels between those of a frame are made; earlier versions did it bicubically, as their recipes mean it."""


def scale_to_show(size: tuple[int, int]) -> int:
    """Return the smallest power of two by which frames of (height, width) have SHOWN_PIXELS, at most LARGEST_SCALE."""
    scale = 1
    while scale < LARGEST_SCALE and scale * min(size) < SHOWN_PIXELS:
        scale *= 2
    return scale


def check_scale(scale: int) -> None:
    """Raise UsageError unless frames can be enlarged so many times."""
    if not 1 <= scale <= LARGEST_SCALE:
        raise UsageError(f"scale {scale}: must be from 1 to {LARGEST_SCALE}")


def enlarge(clips: Tensor, scale: int, method: Method) -> Tensor:
    """Return clips (b t c h w) in [-1, 1] whose frames are ``scale`` times as high and wide."""
    if method == "bicubic":
        frames = F.interpolate(clips.flatten(0, 1), scale_factor=scale, mode="bicubic", align_corners=False)
        return frames.clamp(-1, 1).unflatten(0, clips.shape[:2])
    rows, columns = (_lanczos(side, scale).to(clips.device) for side in clips.shape[-2:])
    return (rows @ clips.float() @ columns.T).clamp(-1, 1)


def _lanczos(side: int, scale: int) -> Tensor:
    """Return the weights (larger smaller) of the pixels of a row in the larger row (Duchon 1979)."""
    centres = (torch.arange(side * scale) + 0.5) / scale - 0.5
    distances = centres[:, None] - torch.arange(side)
    weights = torch.sinc(distances) * torch.sinc(distances / LOBES) * (distances.abs() < LOBES)
    return weights / weights.sum(dim=1, keepdim=True)
