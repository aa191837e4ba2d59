"""One training step: the two adversarial updates, and the encoder's beside them.

Clips are ``b t c h w`` in [-1, 1]. A step knows nothing of logging, files or schedules.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from videogan.config import AdversarialConfig, Config, ExactPenalty, FiniteDifferencePenalty
from videogan.losses.adversarial import adversarial_loss, centring
from videogan.losses.auxiliary import auxiliary_loss
from videogan.losses.gradient_penalty import exact_penalty, finite_difference_penalty, perturb
from videogan.losses.reconstruction import latent_cycle_loss, reconstruction_loss
from videogan.models.clip_discriminator import ClipDiscriminator
from videogan.models.encoder import Encoder
from videogan.models.frame_discriminator import FrameDiscriminator
from videogan.models.generator import Generated, Generator
from videogan.models.heads import Judgement
from videogan.training.augment import augment
from videogan.training.draws import StepDraws

Losses = dict[str, Tensor]


class Networks(NamedTuple):
    """The networks of a run; ``ema_generator`` averages ``generator`` and is what samples are made with."""

    generator: Generator
    ema_generator: Generator
    frame_discriminator: FrameDiscriminator
    clip_discriminator: ClipDiscriminator
    encoder: Encoder


class Optimizers(NamedTuple):
    """One optimizer for the generator, one for both discriminators, one for the encoder."""

    generator: torch.optim.Optimizer
    discriminators: torch.optim.Optimizer
    encoder: torch.optim.Optimizer


def train_step(
    networks: Networks, optimizers: Optimizers, real: Tensor, labels: Tensor | None, draws: StepDraws, config: Config
) -> Losses:
    """Update every network once on the clips ``real (b t c h w)`` of classes ``labels (b)``; return named scalars.

    The generated batch is made once: the discriminators see it detached, the generator's update goes through the
    discriminators as they have become. Real clips are judged once too: the generator's loss compares with what the
    discriminators said of them before their update.
    """
    device = real.device.type
    precision = torch.autocast(device, torch.bfloat16, enabled=config.train.precision == "bfloat16")
    with precision:
        fake = networks.generator(draws.latents, burn_in=draws.burn_in)
        losses, real_logits = discriminator_losses(networks, real, fake.frames.detach(), labels, draws, config)
    update(optimizers.discriminators, losses, config.optimizer.clip_norm)

    with precision, frozen(networks.frame_discriminator, networks.clip_discriminator):
        generator_terms = generator_losses(networks, real_logits, fake.frames, labels, draws, config.adversarial)
    update(optimizers.generator, generator_terms, config.optimizer.clip_norm)
    losses |= generator_terms

    if draws.train_encoder:
        with precision:
            encoder_terms = encoder_losses(networks, real, fake, labels, config)
        update(optimizers.encoder, encoder_terms, config.optimizer.clip_norm)
        losses |= encoder_terms
    return losses


def discriminator_losses(
    networks: Networks, real: Tensor, fake: Tensor, labels: Tensor | None, draws: StepDraws, config: Config
) -> tuple[Losses, dict[str, Tensor]]:
    """Return the terms of both discriminators, and the logits that each gives the real clips, detached.

    Real, generated and perturbed clips are judged in one pass.
    """
    real, fake = augment(real, draws.real_augmentation), augment(fake, draws.fake_augmentation)
    penalty = config.penalty
    clips, counts = [real, fake], [len(real), len(fake)]
    if isinstance(penalty, FiniteDifferencePenalty):
        few = max(1, round(len(real) * penalty.share))
        clips += [perturb(x[:few], penalty.sigma, draws.noise) for x in (real, fake)]
        counts += [few, few]
    all_labels = None if labels is None else torch.cat([labels[:count] for count in counts])
    all_frames = torch.cat([draws.frames[:count] for count in counts])

    chosen = config.adversarial
    game = adversarial_loss(chosen.kind, real_label=chosen.real_label, fake_label=chosen.fake_label)
    losses: Losses = {}
    real_logits: dict[str, Tensor] = {}
    for name, judgement in judge(networks, torch.cat(clips), all_labels, all_frames):
        per_clip = len(judgement.logits) // sum(counts)
        parts = judgement.logits.split([count * per_clip for count in counts])
        real_logits[name] = parts[0].detach()
        losses[f"{name}_loss"] = game.discriminator(parts[0], parts[1])
        losses[f"{name}_centring"] = centring(parts[0], parts[1]) * config.adversarial.centring_weight
        if labels is not None and judgement.class_logits is not None:
            real_labels = labels.repeat_interleave(per_clip)
            losses[f"{name}_auxiliary"] = config.adversarial.auxiliary_weight * auxiliary_loss(
                judgement.class_logits[: len(real_labels)], real_labels
            )
        if isinstance(penalty, FiniteDifferencePenalty):
            few = len(parts[2])
            r1 = finite_difference_penalty(parts[0][:few], parts[2], penalty.sigma)
            r2 = finite_difference_penalty(parts[1][:few], parts[3], penalty.sigma)
            losses[f"{name}_r1"], losses[f"{name}_r2"] = penalty.r1_weight / 2 * r1, penalty.r2_weight / 2 * r2
    if isinstance(penalty, ExactPenalty):
        losses |= exact_penalties(networks, real, fake, labels, draws.frames, penalty)
    return losses, real_logits


def generator_losses(
    networks: Networks,
    real_logits: dict[str, Tensor],
    fake: Tensor,
    labels: Tensor | None,
    draws: StepDraws,
    config: AdversarialConfig,
) -> Losses:
    """Return the generator's terms: to be judged real, and recognised as its class."""
    losses: Losses = {}
    for name, judgement in judge(networks, augment(fake, draws.fake_augmentation), labels, draws.frames):
        generator_loss = adversarial_loss(config.kind).generator
        losses[f"generator_{name}"] = generator_loss(real_logits[name], judgement.logits)
        if labels is not None and judgement.class_logits is not None:
            per_clip = len(judgement.logits) // len(labels)
            losses[f"generator_{name}_auxiliary"] = config.auxiliary_weight * auxiliary_loss(
                judgement.class_logits, labels.repeat_interleave(per_clip)
            )
    return losses


