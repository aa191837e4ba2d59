"""Whether a training run fits the memory that there is, told before anything is made."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from videogan.config import Config
from videogan.device import available_bytes
from videogan.errors import UsageError, reason_of, wants_memory
from videogan.models.build import build_discriminators, build_encoder, build_generator, shapes_only

KEPT_PER_STAGE = 6
"""Tensors as large as its features that a stage keeps for its backward pass; fewer than measured (7 to 8)."""
COPIES_OF_WEIGHTS = 4
"""A weight, its gradient and Adam's two moments."""


def check_memory(config: Config, num_classes: int, device: torch.device) -> None:
    """Refuse what certainly does not fit.

    Raises:
        UsageError: with the batch that would.
    """
    needed, available = least_bytes(config, num_classes), available_bytes(device)
    if needed <= available:
        return
    fits = config.train.batch_size + (available - needed) // _feature_bytes(config)
    raise UsageError(
        f"{_asked(config)} needs at least {needed / 2**30:.1f} GiB of memory, and there are "
        f"{available / 2**30:.1f}; {_advice(fits)} would fit"
    )


def least_bytes(config: Config, num_classes: int) -> int:
    """Return the bytes that a training certainly needs."""
    return _weight_bytes(config, num_classes) + config.train.batch_size * _feature_bytes(config)


@contextmanager
def telling_memory(config: Config) -> Iterator[None]:
    """Tell what needed more memory than there was inside a ``with`` block.

    Raises:
        UsageError: memory ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not wants_memory(error):
            raise
        raise out_of_memory(config, config.train.batch_size // 2) from None


def out_of_memory(config: Config, smaller_batch: int) -> UsageError:
    """Return what to say where memory ran out, with a batch that may fit, if one of two clips or more can."""
    return UsageError(
        f"{_asked(config)} needs more memory than there is; {_advice(smaller_batch)} may fit, and the same command "
        "goes on from the newest checkpoint"
    )


def _asked(config: Config) -> str:
    size, num_frames = config.data.size, config.data.num_frames
    return f"train.batch_size={config.train.batch_size} with clips of {num_frames} frames, {size} x {size} pixels,"


def _advice(batch: int) -> str:
    return f"train.batch_size={batch}" if batch >= 2 else "a smaller data.size, or fewer channels,"


def _weight_bytes(config: Config, num_classes: int) -> int:
    """Return what weights, gradients and moments take."""
    try:
        with shapes_only():
            generator, encoder = build_generator(config, num_classes), build_encoder(config)
            networks = [generator, encoder, *build_discriminators(config, num_classes).values()]
    except (RuntimeError, TypeError) as error:  # sizes beyond 64 bits
        raise UsageError(f"networks of this size cannot be made ({reason_of(error)})") from None
    return 4 * COPIES_OF_WEIGHTS * sum(p.numel() for network in networks for p in network.parameters())


def _feature_bytes(config: Config) -> int:
    """Return what one clip's features take in the generator and, real and generated, in two of the discriminators."""
    size, num_frames = config.data.size, config.data.num_frames
    values = num_frames * sum(c * min(size, 4 << i) ** 2 for i, c in enumerate(config.generator.channels))
    if config.frame_discriminator.weight:
        part = config.frame_discriminator
        values += 2 * part.num_frames * sum(c * (size >> i) ** 2 for i, c in enumerate(part.channels))
    if config.clip_discriminator.weight:
        channels = config.clip_discriminator.channels
        values += 2 * num_frames * sum(c * (size >> (i + 1)) ** 2 for i, c in enumerate(channels))
    return KEPT_PER_STAGE * values * (2 if config.train.precision == "bfloat16" else 4)
