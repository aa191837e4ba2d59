"""Augmentation of what the discriminators see: differentiable, and one draw per clip, so that motion stays motion.

Clips are ``b t c h w`` in [-1, 1]. As in DiffAugment (Zhao et al. 2020), real and generated clips pass through the
same distribution of changes, so that the generator learns the clips and not their augmentation.
"""

from typing import NamedTuple

import torch
from einops import rearrange, reduce, repeat
from torch import Tensor

from videogan.config import AugmentConfig
from videogan.data.seeding import mirror_seed


class Draw(NamedTuple):
    """What happens to each clip of a batch.

    ``rows (b h)`` and ``columns (b w)`` say where the pixels of each row and column come from; ``brightness (b)`` is
    an offset in units of [-1, 1], ``saturation (b)`` and ``contrast (b)`` are factors.
    """

    rows: Tensor
    columns: Tensor
    brightness: Tensor
    saturation: Tensor
    contrast: Tensor


def draw_augmentation(batch: int, size: int, config: AugmentConfig, generator: torch.Generator) -> Draw:
    """Draw once for each clip; a clip is left alone with probability ``1 - config.probability``."""
    augmented = (torch.rand(batch, generator=generator) < config.probability).float()

    def symmetric(extent: float) -> Tensor:
        return (torch.rand(batch, generator=generator) * 2 - 1) * extent * augmented

    reach = config.translation * size
    return Draw(
        sources(symmetric(reach).round().long(), size),
        sources(symmetric(reach).round().long(), size),
        symmetric(config.brightness),
        1 + symmetric(config.saturation),
        1 + symmetric(config.contrast),
    )


def sources(shift: Tensor, size: int) -> Tensor:
    """Return for each of ``size`` rows or columns which one moves there by ``shift (b)``, or the nearest edge."""
    return (torch.arange(size) + shift[:, None]).clamp(0, size - 1)


def augment(clips: Tensor, draw: Draw) -> Tensor:
    """Shift (edges repeat) and recolour ``clips (b t c h w)``; the same change in every frame of a clip."""
    clips = _translate(clips, draw.rows, draw.columns)
    brightness, saturation, contrast = (value.to(clips)[:, None, None, None, None] for value in draw[2:])
    grey = reduce(clips, "b t c h w -> b t 1 h w", "mean")
    mean = reduce(grey, "b t 1 h w -> b 1 1 1 1", "mean")
    # mean + contrast (grey + saturation (clip - grey) - mean) + brightness, with one sum as large as a clip
    own = contrast * saturation
    flat = torch.addcmul(brightness, 1 - contrast, mean)
    return torch.addcmul(torch.addcmul(flat, contrast - own, grey), own, clips)


def draw_mirrored(batch: int, *, seed: int, step: int, first: int = 0) -> Tensor:
    """Draw which clips of a batch are mirrored, ``(b)``, each with probability 1/2.

    The draw depends only on ``seed``, ``step`` and a clip's number in the batch of all ranks, which begins at ``first``
    here (``rank * batch_size``), so that it is the same after a resume and on any number of devices.
    """
    generator = torch.Generator().manual_seed(mirror_seed(seed, step))
    return torch.rand(first + batch, generator=generator)[first:] < 0.5


def mirror(clips: Tensor, mirrored: Tensor) -> Tensor:
    """Mirror those of the clips ``(b t c h w)`` left to right that ``mirrored (b)`` names."""
    return torch.where(mirrored.view(-1, 1, 1, 1, 1), clips.flip(-1), clips)


def _translate(clips: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Take every pixel from its row ``(b h)`` and column ``(b w)``, by one gather for the whole batch."""
    _, num_frames, channels, _, width = clips.shape
    pixels = torch.add(columns[:, None, :], rows[:, :, None], alpha=width).flatten(1)
    moved = rearrange(clips, "b t c h w -> b (t c) (h w)").gather(
        2, repeat(pixels, "b n -> b k n", k=num_frames * channels)
    )
    return moved.view(clips.shape)
