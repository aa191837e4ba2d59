"""Settings of what is minimised, and how: adversarial loss, gradient penalty, augmentation, Adam."""

from typing import Annotated, Literal

from pydantic import Field

from videogan.config.group import Group

LOSSES_WITH_LABELS = ("non-saturating", "least-squares")
"""Adversarial losses that compare a logit with a label, which can be smoothed."""


class AdversarialConfig(Group):
    """The adversarial loss and the class terms beside it."""

    kind: Literal["relativistic", "non-saturating", "hinge", "least-squares", "wasserstein"] = "relativistic"
    real_label: Annotated[float, Field(gt=0.5, le=1, description="below 1 smooths the label of real clips")] = 1.0
    fake_label: Annotated[float, Field(ge=0, lt=0.5, description="above 0 smooths that of generated clips")] = 0.0
    auxiliary_weight: Annotated[float, Field(ge=0, description="weight of the classifier's loss on real clips")] = 1.0
    generator_auxiliary_weight: Annotated[
        float, Field(ge=0, description="weight of the classifier's loss on generated clips, for the generator")
    ] = 0.1
    centring_weight: Annotated[float, Field(ge=0, description="weight of the squared mean logit")] = 0.01
    generator_interval: Annotated[
        int, Field(ge=1, description="the generator is trained every so many steps, the discriminators in each")
    ] = 1


class Penalty(Group):
    """What every gradient penalty has: a share of the batch, and an interval in steps."""

    share: Annotated[float, Field(gt=0, le=1, description="share of the batch that is penalised")] = 0.25
    interval: Annotated[int, Field(ge=1, description="penalise every so many steps, so many times as strongly")] = 1


class SlopePenalty(Penalty):
    """R1 and R2: the squared gradient at real and at generated clips.

    With ``scale`` relative a weight means the same for every data set: it is multiplied by the variance of the clips
    and by their number of values, both in units of those of the set that the default was found on.
    """

    r1_weight: Annotated[float, Field(ge=0)] = 1.0
    r2_weight: Annotated[float, Field(ge=0)] = 1.0
    scale: Literal["relative", "absolute"] = "relative"


class FiniteDifferencePenalty(SlopePenalty):
    """R1 and R2 by finite differences: one more forward pass, no double backward."""

    kind: Literal["finite-difference"] = "finite-difference"
    sigma: Annotated[
        float, Field(gt=0, le=2, description="standard deviation of the perturbation, in units of [-1, 1]")
    ] = 0.03


class ExactPenalty(SlopePenalty):
    """R1 and R2 by double backward: exact, slow, not compiled."""

    kind: Literal["exact"] = "exact"


class WassersteinPenalty(Penalty):
    """WGAN-GP: the gradient between real and generated clips is drawn to length one, by double backward."""

    kind: Literal["wgan-gp"] = "wgan-gp"
    weight: Annotated[float, Field(ge=0)] = 10.0


class NoPenalty(Group):
    """No gradient penalty."""

    kind: Literal["none"] = "none"


PenaltyConfig = Annotated[
    FiniteDifferencePenalty | ExactPenalty | WassersteinPenalty | NoPenalty, Field(discriminator="kind")
]


class AugmentConfig(Group):
    """Augmentation of everything that the discriminators see, one draw per clip."""

    probability: Annotated[float, Field(ge=0, le=1)] = 0.1
    translation: Annotated[float, Field(ge=0, le=0.5, description="largest shift, as a share of the size")] = 0.125
    brightness: Annotated[float, Field(ge=0, le=1)] = 0.2
    saturation: Annotated[float, Field(ge=0, le=1)] = 0.3
    contrast: Annotated[float, Field(ge=0, le=1)] = 0.2


class OptimizerConfig(Group):
    """Adam, the same for every network."""

    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.0
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.99
    warmup_steps: Annotated[int, Field(ge=0, lt=2**63)] = 50
    decay_steps: Annotated[
        int, Field(ge=0, lt=2**63, description="after so many steps the rate falls as 1 / sqrt(step); 0: it stays")
    ] = 500
    clip_norm: Annotated[float, Field(gt=0, description="largest gradient norm of a network")] = 5.0
