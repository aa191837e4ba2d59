"""Settings of the networks. ``stages(size)`` says how many channel counts frames of that size need."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from videogan.config.group import Group

FRAMES_PER_STEP = 4
"""Frames that one latent step of the generator stands for."""

Channels = Annotated[int, Field(ge=1, le=16_384)]

Normalisation = Literal["none", "batch", "spectral", "rms"]
"""What a network does to its features (batch, rms) or to its weights (spectral)."""


class GeneratorConfig(Group):
    """What the generator is built of."""

    channels: Annotated[tuple[Channels, ...], Field(min_length=3)] = (96, 64, 32, 16)
    """Feature channels at 4, 8, 16, ... pixels, one for each resolution up to ``size / subpixel``."""
    content_dim: Annotated[int, Field(ge=1, le=65_536)] = 64
    """Numbers of the content code, which is fixed for a video."""
    class_dim: Annotated[int, Field(ge=1, le=65_536)] = 32
    """Numbers of a class embedding."""
    noise_dim: Annotated[int, Field(ge=1, le=65_536)] = 8
    """Motion noise per latent step of four frames."""
    motion_dim: Annotated[int, Field(ge=1, le=65_536)] = 128
    """Numbers of a motion code."""
    motion_inputs: Annotated[int, Field(ge=0, le=65_536)] = 16
    """Numbers to which a linear map brings a motion code before the decoder; 0 gives it the whole code."""
    class_scale: Literal["unit-norm", "none"] = "unit-norm"
    """unit-norm divides class embeddings, which begin with variance 1, by the root of their length."""
    content_scale: Literal["unit-variance", "none"] = "unit-variance"
    """unit-variance divides the content code by its prior's standard deviation."""
    hidden_dim: Annotated[int, Field(ge=1, le=65_536)] = 192
    """Width of the layers between codes and the first feature map."""
    max_half_life: float = 32.0
    """Longest half-life of the motion noise, in latent steps: 0 (white noise), or 1 and above."""
    dense_until: Annotated[int, Field(ge=4)] = 8
    """Resolutions up to this one, in pixels, convolve over three frames, larger ones over single frames."""
    place_until: Annotated[int, Field(ge=0)] = 0
    """Resolutions up to this one, in pixels, have a bias for every place, for scenes that stand still; 0: none has."""
    place_lr_multiplier: Annotated[float, Field(gt=0)] = 1.0
    """Those biases learn at this many times the rate of everything else: quick ones learn still pictures by heart."""
    subpixel: Literal[1, 2] = 1
    """1, or 2 for a last doubling of the resolution by sub-pixel convolution (Shi et al. 2016, 3.2), smoothed."""
    prior: Literal["uniform", "normal"] = "uniform"
    """Distribution of the content code."""
    normalisation: Normalisation = "none"
    """What is normalised: nothing, features (batch, rms) or weights (spectral)."""

    @field_validator("max_half_life")
    @classmethod
    def _half_life_is_off_or_a_step(cls, steps: float) -> float:
        if steps != 0 and steps < 1:
            raise ValueError("must be 0 (white noise) or at least 1 latent step")
        return steps

    def stages(self, size: int) -> int:
        """Return how many resolutions there are from 4 pixels up, the last doubling by sub-pixels apart."""
        return (size // (4 * self.subpixel)).bit_length()


class DiscriminatorConfig(Group):
    """What every discriminator has; one whose weight is 0 does not exist."""

    weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of its judgement for generator and encoder; 0: there is no such discriminator."""
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    """Steps in which its weight grows from 0, while it learns already."""


class ConvolutionalDiscriminatorConfig(DiscriminatorConfig):
    """What a discriminator has that is learnt from the pixels on."""

    channels: tuple[Channels, ...] | None = None
    """Feature channels, from the entry on, after each halving of the resolution."""
    normalisation: Normalisation = "none"
    """What is normalised: nothing, features (batch, rms) or weights (spectral)."""

    def stages(self, size: int) -> int:
        """Return how many resolutions there are from half the size down to 4 pixels."""
        return (size // 8).bit_length()


class FrameDiscriminatorConfig(ConvolutionalDiscriminatorConfig):
    """The frame discriminator: 2D, ``num_frames`` random frames of each clip at full resolution."""

    channels: tuple[Channels, ...] = (16, 32, 64, 96)
    """Feature channels at full resolution and after each halving."""
    num_frames: Annotated[int, Field(ge=1)] = 2
    """Random frames of each clip that are judged."""

    def stages(self, size: int) -> int:
        """Return how many resolutions there are from the size down to 4 pixels."""
        return (size // 4).bit_length()


class ClipDiscriminatorConfig(ConvolutionalDiscriminatorConfig):
    """The clip discriminator: 3D, the whole clip at half resolution."""

    channels: tuple[Channels, ...] = (16, 32, 64)
    """Feature channels at half resolution and after each further halving."""


class JointDiscriminatorConfig(ConvolutionalDiscriminatorConfig):
    """The optional discriminator of pairs (clip, codes); without ``channels`` as wide as the clip discriminator."""

    weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of its judgement for generator and encoder; 0: there is no such discriminator."""


class ProjectedDiscriminatorConfig(DiscriminatorConfig):
    """The optional discriminator of frames as a frozen network, which knows photographs, sees them."""

    weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of its judgement for generator and encoder; 0: there is no such discriminator."""
    size: Annotated[int, Field(ge=64, le=256, multiple_of=32)] = 96
    """Height and width to which frames are brought for it, in pixels; the frozen network has learnt pictures of 224."""
    num_frames: Annotated[int, Field(ge=1)] = 2
    """Random frames of each clip that are judged."""
    head_channels: Channels = 64
    """Feature channels of what it learns on top of the frozen network."""
    minibatch_std: Annotated[int, Field(ge=0)] = 0
    """Most clips in the groups whose standard deviation its heads see, so that few looks show; 0: they do not."""
    warmup_steps: Annotated[int, Field(ge=0)] = 500
    """Steps in which its weight grows from 0, while it learns already."""

    @field_validator("minibatch_std")
    @classmethod
    def _a_group_has_two_clips(cls, clips: int) -> int:
        if clips == 1:
            raise ValueError("must be 0 (none) or at least 2 clips")
        return clips


class EncoderConfig(Group):
    """The encoder and its terms: reconstruction and clip cycle G(E(x)) ~ x, latent cycle E(G(z)) ~ z."""

    channels: tuple[Channels, ...] = (16, 32, 64)
    """Feature channels at half resolution and after each further halving."""
    interval: Annotated[int, Field(ge=1)] = 1
    """The encoder is trained every so many steps."""
    reconstruction: Literal["l1", "l2", "both"] = "both"
    """Distance between a clip and its reconstruction: absolute, squared, or both."""
    reconstruction_weight: Annotated[float, Field(ge=0)] = 3.0
    """Weight of the distance of real clips and their reconstruction, in pixels."""
    feature_weight: Annotated[float, Field(ge=0)] = 0.1
    """Weight of the same distance in what the discriminators see of both."""
    clip_cycle_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the distance of generated clips and their reconstruction, in pixels."""
    class_cycle_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the pixels of a real clip that is shown as another class and back."""
    recurrent_cycle_weight: Annotated[float, Field(ge=0)] = 0.0
    """The same of latent steps as the dynamics foretell them from the clip as another class."""
    translation_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of what the discriminators say of a real clip that is shown as another class."""
    latent_cycle_weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the distance of a generated clip's codes and those that the encoder finds."""
    generator_weight: Annotated[float, Field(ge=0)] = 1.0
    """How much of these terms reaches the generator; 0: they train the encoder alone."""
    share: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Share of the batch that trains the encoder."""

    @property
    def shows_other_classes(self) -> bool:
        """Whether a term shows real clips as another class, so that there must be one."""
        return bool(self.class_cycle_weight or self.recurrent_cycle_weight or self.translation_weight)

    def stages(self, size: int) -> int:
        """Return how many resolutions there are from half the size down to 4 pixels."""
        return (size // 8).bit_length()
