"""One training step: the two adversarial updates, and the encoder's beside them.

Clips are ``b t c h w`` in [-1, 1]. A step knows nothing of logging, files or schedules.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from videogan.config import Config, WassersteinPenalty
from videogan.losses.adversarial import adversarial_loss, centring, wasserstein_distance
from videogan.losses.auxiliary import auxiliary_loss
from videogan.models.generator import Generated
from videogan.training.augment import augment
from videogan.training.distributed import average_gradients
from videogan.training.draws import StepDraws
from videogan.training.encoder_terms import encoder_losses, keep_share_of_gradients, visible_codes
from videogan.training.judging import Evidence, Networks, judge, judge_together
from videogan.training.penalties import penalty_terms, perturbed

Losses = dict[str, Tensor]


class Optimizers(NamedTuple):
    """One optimizer for the generator, one for all discriminators, one for the encoder."""

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
    precision = torch.autocast(real.device.type, torch.bfloat16, enabled=config.train.precision == "bfloat16")
    clip_norm = config.optimizer.clip_norm
    with precision:
        fake = networks.generator(draws.latents, burn_in=draws.burn_in)
        evidence = gather(networks, real, fake, labels, draws)
        losses, real_logits, observed = discriminator_losses(networks, *evidence, draws, config)
    optimizers.discriminators.zero_grad(set_to_none=True)
    update(optimizers.discriminators, losses, clip_norm)
    optimizers.generator.zero_grad(set_to_none=True)
    optimizers.encoder.zero_grad(set_to_none=True)

    # The encoder's terms and the generator's gather on the frames; one backward pass takes the sum to the generator.
    shown = fake._replace(frames=fake.frames.detach().requires_grad_())
    with frozen(*networks.discriminators()):
        if draws.train_encoder:
            with precision:
                encoder_terms = encoder_losses(networks, Evidence(real, labels, draws.frames), shown, config)
            if encoder_terms:
                update(optimizers.encoder, encoder_terms, clip_norm)
                keep_share_of_gradients(
                    [*networks.generator.parameters(), shown.frames], config.encoder.generator_weight
                )
            losses |= encoder_terms
        if draws.train_generator:
            with precision:
                generator_terms = generator_losses(networks, real_logits, shown, labels, draws, config)
            update(optimizers.generator, generator_terms, clip_norm, through=(fake.frames, shown.frames))
            losses |= generator_terms
    return losses | observed


def gather(
    networks: Networks, real: Tensor, fake: Generated, labels: Tensor | None, draws: StepDraws
) -> tuple[Evidence, Evidence]:
    """Return what the discriminators are shown: real and generated clips, augmented, and the codes behind them."""
    real_codes = fake_codes = None
    if networks.joint_discriminator is not None:
        with torch.no_grad():
            real_codes = networks.encoder(real)
        fake_codes = visible_codes(fake, real.shape[1], networks.generator.frames_per_step)
    made = augment(fake.frames.detach(), draws.fake_augmentation)
    return (
        Evidence(augment(real, draws.real_augmentation), labels, draws.frames, real_codes),
        Evidence(made, labels, draws.frames, fake_codes),
    )


def discriminator_losses(
    networks: Networks, real: Evidence, fake: Evidence, draws: StepDraws, config: Config
) -> tuple[Losses, dict[str, Tensor], Losses]:
    """Return the discriminators' terms, the logits that each gives the real clips, and what is only observed.

    Real, generated and perturbed clips are judged in one pass. The logits are detached. A Wasserstein distance is
    observed where the critics are held to a slope of one.
    """
    judgements = judge_together(networks, [real, fake, *perturbed(real, fake, draws, config)])
    chosen = config.adversarial
    game = adversarial_loss(chosen.kind, real_label=chosen.real_label, fake_label=chosen.fake_label)
    losses: Losses = {}
    observed: Losses = {}
    for name, (of_real, of_fake, *_) in judgements.items():
        logits = of_real.logits, of_fake.logits
        losses[f"{name}_loss"] = game.discriminator(*logits)
        losses[f"{name}_centring"] = chosen.centring_weight * centring(*logits)
        if real.labels is not None and of_real.class_logits is not None:
            losses[f"{name}_auxiliary"] = chosen.auxiliary_weight * _auxiliary(of_real.class_logits, real.labels)
        if chosen.kind == "wasserstein" and isinstance(config.penalty, WassersteinPenalty):
            observed[f"{name}_wasserstein_distance"] = wasserstein_distance(*logits).detach()
    losses |= penalty_terms(networks, real, fake, judgements, draws, config)
    return losses, {name: parts[0].logits.detach() for name, parts in judgements.items()}, observed


def generator_losses(
    networks: Networks,
    real_logits: dict[str, Tensor],
    fake: Generated,
    labels: Tensor | None,
    draws: StepDraws,
    config: Config,
) -> Losses:
    """Return the generator's terms: to be judged real, and recognised as its class."""
    chosen = config.adversarial
    game = adversarial_loss(chosen.kind)
    codes = None
    if networks.joint_discriminator is not None:
        codes = visible_codes(fake, fake.frames.shape[1], networks.generator.frames_per_step)
    evidence = Evidence(augment(fake.frames, draws.fake_augmentation), labels, draws.frames, codes)
    losses: Losses = {}
    for name, judgement in judge(networks, evidence).items():
        weight = config.joint_discriminator.weight if name == "joint" else 1.0
        losses[f"generator_{name}"] = weight * game.generator(real_logits[name], judgement.logits)
        if labels is not None and judgement.class_logits is not None:
            losses[f"generator_{name}_auxiliary"] = chosen.generator_auxiliary_weight * _auxiliary(
                judgement.class_logits, labels
            )
    return losses


def _auxiliary(class_logits: Tensor, labels: Tensor) -> Tensor:
    return auxiliary_loss(class_logits, labels.repeat_interleave(len(class_logits) // len(labels)))


def update(
    optimizer: torch.optim.Optimizer,
    losses: Losses,
    clip_norm: float,
    *,
    through: tuple[Tensor, Tensor] | None = None,
) -> None:
    """Step down the gradient of the sum of some losses and of what has gathered before, its norm limited.

    Where the losses saw a detached copy of what a network made, ``through`` is the original and that copy.
    """
    torch.stack(list(losses.values())).sum().backward()
    if through is not None:
        made, copy = through
        made.backward(copy.grad)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    average_gradients(parameters)
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
