"""Everything random in a training step, drawn from the step's position, so that resuming is exact by construction.

All draws come from generators seeded by (seed, step, rank, purpose): nothing has to be saved to go on, and two
processes never draw the same.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from videogan.config import Config, FiniteDifferencePenalty, Penalty, WassersteinPenalty
from videogan.data.seeding import position_seed
from videogan.device import to_device
from videogan.models.generator import Generator
from videogan.models.latents import Latents
from videogan.training.augment import Draw, draw_augmentation


class Updates(NamedTuple):
    """Which of the things that need not happen in every step happen in this one."""

    generator: bool = True
    encoder: bool = True
    penalise: bool = True


class StepDraws(NamedTuple):
    """What one step needs: latents, burn-in, the frames of each clip in random order ``(b t)``, augmentation, noise.

    ``noise`` is the penalty's, None where it needs none: see :func:`draw_penalty_noise`.
    """

    latents: Latents
    burn_in: int
    frame_order: Tensor
    real_augmentation: Draw
    fake_augmentation: Draw
    noise: Tensor | None
    updates: Updates


def draw_step(
    config: Config, generator: Generator, labels: Tensor | None, *, step: int, device: torch.device, rank: int = 0
) -> StepDraws:
    """Draw for one step; ``labels (b)`` are those of the real batch, which the generated one shares."""
    source = torch.Generator().manual_seed(position_seed(config.train.seed, step, rank, 0))
    batch, num_frames, size = config.train.batch_size, config.data.num_frames, config.size_at(step)
    burn_in = int(torch.randint(config.train.min_burn_in, config.train.max_burn_in + 1, (), generator=source))
    steps = 1 + burn_in + generator.context_steps + num_frames // generator.frames_per_step
    content_noise = torch.randn(batch, generator.content_dim, generator=source)
    motion_noise = torch.randn(batch, steps, generator.noise_dim, generator=source)
    frame_order = torch.rand(batch, num_frames, generator=source).argsort(1)
    real, fake = (draw_augmentation(batch, size, config.augment, source) for _ in range(2))
    updates = Updates(
        generator=step % config.adversarial.generator_interval == 0,
        encoder=step % config.encoder.interval == 0,
        penalise=isinstance(config.penalty, Penalty) and step % config.penalty.interval == 0,
    )
    return StepDraws(
        Latents(to_device(content_noise, device), to_device(motion_noise, device), labels),
        burn_in,
        to_device(frame_order, device),
        Draw(*(to_device(value, device) for value in real)),
        Draw(*(to_device(value, device) for value in fake)),
        draw_penalty_noise(config, device, position_seed(config.train.seed, step, rank, 1), size),
        updates,
    )


def draw_penalty_noise(config: Config, device: torch.device, seed: int, size: int) -> Tensor | None:
    """Return on the device what the penalty of a step needs.

    By finite differences, standard normal noise for the penalised share of the real and of the generated clips,
    ``(2 b t c h w)``, ``size`` pixels high and wide; for WGAN-GP the share of the way from each generated clip to a
    real one, ``(b)`` in [0, 1).
    """
    source, penalty = torch.Generator(device).manual_seed(seed), config.penalty
    if isinstance(penalty, FiniteDifferencePenalty):
        shape = (2, penalised(penalty, config.train.batch_size), config.data.num_frames, 3, size, size)
        return torch.randn(shape, generator=source, device=device)
    if isinstance(penalty, WassersteinPenalty):
        return torch.rand(penalised(penalty, config.train.batch_size), generator=source, device=device)
    return None


def penalised(penalty: Penalty, batch: int) -> int:
    """Return how many clips of a batch are penalised."""
    return max(1, round(batch * penalty.share))
