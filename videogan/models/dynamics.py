"""Recurrent latent dynamics: independent motion noise becomes a smooth path of motion codes.

Each noise channel first runs through a leaky integrator (an Ornstein-Uhlenbeck process) with its own half-life,
log-spaced from one to ``max_half_life`` latent steps: low-pass noise at many time scales, as in LongVideoGAN
(Brooks et al. 2022, section 3.1), here with a state of constant size. A GRU shapes it into motion codes.
"""

from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from videogan.models.layers import linear
from videogan.models.precision import FullPrecision

STEPS_AT_ONCE = 32
"""Latent steps that the integrators take in one sum; the work for each grows with their number."""


class DynamicsState(NamedTuple):
    """What the dynamics remember: the GRU's last motion code ``(b m)`` and the integrators ``(b n)``."""

    motion_code: Tensor
    integrators: Tensor


class LatentDynamics(FullPrecision):
    """Motion noise ``(b s n)`` -> motion codes ``(b s m)``, in (-1, 1); one latent step stands for four frames."""

    decay: Tensor
    ages: Tensor

    def __init__(self, *, noise_dim: int, motion_dim: int, condition_dim: int, max_half_life: float) -> None:
        super().__init__()
        self.register_buffer("decay", log_spaced_decays(noise_dim, max_half_life))
        self.register_buffer("ages", ages(STEPS_AT_ONCE), persistent=False)
        self.condition = linear(condition_dim, motion_dim, gain=1.0)
        self.noise = linear(noise_dim, motion_dim, gain=1.0)
        self.gru = nn.GRU(motion_dim, motion_dim, batch_first=True)

    def initial_state(self, noise: Tensor) -> DynamicsState:
        """Return the state before the first latent step.

        ``noise (b n)``, standard normal, is the integrators' value, which makes their process stationary from the
        first step. The GRU begins at zero and forgets that during the burn-in.
        """
        return DynamicsState(noise.new_zeros(noise.shape[0], self.gru.hidden_size), noise)

    def forward(self, noise: Tensor, condition: Tensor, state: DynamicsState) -> tuple[Tensor, DynamicsState]:
        """Run ``noise.shape[1]`` latent steps from ``state``; ``condition (b s k)`` is content code and class."""
        # In float32 whatever the autocast: rounding errors would add up over an endless video.
        with torch.autocast(noise.device.type, enabled=False):
            smooth, integrators = self.integrate(noise, state.integrators)
            drive = self.noise(smooth) + self.condition(condition)
            motion_codes, last = self.gru(drive, state.motion_code[None].contiguous())
        return motion_codes, DynamicsState(last[0], integrators)

    def step_from(self, codes: Tensor, noise: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Take one latent step from each of the codes ``(b s m)`` of a path, each for itself.

        ``noise (b s+1 n)`` drives the steps, its first being the integrators' value before them, under ``condition
        (b k)``. Returns the code after each, ``(b s m)``, and the integrators' value after the last, ``(b n)``.
        """
        smooth, integrators = self.integrate(noise[:, 1:], noise[:, 0])
        drive = rearrange(self.noise(smooth) + self.condition(condition)[:, None], "b s m -> (b s) 1 m")
        after, _ = self.gru(drive, rearrange(codes, "b s m -> 1 (b s) m").contiguous())
        return rearrange(after, "(b s) 1 m -> b s m", b=len(codes)), integrators

    def integrate(self, noise: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Run the integrators: x[t] = a x[t-1] + sqrt(1 - a^2) e[t], which keeps unit variance.

        The recurrence is summed up, x[t] = a^(t+1) x[-1] + sqrt(1 - a^2) sum a^(t-s) e[s], since a GPU takes as long
        for one step as for thirty.
        """
        values = []
        for steps in (noise * (1 - self.decay**2).sqrt()).split(STEPS_AT_ONCE, dim=1):
            count = steps.shape[1]
            weights = self.decay ** self.ages[:count, : count + 1, None]
            driven = torch.cat([value[:, None], steps], dim=1)
            values.append((weights * driven[:, None]).sum(dim=2))
            value = values[-1][:, -1]
        return torch.cat(values, dim=1) if len(values) > 1 else values[0], value


def ages(count: int) -> Tensor:
    """Return how many steps ago each input came, ``(count, 1 + count)``: the value before, and noise; inf: later."""
    age = torch.arange(count, device="cpu")[:, None] - torch.arange(-1, count, device="cpu")
    return torch.where(age < 0, torch.inf, age.float())


def log_spaced_decays(count: int, max_half_life: float) -> Tensor:
    """Return ``count`` factors a in [0, 1) with a^h = 1/2 for half-lives h log-spaced up to ``max_half_life`` steps.

    The first half-life is one step, four frames; a ``max_half_life`` of 0 switches the integrators off (every factor
    is 0).
    """
    if max_half_life == 0:
        return torch.zeros(count)
    last = torch.log2(torch.tensor(max_half_life, device="cpu")).item()
    half_lives = torch.logspace(0, last, count, base=2, device="cpu")  # where only shapes are made too: they are few
    return 0.5 ** (1 / half_lives)
