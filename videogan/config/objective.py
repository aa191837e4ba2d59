"""Settings of what is minimised, and how: adversarial loss, gradient penalty, augmentation, Adam."""

from typing import Annotated, Literal

from pydantic import Field

from videogan.config.group import Group

LOSSES_WITH_LABELS = ("non-saturating", "least-squares")
"""Adversarial losses that compare a logit with a label, which can be smoothed."""


class AdversarialConfig(Group):
    """The adversarial loss and the class terms beside it."""

    kind: Literal["relativistic", "non-saturating", "hinge", "least-squares", "wasserstein"] = "relativistic"
    """The adversarial loss."""
    real_label: Annotated[float, Field(gt=0.5, le=1)] = 1.0
    """Below 1 smooths the label of real clips."""
    fake_label: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """Above 0 smooths that of generated clips."""
    auxiliary_weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the classifier's loss on real clips."""
    generator_auxiliary_weight: Annotated[float, Field(ge=0)] = 0.1
    """Weight of the classifier's loss on generated clips, for the generator."""
    centring_weight: Annotated[float, Field(ge=0)] = 0.01
    """Weight of the squared mean logit."""
    generator_interval: Annotated[int, Field(ge=1)] = 1
    """The generator is trained every so many steps, the discriminators in each."""


class Penalty(Group):
    """What every gradient penalty has: a share of the batch, and an interval in steps."""

    share: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Share of the batch that is penalised."""
    interval: Annotated[int, Field(ge=1)] = 1
    """Penalise every so many steps, so many times as strongly."""


class SlopePenalty(Penalty):
    """R1 and R2: the squared gradient at real and at generated clips.

    With ``scale`` relative a weight means the same for every data set: it is multiplied by the variance of the clips
    and by their number of values, both in units of those of the set that the default was found on.
    """

    r1_weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the squared gradient at real clips."""
    r2_weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the squared gradient at generated clips."""
    scale: Literal["relative", "absolute"] = "relative"
    """Whether a weight is scaled by the variance and the size of the clips."""
    decay_steps: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """After so many steps the weights fall as 1 / step, to a tenth; 0: they stay."""


class FiniteDifferencePenalty(SlopePenalty):
    """R1 and R2 by finite differences: one more forward pass, no double backward."""

    kind: Literal["finite-difference"] = "finite-difference"
    """R1 and R2 by one more forward pass, without double backward."""
    sigma: Annotated[float, Field(gt=0, le=2)] = 0.03
    """Standard deviation of the perturbation, in units of [-1, 1]."""


class ExactPenalty(SlopePenalty):
    """R1 and R2 by double backward: exact, slow, not compiled."""

    kind: Literal["exact"] = "exact"
    """R1 and R2 by double backward, which is slow."""


class WassersteinPenalty(Penalty):
    """WGAN-GP: the gradient between real and generated clips is drawn to length one, by double backward."""

    kind: Literal["wgan-gp"] = "wgan-gp"
    """The gradient between real and generated clips is drawn to length 1."""
    weight: Annotated[float, Field(ge=0)] = 10.0
    """Weight of the squared distance of the gradient's length from 1."""


class NoPenalty(Group):
    """No gradient penalty."""

    kind: Literal["none"] = "none"
    """No penalty."""


PenaltyConfig = Annotated[
    FiniteDifferencePenalty | ExactPenalty | WassersteinPenalty | NoPenalty, Field(discriminator="kind")
]


class AugmentConfig(Group):
    """Augmentation of everything that the discriminators see, one draw per clip."""

    probability: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the clips that are changed at all."""
    translation: Annotated[float, Field(ge=0, le=0.5)] = 0.125
    """Largest shift, as a share of the size."""
    brightness: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Largest change of brightness, in units of [-1, 1]."""
    saturation: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Largest change of saturation, as a share of it."""
    contrast: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Largest change of contrast, as a share of it."""


class OptimizerConfig(Group):
    """Adam, the same for every network."""

    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Step size of Adam, after its warm-up and before its decay."""
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay of the mean of gradients."""
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.99
    """Decay of the mean of squared gradients."""
    warmup_steps: Annotated[int, Field(ge=0, lt=2**63)] = 50
    """Steps in which the learning rate grows from 0."""
    decay_steps: Annotated[int, Field(ge=0, lt=2**63)] = 500
    """After so many steps the rate falls as 1 / sqrt(step); 0: it stays."""
    clip_norm: Annotated[float, Field(gt=0)] = 5.0
    """Largest gradient norm of a network."""
