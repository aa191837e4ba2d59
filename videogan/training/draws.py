"""Everything random in a training step, drawn from the step's position, so that resuming is exact by construction.

All draws come from generators seeded by (seed, step, rank, purpose): nothing has to be saved to go on, and two
processes never draw the same.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from videogan.config import Config, FiniteDifferencePenalty, Penalty, WassersteinPenalty
from videogan.data.seeding import position_seed
from videogan.data.transfer import Packed
from videogan.models.generator import Generator
from videogan.models.latents import Latents
from videogan.training.augment import Draw, draw_augmentation, draw_mirrored
from videogan.training.schedule import discriminator_share, penalty_share


class Updates(NamedTuple):
    """Which of the things that need not happen in every step happen in this one."""

    generator: bool = True
    encoder: bool = True
    penalise: bool = True


class DrawsAhead(NamedTuple):
    """What is drawn in this machine's memory, before the step and whatever the networks are: tensors only.

    ``content_noise (b d)`` and ``motion_noise (b s n)`` are standard normal, ``frame_order (b t)`` is the frames of
    each clip in random order, ``shifts (b 2 2)`` are uniform in [0, 1); ``mirrored (b)`` tells which real clips are
    mirrored, None where none may be.
    ``penalty_share ()``, of R1's and R2's weights, and ``discriminator_shares (n)``, of each discriminator's, are no
    draws, but change from step to step as they do.
    """

    content_noise: Tensor
    motion_noise: Tensor
    frame_order: Tensor
    shifts: Tensor
    real_augmentation: Draw
    fake_augmentation: Draw
    mirrored: Tensor | None
    penalty_share: Tensor
    discriminator_shares: Tensor


class StepDraws(NamedTuple):
    """What one step needs: latents, burn-in, the frames of each clip in random order ``(b t)``, augmentation, noise.

    ``noise`` is the penalty's, None where it needs none: see :func:`draw_penalty_noise`. ``shifts``, ``mirrored`` and
    the shares are as in DrawsAhead.
    """

    latents: Latents
    burn_in: int
    frame_order: Tensor
    shifts: Tensor
    real_augmentation: Draw
    fake_augmentation: Draw
    noise: Tensor | None
    updates: Updates
    mirrored: Tensor | None
    penalty_share: Tensor
    discriminator_shares: Tensor


def draw_ahead(config: Config, generator: Generator, step: int, *, rank: int = 0) -> DrawsAhead:
    """Draw what depends on the step's position alone; of the generator only dimensions are asked."""
    source = torch.Generator().manual_seed(position_seed(config.train.seed, step, rank, 0))
    batch, num_frames, size = config.train.batch_size, config.data.num_frames, config.size_at(step)
    burn_in = int(torch.randint(config.train.min_burn_in, config.train.max_burn_in + 1, (), generator=source))
    steps = 1 + burn_in + generator.context_steps + num_frames // generator.frames_per_step
    content_noise = torch.randn(batch, generator.content_dim, generator=source)
    motion_noise = torch.randn(batch, steps, generator.noise_dim, generator=source)
    frame_order = torch.rand(batch, num_frames, generator=source).argsort(1)
    real, fake = (draw_augmentation(batch, size, config.augment, source) for _ in range(2))
    mirrored = (
        draw_mirrored(batch, seed=config.train.seed, step=step, first=rank * batch) if config.data.mirror else None
    )
    penalty = torch.tensor(penalty_share(config.penalty, step))
    shares = torch.tensor([discriminator_share(part, step) for part in config.discriminators().values()])
    shifts = torch.rand(batch, 2, 2, generator=source)
    return DrawsAhead(content_noise, motion_noise, frame_order, shifts, real, fake, mirrored, penalty, shares)


def draw_step(
    config: Config,
    generator: Generator,
    labels: Tensor | None,
    *,
    step: int,
    device: torch.device,
    rank: int = 0,
    ahead: DrawsAhead | None = None,
) -> StepDraws:
    """Draw for one step; ``labels (b)`` are those of the real batch, which the generated one shares.

    ``ahead`` is :func:`draw_ahead` of the same step, on ``device``; where it is None it is drawn here. The penalty's
    noise is drawn on the device: it is as large as the clips, and would take longer to bring there than to draw.
    """
    if ahead is None:
        ahead = Packed(draw_ahead(config, generator, step, rank=rank), pinned=device.type == "cuda").to(device)
    updates = Updates(
        generator=step % config.adversarial.generator_interval == 0,
        encoder=step % config.encoder.interval == 0,
        penalise=isinstance(config.penalty, Penalty) and step % config.penalty.interval == 0,
    )
    shown_steps = generator.context_steps + config.data.num_frames // generator.frames_per_step
    return StepDraws(
        Latents(ahead.content_noise, ahead.motion_noise, labels),
        ahead.motion_noise.shape[1] - 1 - shown_steps,
        ahead.frame_order,
        ahead.shifts,
        ahead.real_augmentation,
        ahead.fake_augmentation,
        draw_penalty_noise(config, device, position_seed(config.train.seed, step, rank, 1), config.size_at(step)),
        updates,
        ahead.mirrored,
        ahead.penalty_share,
        ahead.discriminator_shares,
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
