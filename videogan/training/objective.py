"""What the discriminators and the generator minimise: terms that are weighed already, to be summed."""

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from videogan.config import (
    AdversarialConfig,
    FiniteDifferencePenalty,
    Penalty,
    PenaltyConfig,
    WassersteinPenalty,
)
from videogan.losses.adversarial import adversarial_loss, auxiliary_loss, centring, wasserstein_distance
from videogan.losses.gradient_penalty import (
    between,
    exact_penalty,
    finite_difference,
    perturb,
    relative_scale,
    wasserstein_penalty,
)
from videogan.models.discriminator import Discriminator, DiscriminatorInput, DiscriminatorOutput
from videogan.training.draws import penalised

Losses = dict[str, Tensor]
Discriminators = Mapping[str, Discriminator]


class StepOutputs(NamedTuple):
    """What one discriminator says of a step's batches; the perturbed clips are the first few of each, if any."""

    real: DiscriminatorOutput
    fake: DiscriminatorOutput
    perturbed_real: DiscriminatorOutput | None = None
    perturbed_fake: DiscriminatorOutput | None = None


def discriminator_losses(
    discriminators: Discriminators,
    real: DiscriminatorInput,
    fake: DiscriminatorInput,
    adversarial: AdversarialConfig,
    penalty: PenaltyConfig | None,
    noise: Tensor | None,
    penalty_share: Tensor | float = 1.0,
) -> tuple[Losses, Losses, dict[str, Tensor]]:
    """Return the discriminators' terms, what is only observed, and by name the logits of the real clips.

    Observed and logits are detached. ``penalty`` is None in a step without one; ``noise`` is the penalty's
    (:func:`videogan.training.draws.draw_penalty_noise`), ``penalty_share ()`` the share of R1's and R2's weights.
    """
    batches = [real, fake]
    if isinstance(penalty, FiniteDifferencePenalty):
        assert noise is not None
        batches += [_perturbed(part, penalty.sigma, own) for part, own in zip((real, fake), noise, strict=True)]
    outputs = judge(discriminators, batches)
    loss = adversarial_loss(adversarial.kind, real_label=adversarial.real_label, fake_label=adversarial.fake_label)
    losses: Losses = {}
    observed: Losses = {}
    for name, output in outputs.items():
        logits = output.real.logits, output.fake.logits
        losses[f"{name}_loss"] = loss.discriminator(*logits)
        means = [part.mean() for part in logits]
        losses[f"{name}_centring"] = weighed(adversarial.centring_weight, centring(*means))
        if real.labels is not None and output.real.class_logits is not None:
            auxiliary = auxiliary_loss(output.real.class_logits, real.labels)
            losses[f"{name}_auxiliary"] = weighed(adversarial.auxiliary_weight, auxiliary)
        observed[f"{name}_real_logit"], observed[f"{name}_fake_logit"] = (mean.detach() for mean in means)
        if adversarial.kind == "wasserstein" and isinstance(penalty, WassersteinPenalty):
            observed[f"{name}_wasserstein_distance"] = wasserstein_distance(*logits).detach()
    losses |= penalty_losses(discriminators, real, fake, outputs, penalty, noise, penalty_share)
    return losses, observed, {name: output.real.logits.detach() for name, output in outputs.items()}


def generator_losses(
    discriminators: Discriminators,
    fake: DiscriminatorInput,
    real_logits: Mapping[str, Tensor],
    adversarial: AdversarialConfig,
    weights: Mapping[str, float | Tensor],
) -> Losses:
    """Return the generator's terms: its clips should pass for real, and for their class.

    ``real_logits`` are those of the real clips before the discriminators' update; ``weights`` are by discriminator.
    """
    loss = adversarial_loss(adversarial.kind)
    losses: Losses = {}
    for name, discriminator in discriminators.items():
        output: DiscriminatorOutput = discriminator(fake)
        losses[f"generator_{name}"] = weighed(weights[name], loss.generator(real_logits[name], output.logits))
        if fake.labels is not None and output.class_logits is not None:
            auxiliary = auxiliary_loss(output.class_logits, fake.labels)
            losses[f"generator_{name}_auxiliary"] = weighed(adversarial.generator_auxiliary_weight, auxiliary)
    return losses


