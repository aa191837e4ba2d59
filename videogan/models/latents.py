"""Latents: what a video is made from, drawn so that a seed means one video whatever stands beside it in the batch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from videogan.config import FRAMES_PER_STEP

Prior = Literal["uniform", "normal"]
PRIOR_DEVIATION: dict[Prior, float] = {"uniform": 3**-0.5, "normal": 1.0}
"""Standard deviation of a content code."""
LARGEST_CODE = 0.9999
"""Content codes of a uniform prior are taken as no larger on the way back to noise, which would be infinite at 1."""


@dataclass(frozen=True)
class Latents:
    """The latents of a batch of videos.

    ``content_noise (b d)`` and ``motion_noise (b s n)`` are standard normal; ``s`` counts latent steps of four
    frames. ``labels (b)`` are class indices, or None for a model without classes. The prior turns the content noise
    into the content code, so that interpolation and truncation act where the distribution is normal.
    """

    content_noise: Tensor
    motion_noise: Tensor
    labels: Tensor | None = None

    def __post_init__(self) -> None:
        """Refuse shapes that do not belong together."""
        batch = self.content_noise.shape[0]
        if self.content_noise.ndim != 2 or self.motion_noise.ndim != 3 or self.motion_noise.shape[0] != batch:
            raise ValueError(f"latents need content_noise (b d) and motion_noise (b s n), not {self!r}")
        if self.labels is not None and self.labels.shape != (batch,):
            raise ValueError(f"latents need labels (b), not {self!r}")

    def __repr__(self) -> str:
        """Show shapes, not numbers."""
        labels = None if self.labels is None else tuple(self.labels.shape)
        shapes = tuple(self.content_noise.shape), tuple(self.motion_noise.shape)
        return f"Latents(content_noise={shapes[0]}, motion_noise={shapes[1]}, labels={labels})"

    def to(self, device: torch.device | str) -> "Latents":
        """Return the same latents on another device."""
        labels = None if self.labels is None else self.labels.to(device)
        return Latents(self.content_noise.to(device), self.motion_noise.to(device), labels)


@dataclass(frozen=True)
class ClipLatents:
    """What a given clip is made from: codes, not noise, since they were found in frames and not drawn.

    ``content (1 d)`` is the content code, ``motion_codes (1 s m)`` those of its latent steps, ``history (1 h m)`` those
    of the decoder's context before them. ``num_frames`` is at most ``4 s``: where it is less, the first frames that
    the codes give are not the clip's. ``label`` is a class index, or None for a model without classes.
    """

    content: Tensor
    motion_codes: Tensor
    history: Tensor
    num_frames: int
    label: int | None = None

    def __post_init__(self) -> None:
        """Refuse shapes and counts that do not belong together."""
        if self.content.ndim != 2 or self.motion_codes.ndim != 3 or self.history.ndim != 3:
            raise ValueError("latents of a clip need content (1 d), motion_codes (1 s m) and history (1 h m)")
        steps = self.motion_codes.shape[1]
        if not FRAMES_PER_STEP * (steps - 1) < self.num_frames <= FRAMES_PER_STEP * steps:
            raise ValueError(f"{steps} latent steps cannot be those of {self.num_frames} frames")

    @property
    def path(self) -> Tensor:
        """History and motion codes in one: ``(1 h+s m)``."""
        return torch.cat([self.history, self.motion_codes], dim=1)

    @property
    def labels(self) -> Tensor | None:
        """The label as a batch of one."""
        return None if self.label is None else torch.tensor([self.label], device=self.content.device)

    def to(self, device: torch.device | str) -> "ClipLatents":
        """Return the same latents on another device."""
        return replace(
            self,
            content=self.content.to(device),
            motion_codes=self.motion_codes.to(device),
            history=self.history.to(device),
        )


BLOCK = 16
"""Normal numbers that torch draws on a CPU at once."""


def random_generator(seed: int) -> torch.Generator:
    """Return torch's generator for any whole number from 0 on: one beyond 63 bits is hashed to as many."""
    if seed >= 2**63:
        seed = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> 1)
    return torch.Generator().manual_seed(seed)


class LatentStream:
    """Standard normal latents of some videos, one random generator per video, as many latent steps as are asked for.

    Drawn on the CPU, so that a seed gives the same latents whatever the batch, the device or the length.
    """

    def __init__(self, seeds: Sequence[int], *, content_dim: int, noise_dim: int) -> None:
        self._noise_dim = noise_dim
        self._generators = [random_generator(seed) for seed in seeds]
        self.content_noise = torch.stack([torch.randn(content_dim, generator=g) for g in self._generators])

    def motion_noise(self, steps: int) -> Tensor:
        """Draw the next ``steps`` latent steps: ``b s n``."""
        if steps and self._noise_dim % BLOCK:
            # Row by row: torch draws a long tensor and several short ones differently, unless blocks of 16 fill both.
            rows = [[torch.randn(self._noise_dim, generator=g) for _ in range(steps)] for g in self._generators]
            return torch.stack([torch.stack(some) for some in rows])
        return torch.stack([torch.randn(steps, self._noise_dim, generator=g) for g in self._generators])


def content_code(noise: Tensor, prior: Prior, truncation: float = 1.0) -> Tensor:
    """Map standard normal content noise ``(..., d)`` to the prior's distribution.

    ``uniform`` gives 2 Phi(g) - 1 in (-1, 1), ``normal`` gives g itself. ``truncation`` in [0, 1] scales g first:
    below 1 videos become more typical and less diverse.
    """
    noise = noise * truncation
    return torch.erf(noise / 2**0.5) if prior == "uniform" else noise


def content_noise(code: Tensor, prior: Prior) -> Tensor:
    """Map content codes ``(..., d)`` back to normal noise: the inverse of :func:`content_code`.

    Codes of a uniform prior at or beyond its ends come back as about 4, where one draw in 10,000 lies.
    """
    return torch.erfinv(code.clamp(-LARGEST_CODE, LARGEST_CODE)) * 2**0.5 if prior == "uniform" else code


def slerp(start: Tensor, end: Tensor, weight: Tensor | float) -> Tensor:
    """Interpolate normal noise ``(..., d)`` on the great arc (Shoemake 1985, "Animating rotation", section 3.3).

    ``weight`` 0 gives start, 1 gives end; lengths are interpolated linearly, so that every point on the way is as
    likely as its ends. Nearly parallel ends are interpolated linearly.
    """
    start_length, end_length = start.norm(dim=-1, keepdim=True), end.norm(dim=-1, keepdim=True)
    cosine = ((start / start_length) * (end / end_length)).sum(-1, keepdim=True).clamp(-1, 1)
    angle = torch.arccos(cosine)
    weight = torch.as_tensor(weight, dtype=start.dtype, device=start.device)
    sine = torch.sin(angle)
    flat = sine < 1e-4
    safe = torch.where(flat, torch.ones_like(sine), sine)
    start_share = torch.where(flat, 1 - weight, torch.sin((1 - weight) * angle) / safe)
    end_share = torch.where(flat, weight, torch.sin(weight * angle) / safe)
    length = (1 - weight) * start_length + weight * end_length
    return length * (start_share * start / start_length + end_share * end / end_length)
