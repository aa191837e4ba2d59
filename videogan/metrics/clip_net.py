"""The network behind features that are learnt on one's own clips: what frames show, and how they change.

Clips are (b t c h w) float in [-1, 1].
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from videogan.metrics.spectrum import OCTAVES, spatial_spectrum, temporal_spectrum

CODE = 32
"""Numbers that are learnt of content, and as many of motion."""
CONTENT_DIM, MOTION_DIM = CODE + OCTAVES, CODE + 2
SIZE = 32
"""Height and width at which the convolutions see frames; finer detail shows in the spectrum."""
SHOWN = 8
"""Frames of a clip, evenly spread, in which its content is looked at."""
CONTENT_WIDTHS, MOTION_WIDTHS = (32, 64, 128), (16, 32, 64)
SHRINKAGE = 0.05
"""Share of its variance that is added to every feature before features are made independent of each other."""
LIMIT = 3.0
"""Standard deviations of the real clips beyond which features hardly grow."""


class Trunk(nn.Module):
    """Convolutions with a stride, whose channels' mean and spread at every stage make a code."""

    def __init__(self, widths: Sequence[int], convolution: type[nn.Module], norm: type[nn.Module]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Sequential(convolution(before, after, 3, 2, 1, bias=False), norm(after), nn.ReLU())
            for before, after in pairwise((3, *widths))
        )
        self.code = nn.Linear(2 * sum(widths), CODE)

    def forward(self, x: Tensor, batch: int) -> Tensor:
        """Map frames ``(b t) c h w`` or clips ``b c t h w`` of ``batch`` clips to codes ``(b 32)``."""
        pooled = []
        for stage in self.stages:
            x = stage(x)
            values = rearrange(x, "(b n) c ... -> b c (n ...)", b=batch)
            variance, mean = torch.var_mean(values, dim=2, correction=0)
            pooled += [mean, (variance + 1e-4).log()]
        return self.code(torch.cat(pooled, dim=1))


class Whitening(nn.Module):
    """Makes the features of real clips independent of each other, each of those before it, and their variance 1.

    A change that is small beside what tells clips apart, such as a slight blur, then shows as well as any other, and
    none drowns the others: what no real clip has counts as LIMIT deviations at most.
    """

    mean: Tensor
    matrix: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("matrix", torch.eye(dim))

    def forward(self, features: Tensor) -> Tensor:
        """Map features (b d) to independent ones."""
        with torch.autocast(features.device.type, enabled=False):
            independent = (features.float() - self.mean) @ self.matrix
        return independent / (1 + (independent / LIMIT).square()).sqrt()

    def fit(self, features: Tensor) -> None:
        """Learn from features (n d), by Cholesky's factor of their covariance; in float64, as SHRINKAGE is small."""
        covariance = torch.cov(features.double().T)
        factor = torch.linalg.cholesky(covariance + SHRINKAGE * covariance.diag().clamp_min(1e-8).diag())
        inverse = torch.linalg.solve_triangular(factor, torch.eye(len(factor), dtype=torch.float64), upper=False)
        self.mean.copy_(features.mean(dim=0))
        self.matrix.copy_(inverse.T)


class ClipNet(nn.Module):
    """Clips to features: content first, then motion, each a learnt code and a spectrum, made independent."""

    def __init__(self) -> None:
        super().__init__()
        self.content = Trunk(CONTENT_WIDTHS, nn.Conv2d, nn.BatchNorm2d)
        self.motion = Trunk(MOTION_WIDTHS, nn.Conv3d, nn.BatchNorm3d)
        self.content_whitening, self.motion_whitening = Whitening(CONTENT_DIM), Whitening(MOTION_DIM)

    def forward(self, clips: Tensor) -> Tensor:
        """Return features (b 69)."""
        content, motion = self.described(shrink(clips), spatial_spectrum(clips), temporal_spectrum(clips))
        return torch.cat((self.content_whitening(content), self.motion_whitening(motion)), dim=1)

    def described(self, small: Tensor, spatial: Tensor, temporal: Tensor) -> tuple[Tensor, Tensor]:
        """Return content (b 35) and motion (b 34) of shrunk clips and spectra, before they are made independent."""
        shown = [number * small.shape[1] // SHOWN for number in range(SHOWN)]
        content, motion = self.content_code(small[:, shown]), self.motion_code(small)
        return torch.cat((content, spatial), dim=1), torch.cat((motion, temporal), dim=1)

    def content_code(self, frames: Tensor) -> Tensor:
        """Return codes (b 32) of what shrunk frames show, whatever their order."""
        flat = rearrange(frames, "b t c h w -> (b t) c h w").contiguous(memory_format=torch.channels_last)
        return self.content(flat, len(frames))

    def motion_code(self, clips: Tensor) -> Tensor:
        """Return codes (b 32) of how the frames of shrunk clips change."""
        return self.motion(rearrange(clips.diff(dim=1), "b t c h w -> b c t h w"), len(clips))


def shrink(clips: Tensor) -> Tensor:
    """Return clips of at most 32 x 32 pixels."""
    size = min(SIZE, *clips.shape[-2:])
    frames = F.interpolate(rearrange(clips, "b t c h w -> (b t) c h w"), (size, size), mode="area")
    return rearrange(frames, "(b t) c h w -> b t c h w", b=len(clips))