def encoder_losses(networks: Networks, real: Tensor, fake: Generated, labels: Tensor | None, config: Config) -> Losses:
    """Return reconstruction G(E(x)) ~ x and latent cycle E(G(z)) ~ z; neither reaches the generator."""
    few = max(1, round(len(real) * config.encoder.share))
    codes = networks.encoder(torch.cat([real[:few], fake.frames[:few].detach()]))
    content, motion_codes = codes.content[few:], codes.motion_codes[few:]
    visible = fake.motion_codes[:few, -motion_codes.shape[1] :]
    generator = networks.ema_generator
    reconstructed = generator.reconstruct(
        codes.content[:few], codes.motion_codes[:few], labels if labels is None else labels[:few]
    )
    return {
        "reconstruction": config.encoder.reconstruction_weight * reconstruction_loss(real[:few], reconstructed),
        "content_cycle": config.encoder.latent_cycle_weight * latent_cycle_loss(fake.content[:few].detach(), content),
        "motion_cycle": config.encoder.latent_cycle_weight * latent_cycle_loss(visible.detach(), motion_codes),
    }


def exact_penalties(
    networks: Networks, real: Tensor, fake: Tensor, labels: Tensor | None, frames: Tensor, penalty: ExactPenalty
) -> Losses:
    """Return R1 and R2 of both discriminators by double backward, on a share of the batch."""
    few = max(1, round(len(real) * penalty.share))
    few_labels = None if labels is None else labels[:few]
    losses: Losses = {}
    for kind, weight, clips in (("r1", penalty.r1_weight, real), ("r2", penalty.r2_weight, fake)):
        inputs = clips[:few].detach().requires_grad_()
        for name, judgement in judge(networks, inputs, few_labels, frames[:few]):
            losses[f"{name}_{kind}"] = weight / 2 * exact_penalty(judgement.logits, inputs)
    return losses


def judge(networks: Networks, clips: Tensor, labels: Tensor | None, frames: Tensor) -> list[tuple[str, Judgement]]:
    """Ask both discriminators: the frame discriminator about ``frames (b k)`` of each clip, the clip one about all."""
    rows = torch.arange(len(clips), device=clips.device)[:, None]
    chosen = rearrange(clips[rows, frames], "b k c h w -> (b k) c h w")
    frame_labels = None if labels is None else repeat(labels, "b -> (b k)", k=frames.shape[1])
    return [
        ("frame", networks.frame_discriminator(chosen, frame_labels)),
        ("clip", networks.clip_discriminator(clips, labels)),
    ]


def update(optimizer: torch.optim.Optimizer, losses: Losses, clip_norm: float) -> None:
    """Step down the gradient of the sum of some losses, its norm limited to ``clip_norm``."""
    optimizer.zero_grad(set_to_none=True)
    torch.stack(list(losses.values())).sum().backward()
    parameters = (parameter for group in optimizer.param_groups for parameter in group["params"])
    torch.nn.utils.clip_grad_norm_(parameters, clip_norm)
    optimizer.step()


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Let gradients pass through modules without computing those of their parameters."""
    _require_gradients(modules, required=False)
    try:
        yield
    finally:
        _require_gradients(modules, required=True)


def _require_gradients(modules: Iterable[nn.Module], *, required: bool) -> None:
    for module in modules:
        module.requires_grad_(required)
