"""Everything random in a training step, drawn from the step's position, so that resuming is exact by construction.

All draws come from generators seeded by (seed, step, rank, purpose): nothing has to be saved to go on, and two
processes never draw the same.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from videogan.config import Config, Penalty
from videogan.data.seeding import position_seed
from videogan.models.generator import Generator
from videogan.models.latents import Latents
from videogan.training.augment import Draw, draw_augmentation


@dataclass(frozen=True)
class StepDraws:
    """What one step needs: latents, burn-in, the frames of each clip in random order ``(b t)``, augmentation, noise.

    The last three tell which of the things that need not happen in every step happen in this one.
    """

    latents: Latents
    burn_in: int
    frame_order: Tensor
    real_augmentation: Draw
    fake_augmentation: Draw
    noise: torch.Generator
    train_generator: bool = True
    train_encoder: bool = True
    penalise: bool = True


def draw_step(
    config: Config, generator: Generator, labels: Tensor | None, *, step: int, device: torch.device, rank: int = 0
) -> StepDraws:
    """Draw for one step; ``labels (b)`` are those of the real batch, which the generated one shares."""
    source = torch.Generator().manual_seed(position_seed(config.train.seed, step, rank, 0))
    batch, num_frames = config.train.batch_size, config.data.num_frames
    burn_in = int(torch.randint(config.train.min_burn_in, config.train.max_burn_in + 1, (), generator=source))
    steps = 1 + burn_in + generator.context_steps + num_frames // generator.frames_per_step
    latents = Latents(
        torch.randn(batch, generator.content_dim, generator=source),
        torch.randn(batch, steps, generator.noise_dim, generator=source),
        labels,
    )
    frame_order = torch.rand(batch, num_frames, generator=source).argsort(1)
    return StepDraws(
        latents.to(device),
        burn_in,
        frame_order.to(device),
        draw_augmentation(batch, config.data.size, config.augment, source),
        draw_augmentation(batch, config.data.size, config.augment, source),
        torch.Generator(device).manual_seed(position_seed(config.train.seed, step, rank, 1)),
        train_generator=step % config.adversarial.generator_interval == 0,
        train_encoder=step % config.encoder.interval == 0,
        penalise=isinstance(config.penalty, Penalty) and step % config.penalty.interval == 0,
    )
