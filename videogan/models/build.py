"""From a configuration to networks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from videogan.config import (
    ClipDiscriminatorConfig,
    Config,
    DiscriminatorConfig,
    FrameDiscriminatorConfig,
    JointDiscriminatorConfig,
    ProjectedDiscriminatorConfig,
    TrainConfig,
)
from videogan.models.clip_discriminator import ClipDiscriminator
from videogan.models.discriminator import Discriminator
from videogan.models.encoder import Encoder
from videogan.models.frame_discriminator import FrameDiscriminator
from videogan.models.generator import Generator
from videogan.models.joint_discriminator import JointDiscriminator
from videogan.models.layers import AnyModule
from videogan.models.projected_discriminator import ProjectedDiscriminator

BURN_IN = 24
"""Latent steps in which the dynamics forget where they began."""


@contextmanager
def shapes_only() -> Iterator[None]:
    """Give networks that are made inside a ``with`` block shapes and no content, however large they are."""
    with torch.device("meta"), _NoInitialisation():
        yield


class _NoInitialisation(TorchFunctionMode):
    """Leaves out drawing first values: on the meta device there are none, and torch would load its compiler for it."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def build_generator(config: Config, num_classes: int) -> Generator:
    """Return a generator with random weights from torch's global generator; ``num_classes`` 0 means unlabelled."""
    size, steps, smaller_sizes = config.data.size, burn_in(config.train), config.smaller_sizes
    return _channels_last(
        Generator(config.generator, size=size, num_classes=num_classes, smaller_sizes=smaller_sizes, burn_in=steps)
    )


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
        smaller_sizes=config.smaller_sizes,
    )
    return _channels_last(encoder)


def build_discriminators(config: Config, num_classes: int) -> dict[str, Discriminator]:
    """Return by name the discriminators whose weight is not 0."""
    return {
        name: DISCRIMINATORS[type(part)](part, config, num_classes) for name, part in config.discriminators().items()
    }


def _frame_discriminator(part: FrameDiscriminatorConfig, config: Config, num_classes: int) -> Discriminator:
    discriminator = FrameDiscriminator(
        size=config.data.size,
        num_frames=part.num_frames,
        channels=part.channels,
        num_classes=num_classes,
        smaller_sizes=config.smaller_sizes,
        normalisation=part.normalisation,
    )
    return discriminator.to(memory_format=torch.channels_last)


def _clip_discriminator(part: ClipDiscriminatorConfig, config: Config, num_classes: int) -> Discriminator:
    discriminator = ClipDiscriminator(
        size=config.data.size,
        num_frames=config.data.num_frames,
        channels=part.channels,
        num_classes=num_classes,
        smaller_sizes=config.smaller_sizes,
        normalisation=part.normalisation,
    )
    return _channels_last(discriminator)


def _joint_discriminator(part: JointDiscriminatorConfig, config: Config, num_classes: int) -> Discriminator:
    discriminator = JointDiscriminator(
        size=config.data.size,
        channels=part.channels or config.clip_discriminator.channels,
        content_dim=config.generator.content_dim,
        motion_dim=config.generator.motion_dim,
        num_classes=num_classes,
        smaller_sizes=config.smaller_sizes,
        normalisation=part.normalisation,
    )
    return _channels_last(discriminator)


def _projected_discriminator(part: ProjectedDiscriminatorConfig, config: Config, num_classes: int) -> Discriminator:
    discriminator = ProjectedDiscriminator(
        size=part.size,
        num_frames=part.num_frames,
        head_channels=part.head_channels,
        minibatch_std=part.minibatch_std,
    )
    return discriminator.to(memory_format=torch.channels_last)


DISCRIMINATORS: dict[type[DiscriminatorConfig], Callable[[Any, Config, int], Discriminator]] = {
    FrameDiscriminatorConfig: _frame_discriminator,
    ClipDiscriminatorConfig: _clip_discriminator,
    JointDiscriminatorConfig: _joint_discriminator,
    ProjectedDiscriminatorConfig: _projected_discriminator,
}
"""How each kind is built: from its own settings, the whole configuration, and the number of classes."""


def _channels_last(module: AnyModule) -> AnyModule:
    # Convolutions are about three times as fast with channels innermost, on CPUs and GPUs alike.
    return module.to(memory_format=torch.channels_last_3d)
