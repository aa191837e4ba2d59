"""How much of clips is fine detail, in space and in time. Clips are (b t c h w) float in [-1, 1]."""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

OCTAVES = 3
SILENCE = 1e-8
"""Energy that counts as none."""


def sharpness(clips: Tensor) -> Tensor:
    """Return the energy of high spatial frequencies of each clip (b): mean squared second differences along x and y."""
    return _energy(rearrange(clips.float(), "b t c h w -> b (t c) h w"), 2)


def spatial_spectrum(clips: Tensor) -> Tensor:
    """Return how fast each clip's energy grows with spatial frequency (b 3): at full size, halved and quartered.

    The logarithm of the energy of third differences over that of second ones: contrast cancels, and a blur of half a
    pixel shows.
    """
    frames, slopes = rearrange(clips.float(), "b t c h w -> b (t c) h w"), []
    for _ in range(OCTAVES):
        slopes.append(_log_ratio(_energy(frames, 3), _energy(frames, 2)))
        frames = F.avg_pool2d(frames, 2)
    return torch.stack(slopes, dim=1)


def temporal_spectrum(clips: Tensor) -> Tensor:
    """Return the same along time (b 2): of second over first differences, and of first differences over the frames."""
    energies = [clips.float().diff(n=n, dim=1).square().mean(dim=(1, 2, 3, 4)).nan_to_num() for n in range(3)]
    return torch.stack((_log_ratio(energies[2], energies[1]), _log_ratio(energies[1], energies[0])), dim=1)


def _energy(frames: Tensor, order: int) -> Tensor:
    """Mean squared differences (b) of an order along both axes of frames (b n h w), 0 for too few pixels."""
    down, across = (frames.diff(n=order, dim=axis).square().mean(dim=(1, 2, 3)).nan_to_num() for axis in (2, 3))
    return (down + across) / 2


def _log_ratio(a: Tensor, b: Tensor) -> Tensor:
    return (a + SILENCE).log() - (b + SILENCE).log()
