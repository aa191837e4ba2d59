"""From a configuration to networks."""

from typing import TypeVar

import torch
from torch import nn

from videogan.config import Config, TrainConfig
from videogan.models.clip_discriminator import ClipDiscriminator
from videogan.models.encoder import Encoder
from videogan.models.frame_discriminator import FrameDiscriminator
from videogan.models.generator import Generator
from videogan.models.joint_discriminator import JointDiscriminator

AnyModule = TypeVar("AnyModule", bound=nn.Module)

BURN_IN = 24
"""Latent steps in which the dynamics forget where they began."""


def build_generator(config: Config, num_classes: int) -> Generator:
    """Return a generator with random weights from torch's global generator; ``num_classes`` 0 means unlabelled."""
    generator = Generator(
        size=config.data.size,
        num_classes=num_classes,
        burn_in=burn_in(config.train),
        **config.generator.model_dump(),
    )
    return _channels_last(generator)


def burn_in(train: TrainConfig) -> int:
    """Return the latent steps before the first frame of a video: BURN_IN, or the nearest that training draws."""
    return min(max(BURN_IN, train.min_burn_in), train.max_burn_in)


def build_encoder(config: Config) -> Encoder:
    """Return an encoder that speaks the generator's codes."""
    encoder = Encoder(
        size=config.data.size,
        channels=config.encoder.channels,
        content_dim=config.generator.content_dim,
        motion_dim=config.generator.motion_dim,
        prior=config.generator.prior,
    )
    return _channels_last(encoder)


def build_discriminators(config: Config, num_classes: int) -> tuple[FrameDiscriminator, ClipDiscriminator]:
    """Return the frame discriminator and the clip discriminator."""
    frame_discriminator = FrameDiscriminator(
        size=config.data.size,
        channels=config.frame_discriminator.channels,
        num_classes=num_classes,
        normalisation=config.frame_discriminator.normalisation,
    )
    clip_discriminator = ClipDiscriminator(
        size=config.data.size,
        num_frames=config.data.num_frames,
        channels=config.clip_discriminator.channels,
        num_classes=num_classes,
        normalisation=config.clip_discriminator.normalisation,
    )
    return frame_discriminator.to(memory_format=torch.channels_last), _channels_last(clip_discriminator)


def build_joint_discriminator(config: Config, num_classes: int) -> JointDiscriminator | None:
    """Return the judge of pairs (clip, codes), or None where its weight is 0."""
    if not config.joint_discriminator.weight:
        return None
    discriminator = JointDiscriminator(
        size=config.data.size,
        channels=config.clip_discriminator.channels,
        content_dim=config.generator.content_dim,
        motion_dim=config.generator.motion_dim,
        num_classes=num_classes,
    )
    return _channels_last(discriminator)


def _channels_last(module: AnyModule) -> AnyModule:
    # Convolutions are about three times as fast with channels innermost, on CPUs and GPUs alike.
    return module.to(memory_format=torch.channels_last_3d)
