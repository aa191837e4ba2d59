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
    """What the generator is built of.

    Attributes:
        channels: features at 4, 8, 16, ... pixels, one for each resolution up to ``size / subpixel``.
        content_dim: length of the content code, fixed for a video.
        class_dim: length of a class embedding.
        noise_dim: motion noise per latent step of four frames.
        motion_dim: length of a motion code.
        motion_inputs: numbers to which a linear map brings a motion code before the decoder; 0 gives it the whole code.
        class_scale: ``unit-norm`` divides class embeddings, which begin with variance 1, by the root of their length.
        content_scale: ``unit-variance`` divides the content code by its prior's standard deviation.
        hidden_dim: width of the layers between codes and the first feature map.
        max_half_life: longest half-life of the motion noise in latent steps, 0 for white noise.
        dense_until: resolutions up to this one convolve over 3 frames, larger ones over single frames.
        subpixel: 1, or 2 for a last doubling of the resolution by sub-pixel convolution (Shi et al. 2016, section
            3.2), which costs a fraction of a stage at full resolution.
        prior: distribution of the content code.
        normalisation: of features or weights.
    """

    channels: Annotated[tuple[Channels, ...], Field(min_length=3)] = (128, 96, 48)
    content_dim: Annotated[int, Field(ge=1, le=65_536)] = 64
    class_dim: Annotated[int, Field(ge=1, le=65_536)] = 32
    noise_dim: Annotated[int, Field(ge=1, le=65_536)] = 8
    motion_dim: Annotated[int, Field(ge=1, le=65_536)] = 128
    motion_inputs: Annotated[
        int, Field(ge=0, le=65_536, description="numbers of a motion code for the decoder; 0: all")
    ] = 16
    class_scale: Literal["unit-norm", "none"] = "unit-norm"
    content_scale: Literal["unit-variance", "none"] = "unit-variance"
    hidden_dim: Annotated[int, Field(ge=1, le=65_536)] = 256
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

    def stages(self, size: int) -> int:
        """Return how many resolutions there are from 4 pixels up, the last doubling by sub-pixels apart."""
        return (size // (4 * self.subpixel)).bit_length()


class DiscriminatorConfig(Group):
    """What every discriminator has; one whose weight is 0 does not exist."""

    channels: tuple[Channels, ...] | None = None
    normalisation: Normalisation = "none"
    weight: Annotated[float, Field(ge=0, description="weight of its judgement for generator and encoder")] = 1.0

    def stages(self, size: int) -> int:
        """Return how many resolutions there are from half the size down to 4 pixels."""
        return (size // 8).bit_length()


class FrameDiscriminatorConfig(DiscriminatorConfig):
    """The frame discriminator: 2D, ``num_frames`` random frames of each clip at full resolution."""

    channels: tuple[Channels, ...] = (24, 48, 96, 128)
    num_frames: Annotated[int, Field(ge=1)] = 2

    def stages(self, size: int) -> int:
        """Return how many resolutions there are from the size down to 4 pixels."""
        return (size // 4).bit_length()


class ClipDiscriminatorConfig(DiscriminatorConfig):
    """The clip discriminator: 3D, the whole clip at half resolution."""

    channels: tuple[Channels, ...] = (24, 48, 96)


class JointDiscriminatorConfig(DiscriminatorConfig):
    """The optional discriminator of pairs (clip, codes); without ``channels`` as wide as the clip discriminator."""

    weight: Annotated[float, Field(ge=0, description="weight of its judgement for generator and encoder")] = 0.0


class EncoderConfig(Group):
    """The encoder and its terms: reconstruction and clip cycle G(E(x)) ~ x, latent cycle E(G(z)) ~ z."""

    channels: tuple[Channels, ...] = (24, 48, 96)
    interval: Annotated[int, Field(ge=1, description="the encoder is trained every so many steps")] = 1
    reconstruction: Literal["l1", "l2", "both"] = "both"
    reconstruction_weight: Annotated[float, Field(ge=0, description="pixels of real clips")] = 3.0
    feature_weight: Annotated[float, Field(ge=0, description="what the discriminators see in real clips")] = 0.1
    clip_cycle_weight: Annotated[float, Field(ge=0, description="pixels of generated clips")] = 0.0
    latent_cycle_weight: Annotated[float, Field(ge=0, description="codes of generated clips")] = 1.0
    generator_weight: Annotated[float, Field(ge=0, description="how much of these terms reaches the generator")] = 1.0
    share: Annotated[float, Field(gt=0, le=1, description="share of the batch that trains the encoder")] = 0.25

    def stages(self, size: int) -> int:
        """Return how many resolutions there are from half the size down to 4 pixels."""
        return (size // 8).bit_length()