def weighed(weight: float | Tensor, loss: Tensor) -> Tensor:
    """Return ``weight`` times a loss; at a constant weight of 1 nothing is multiplied, in the gradient neither."""
    return weight * loss if isinstance(weight, Tensor) or weight != 1 else loss


def judge(discriminators: Discriminators, batches: list[DiscriminatorInput]) -> dict[str, StepOutputs]:
    """Ask every discriminator about real, generated and, if given, perturbed clips in one pass.

    Those that are not penalised are asked about the first two. One that would mix them is asked about each batch in a
    pass of its own.
    """
    together, counts = DiscriminatorInput.cat(batches), [len(part.clips) for part in batches]
    outputs = {}
    for name, one in discriminators.items():
        own = counts if one.penalised else counts[:2]
        if one.mixes_samples():
            outputs[name] = StepOutputs(*map(one, batches[: len(own)]))
        else:
            outputs[name] = StepOutputs(*one(together.first(sum(own))).split(own))
    return outputs


def penalty_losses(
    discriminators: Discriminators,
    real: DiscriminatorInput,
    fake: DiscriminatorInput,
    outputs: Mapping[str, StepOutputs],
    penalty: PenaltyConfig | None,
    noise: Tensor | None,
    share: Tensor | float,
) -> Losses:
    """Return the gradient penalty's terms for every discriminator that is penalised, on a share of the batch.

    R1 and R2 count by ``share ()``.
    """
    if not isinstance(penalty, Penalty):
        return {}
    discriminators = {name: one for name, one in discriminators.items() if one.penalised}
    if isinstance(penalty, WassersteinPenalty):
        return _wasserstein_terms(discriminators, real, fake, penalty, noise)
    if isinstance(penalty, FiniteDifferencePenalty):
        r1 = {name: _difference(outputs[name].real, outputs[name].perturbed_real) for name in discriminators}
        r2 = {name: _difference(outputs[name].fake, outputs[name].perturbed_fake) for name in discriminators}
        unit = penalty.sigma**2
    else:
        unit = 1.0
        r1, r2 = (
            _exact_slopes(discriminators, part.first(penalised(penalty, len(real.clips)))) for part in (real, fake)
        )
    # A lazy penalty comes so many times as strongly as it comes rarely.
    scale = penalty.interval / 2 / unit * share
    if penalty.scale == "relative":
        scale = scale * relative_scale(real.clips)
    losses: Losses = {}
    for kind, slopes, weight in (("r1", r1, penalty.r1_weight), ("r2", r2, penalty.r2_weight)):
        weighed = scale * weight
        losses |= {f"{name}_{kind}": weighed * slope for name, slope in slopes.items()}
    return losses


def _perturbed(part: DiscriminatorInput, sigma: float, noise: Tensor) -> DiscriminatorInput:
    """Return as many of the clips, perturbed, as there is noise ``(b t c h w)`` for."""
    some = part.first(len(noise))
    return some._replace(clips=perturb(some.clips, sigma, noise))


def _difference(output: DiscriminatorOutput, perturbed: DiscriminatorOutput | None) -> Tensor:
    assert perturbed is not None
    return finite_difference(output.logits[: len(perturbed.logits)], perturbed.logits)


def _exact_slopes(discriminators: Discriminators, part: DiscriminatorInput) -> Losses:
    clips = part.clips.detach().requires_grad_()
    one = part.one_frame()._replace(clips=clips)
    return {name: exact_penalty(discriminator(one).logits, clips) for name, discriminator in discriminators.items()}


def _wasserstein_terms(
    discriminators: Discriminators,
    real: DiscriminatorInput,
    fake: DiscriminatorInput,
    penalty: WassersteinPenalty,
    noise: Tensor | None,
) -> Losses:
    assert noise is not None
    few = len(noise)
    clips = between(real.clips[:few], fake.clips[:few], noise).detach().requires_grad_()
    one = real.first(few).one_frame()._replace(clips=clips)
    weight = penalty.weight * penalty.interval
    return {
        f"{name}_penalty": weight * wasserstein_penalty(discriminator(one).logits, clips)
        for name, discriminator in discriminators.items()
    }
