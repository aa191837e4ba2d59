"""The configuration: pydantic models that are at once the schema, the defaults and the file format.

Pure data: this module imports nothing of the project, so that every layer may name its types. Values come from three
levels, the later winning: the defaults below, a preset (or a run's ``config.json``), and ``--set group.key=value``;
:mod:`videogan.presets` puts them together.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

FRAMES_PER_STEP = 4
"""Frames that one latent step of the generator stands for."""


LOSSES_WITH_LABELS = ("non-saturating", "least-squares")
"""Adversarial losses that compare a logit with a label, which can be smoothed."""

Normalisation = Literal["none", "batch", "spectral", "rms"]
"""What a network does to its features (batch, rms) or to its weights (spectral)."""


class Group(BaseModel):
    """Base of every group: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataConfig(Group):
    """Which clips are cut from the videos, and how they are stored."""

    size: Annotated[int, Field(ge=32, le=512, description="height and width of a training frame, in pixels")] = 32
    num_frames: Annotated[int, Field(ge=4, multiple_of=FRAMES_PER_STEP, description="frames in a clip")] = 16
    frame_stride: Annotated[int, Field(ge=1, description="step between the frames of a clip")] = 1
    frame_rate: Annotated[float, Field(gt=0)] | None = None
    fit: Literal["crop", "letterbox"] = "crop"
    short: Literal["repeat-last", "bounce", "skip"] = "repeat-last"
    labels: Literal["folders", "none"] = "folders"
    class_balanced: bool = True
    mirror: bool = False
    cache_dir: str | None = None
    cache_limit_gb: Annotated[float, Field(gt=0)] = 20.0
    max_bad_share: Annotated[float, Field(ge=0, le=1)] = 0.5

    @field_validator("size")
    @classmethod
    def _size_is_a_power_of_two(cls, size: int) -> int:
        if size & (size - 1):
            raise ValueError("must be 32, 64, 128, 256 or 512")
        return size


class GeneratorConfig(Group):
    """The arguments of :class:`videogan.models.generator.Generator`, which explains them."""

    channels: Annotated[tuple[int, ...], Field(min_length=3)] = (128, 96, 48)
    content_dim: Annotated[int, Field(ge=1)] = 16
    class_dim: Annotated[int, Field(ge=1)] = 32
    noise_dim: Annotated[int, Field(ge=1)] = 8
    motion_dim: Annotated[int, Field(ge=1)] = 128
    hidden_dim: Annotated[int, Field(ge=1)] = 256
    max_half_life: Annotated[float, Field(description="0, or 1 and above")] = 32.0
    dense_until: Annotated[int, Field(ge=4)] = 16
    subpixel: Literal[1, 2] = 2
    prior: Literal["uniform", "normal"] = "uniform"
    normalisation: Normalisation = "none"

    @field_validator("max_half_life")
    @classmethod
    def _half_life_is_off_or_a_step(cls, steps: float) -> float:
        if steps != 0 and steps < 1:
            raise ValueError("must be 0 (white noise) or at least 1 latent step")
        return steps


class FrameDiscriminatorConfig(Group):
    """The frame discriminator: 2D, ``num_frames`` random frames of each clip at full resolution."""

    channels: tuple[int, ...] = (24, 48, 96, 128)
    num_frames: Annotated[int, Field(ge=1)] = 2
    normalisation: Normalisation = "none"


class ClipDiscriminatorConfig(Group):
    """The clip discriminator: 3D, the whole clip at half resolution."""

    channels: tuple[int, ...] = (24, 48, 96)
    normalisation: Normalisation = "none"


class JointDiscriminatorConfig(Group):
    """The optional judge of pairs (clip, codes), as wide as the clip discriminator; none where its weight is 0."""

    weight: Annotated[float, Field(ge=0, description="weight of its judgement for generator and encoder")] = 0.0


class EncoderConfig(Group):
    """The encoder and its terms: reconstruction and clip cycle G(E(x)) ~ x, latent cycle E(G(z)) ~ z."""

    channels: tuple[int, ...] = (24, 48, 96)
    interval: Annotated[int, Field(ge=1, description="the encoder is trained every so many steps")] = 1
    reconstruction: Literal["l1", "l2", "both"] = "both"
    reconstruction_weight: Annotated[float, Field(ge=0, description="pixels of real clips")] = 3.0
    feature_weight: Annotated[float, Field(ge=0, description="what the discriminators see in real clips")] = 0.1
    clip_cycle_weight: Annotated[float, Field(ge=0, description="pixels of generated clips")] = 0.0
    latent_cycle_weight: Annotated[float, Field(ge=0, description="codes of generated clips")] = 1.0
    generator_weight: Annotated[float, Field(ge=0, description="how much of these terms reaches the generator")] = 1.0
    share: Annotated[float, Field(gt=0, le=1, description="share of the batch that trains the encoder")] = 0.25


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

    r1_weight: Annotated[float, Field(ge=0)] = 3.0
    r2_weight: Annotated[float, Field(ge=0)] = 3.0
    scale: Literal["relative", "absolute"] = "relative"


