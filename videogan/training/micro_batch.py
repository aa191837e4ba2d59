"""The clips of one step that go through the networks at once, and what each network learns from them.

All of a batch where memory suffices, else a share of it; the gradients add up to the same. Clips are ``b t c h w`` in
[-1, 1]. What is minimised stands in ``objective.py`` and ``encoder_objective.py``.
"""

from collections.abc import Mapping
from operator import itemgetter
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from videogan.config import Config
from videogan.models.discriminator import DiscriminatorInput
from videogan.models.dynamics import DynamicsState
from videogan.models.generator import Generated
from videogan.models.latents import content_code
from videogan.training.augment import Draw, augment
from videogan.training.draws import Updates
from videogan.training.encoder_objective import encoder_adversarial_losses, encoder_losses, other_class_losses
from videogan.training.objective import Losses, discriminator_losses, generator_losses
from videogan.training.state import Networks


class StepInput(NamedTuple):
    """All tensors of one step, of the same shapes in each: real clips and their classes, latents, draws.

    ``real (b t c h w)``, ``labels (b)`` or None, ``content_noise (b d)``; ``motion_noise (b s n)`` drives the decoder's
    history and the frames from the dynamics' state ``start``, after the burn-in; the rest as in StepDraws.
    """

    real: Tensor
    labels: Tensor | None
    content_noise: Tensor
    motion_noise: Tensor
    start: DynamicsState
    frame_order: Tensor
    shifts: Tensor
    real_augmentation: Draw
    fake_augmentation: Draw
    noise: Tensor | None
    penalty_share: Tensor
    discriminator_shares: Tensor


class MicroBatch:
    """A share of a step's clips that goes through the networks at once; the whole batch where memory suffices.

    Gradients are added to those of the other shares. ``frames`` are the generated clips as a leaf, on which the
    gradients of encoder and discriminators gather.
    """

    def __init__(self, networks: Networks, x: StepInput, config: Config, count: int) -> None:
        self._networks, self._x, self._config, self._count = networks, x, config, count
        self._weights = {
            name: part.weight * share if part.warmup_steps else part.weight
            for (name, part), share in zip(config.discriminators().items(), x.discriminator_shares, strict=True)
        }
        self._share = len(x.real) * 1.0 / config.train.batch_size if count > 1 else None
        self._real_logits: dict[str, Tensor] = {}
        self.observed: Losses = {}

    def discriminators_learn(self, updates: Updates) -> Losses:
        """Make clips, and add the gradients of what the discriminators lose on them and on the real ones."""
        x, config = self._x, self._config
        with self._autocast():
            self._generated = self._generate()
            self.frames = self._generated.frames.detach().requires_grad_()
            self._real, fake = discriminator_inputs(
                self._networks, x.real, self._generated, x.labels, x.frame_order, x.shifts[:, 0]
            )
            self._fake = fake._replace(clips=self.frames)
            self._augmented = augmented(self._fake, x.fake_augmentation)
            losses, self.observed, self._real_logits = discriminator_losses(
                self._networks.discriminators,
                augmented(self._real, x.real_augmentation),
                self._augmented._replace(clips=self._augmented.clips.detach()),
                config.adversarial,
                config.penalty if updates.penalise else None,
                x.noise,
                x.penalty_share,
            )
        backward(losses, self._share)
        if self._count > 1:
            del self._generated
        return losses

    def encoder_learns(self) -> Losses:
        """Add the gradients of the encoder's terms, if it has any."""
        with self._autocast():
            terms = encoder_step_losses(self._networks, self._real, self._fake, self._config, self._weights)
        if terms:
            backward(terms, self._share)
        return terms

    def generator_learns(self) -> Losses:
        """Add the gradients of the generator's terms, and take all that gathered on the frames to the generator."""
        # Moved otherwise than just now, when the discriminators have learnt these very clips.
        fake = self._augmented._replace(shift=self._x.shifts[:, 1])
        with self._autocast():
            terms = generator_losses(
                self._networks.discriminators,
                fake,
                self._real_logits,
                self._config.adversarial,
                self._weights,
            )
        backward(terms, self._share)
        with self._autocast():
            generated = self._generated if self._count == 1 else self._generate()
        generated.frames.backward(self.frames.grad)
        return terms

    def _generate(self) -> Generated:
        x, generator = self._x, self._networks.generator
        content, size = content_code(x.content_noise, generator.prior), x.real.shape[-1]
        return generator.generate(content, x.labels, x.motion_noise, x.start, size)

    def _autocast(self) -> torch.autocast:
        enabled = self._config.train.precision == "bfloat16"
        return torch.autocast(self._x.real.device.type, torch.bfloat16, enabled=enabled)


