"""The border between codec frames (uint8, channels last) and network clips (float in [-1, 1], channels first)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from einops import rearrange

if TYPE_CHECKING:
    import torch

# torch is imported inside the functions so that probing or reading a file does not pay seconds for it.


def to_uint8(clip: torch.Tensor) -> np.ndarray:
    """Turn a float clip ``... c h w`` in [-1, 1] into uint8 frames ``... h w c``; values are clamped, then rounded."""
    return _levels(clip).cpu().numpy()


def to_uint8_later(clip: torch.Tensor) -> Callable[[], np.ndarray]:
    """Return a function that gives the frames of :func:`to_uint8`.

    From a GPU they come to page-locked memory while the caller goes on; the function waits for them.
    """
    import torch

    if not clip.is_cuda:
        return lambda: to_uint8(clip)
    levels = _levels(clip)
    frames = torch.empty(levels.shape, dtype=torch.uint8, pin_memory=True)
    frames.copy_(levels, non_blocking=True)
    copied = torch.cuda.Event()
    copied.record()

    def wait() -> np.ndarray:
        copied.synchronize()
        return frames.numpy()

    return wait


def _levels(clip: torch.Tensor) -> torch.Tensor:
    import torch

    levels = clip.detach().float().add(1.0).mul(127.5).clamp(0.0, 255.0).round().to(torch.uint8)
    return rearrange(levels, "... c h w -> ... h w c").contiguous()


def to_float(frames: np.ndarray | torch.Tensor, *, planar: bool = True) -> torch.Tensor:
    """Turn uint8 frames ``... h w c`` into a float32 clip ``... c h w`` in [-1, 1], on the device that they are on.

    The clip lies in memory by channels; with ``planar=False`` by pixels, as the frames do: training, which turns every
    batch, is spared a copy, and convolutions read the one as well as the other.
    """
    import torch

    if not isinstance(frames, torch.Tensor):
        frames = torch.from_numpy(np.require(frames, requirements=["C", "W"]))
    levels = rearrange(frames, "... h w c -> ... c h w")
    return (levels.contiguous() if planar else levels).float().div_(127.5).sub_(1.0)