class FiniteDifferencePenalty(SlopePenalty):
    """R1 and R2 by finite differences: one more forward pass, no double backward."""

    kind: Literal["finite-difference"] = "finite-difference"
    sigma: Annotated[float, Field(gt=0, description="standard deviation of the perturbation, in units of [-1, 1]")] = (
        0.03
    )


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
    warmup_steps: Annotated[int, Field(ge=0)] = 50
    decay_steps: Annotated[
        int, Field(ge=0, description="after so many steps the rate falls as 1 / sqrt(step); 0: it stays")
    ] = 500
    clip_norm: Annotated[float, Field(gt=0, description="largest gradient norm of a network")] = 5.0


class TrainConfig(Group):
    """The training run."""

    seed: Annotated[int, Field(ge=0)] = 0
    batch_size: Annotated[int, Field(ge=2)] = 16
    steps: Annotated[int, Field(ge=1, description="steps in all")] = 6_000
    tick_steps: Annotated[int, Field(ge=1, description="steps between two checkpoints, previews and log rows")] = 250
    min_burn_in: Annotated[
        int, Field(ge=0, description="latent steps of dynamics before a training clip, at least")
    ] = 4
    max_burn_in: Annotated[int, Field(ge=0)] = 32
    ema_half_life: Annotated[float, Field(gt=0, description="in clips")] = 5_000
    ema_ramp: Annotated[float, Field(gt=0, description="largest half-life, as a share of the clips seen so far")] = 0.1
    device: str = "auto"
    threads: Annotated[int, Field(ge=1, description="CPU threads")] | Literal["auto"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: Literal["auto", "always", "never"] = "auto"
    keep: Annotated[int, Field(ge=1, description="checkpoints that are kept")] = 2

    @model_validator(mode="after")
    def _burn_in_is_a_range(self) -> "TrainConfig":
        if self.max_burn_in < self.min_burn_in:
            raise ValueError(f"max_burn_in {self.max_burn_in} is below min_burn_in {self.min_burn_in}")
        return self


class EvaluateConfig(Group):
    """Evaluation at ticks of training; the checkpoint with the lowest kernel distance is kept."""

    every: Annotated[int, Field(ge=0, description="steps between two evaluations; 0 is never")] = 0
    clips: Annotated[int, Field(ge=2)] = 256
    features: Literal["efficientnet-lite0", "pixels-16"] = "efficientnet-lite0"


class Config(Group):
    """A whole run. ``Config()`` is the ``cpu`` preset."""

    version: Literal[1] = 1
    preset: str = "cpu"
    data: DataConfig = DataConfig()
    generator: GeneratorConfig = GeneratorConfig()
    frame_discriminator: FrameDiscriminatorConfig = FrameDiscriminatorConfig()
    clip_discriminator: ClipDiscriminatorConfig = ClipDiscriminatorConfig()
    joint_discriminator: JointDiscriminatorConfig = JointDiscriminatorConfig()
    encoder: EncoderConfig = EncoderConfig()
    adversarial: AdversarialConfig = AdversarialConfig()
    penalty: PenaltyConfig = FiniteDifferencePenalty()
    augment: AugmentConfig = AugmentConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    train: TrainConfig = TrainConfig()
    evaluate: EvaluateConfig = EvaluateConfig()

    @property
    def double_backward(self) -> bool:
        """Tell whether the penalty differentiates gradients, which cannot be compiled."""
        return isinstance(self.penalty, ExactPenalty | WassersteinPenalty)

    @model_validator(mode="after")
    def _only_labels_are_smoothed(self) -> "Config":
        game = self.adversarial
        if (game.real_label, game.fake_label) != (1.0, 0.0) and game.kind not in LOSSES_WITH_LABELS:
            raise ValueError(
                f"adversarial.real_label and fake_label smooth labels, and the {game.kind} loss has none; set "
                f"adversarial.kind to one of {', '.join(LOSSES_WITH_LABELS)}"
            )
        return self

    @model_validator(mode="after")
    def _penalised_samples_are_apart(self) -> "Config":
        batch = "batch" in (self.frame_discriminator.normalisation, self.clip_discriminator.normalisation)
        if batch and not isinstance(self.penalty, NoPenalty):
            raise ValueError(
                "batch normalisation of a discriminator mixes the clips of a batch, so that a clip has no gradient of "
                "its own to penalise; set penalty.kind=none, or another normalisation"
            )
        return self

    @model_validator(mode="after")
    def _networks_fit_the_size(self) -> "Config":
        stages = {
            "generator.channels": (len(self.generator.channels), self.data.size // (4 * self.generator.subpixel)),
            "frame_discriminator.channels": (len(self.frame_discriminator.channels), self.data.size // 4),
            "clip_discriminator.channels": (len(self.clip_discriminator.channels), self.data.size // 8),
            "encoder.channels": (len(self.encoder.channels), self.data.size // 8),
        }
        for key, (given, ratio) in stages.items():
            if given != ratio.bit_length():
                raise ValueError(
                    f"{key} needs {ratio.bit_length()} entries for data.size={self.data.size}, not {given}"
                )
        if self.frame_discriminator.num_frames > self.data.num_frames:
            raise ValueError("frame_discriminator.num_frames is more than data.num_frames")
        return self