def split(x: StepInput, count: int) -> list[StepInput]:
    """Deal a step's clips out, and all that belongs to each, so that the first few of each share are those of all."""
    if count == 1:
        return [x]
    parts = []
    for number in range(count):
        per_clip = x._replace(noise=None, penalty_share=x.real, discriminator_shares=x.real)
        part: StepInput = tree_map_only(Tensor, itemgetter(slice(number, None, count)), per_clip)
        part = part._replace(penalty_share=x.penalty_share, discriminator_shares=x.discriminator_shares)
        if x.noise is not None:
            axis = 0 if x.noise.ndim == 1 else 1
            rows = torch.arange(number % x.noise.shape[axis], x.noise.shape[axis], count, device=x.noise.device)
            part = part._replace(noise=x.noise.index_select(axis, rows))
        parts.append(part)
    return parts


def mean_losses(parts: list[Losses]) -> Losses:
    """Return the means of the micro-batches' losses."""
    if len(parts) == 1:
        return parts[0]
    return {name: torch.stack([part[name].detach() for part in parts]).mean() for name in parts[0]}


def discriminator_inputs(
    networks: Networks,
    real: Tensor,
    generated: Generated,
    labels: Tensor | None,
    frame_order: Tensor,
    shift: Tensor | None = None,
) -> tuple[DiscriminatorInput, DiscriminatorInput]:
    """Return real clips, with the encoder's codes where a discriminator wants some, and generated ones with theirs."""
    real_codes = None
    if networks.use_codes():
        with torch.no_grad():
            real_codes = networks.encoder(real)
    fake_codes = generated.visible(real.shape[1])
    return (
        DiscriminatorInput(real, labels, frame_order, real_codes, shift),
        DiscriminatorInput(generated.frames.detach(), labels, frame_order, fake_codes, shift),
    )


def augmented(x: DiscriminatorInput, draw: Draw) -> DiscriminatorInput:
    """Return the same input with its clips augmented."""
    return x._replace(clips=augment(x.clips, draw))


def encoder_step_losses(
    networks: Networks,
    real: DiscriminatorInput,
    fake: DiscriminatorInput,
    config: Config,
    weights: Mapping[str, float | Tensor],
) -> Losses:
    """Return the encoder's terms on a share of the batch.

    With ``encoder.generator_weight`` 0 they go through the ema_generator and reach the encoder alone.
    """
    few = max(1, round(len(real.clips) * config.encoder.share))
    real, fake = real.first(few), fake.first(few)
    generator = networks.generator
    if not config.encoder.generator_weight:
        generator, fake = networks.ema_generator, fake._replace(clips=fake.clips.detach())
    codes = networks.encoder(torch.cat([real.clips, fake.clips]))
    real, recovered = real._replace(codes=codes.first(few)), codes.last(few)
    encoder, discriminators = networks.encoder, networks.discriminators
    losses = encoder_losses(encoder, generator, discriminators, real, fake, recovered, config.encoder)
    losses |= other_class_losses(encoder, generator, discriminators, real, config, weights)
    return losses | encoder_adversarial_losses(discriminators, real, fake, config.adversarial, weights)


def backward(losses: Losses, share: float | None = None) -> None:
    """Add the gradient of a sum of losses, or a share of it, to what has gathered before."""
    total = torch.stack(list(losses.values())).sum()
    total.backward(None if share is None else torch.full_like(total, share))
