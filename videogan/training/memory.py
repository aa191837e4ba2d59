"""Whether a training run fits the memory that there is, told before anything is made."""

import resource
from pathlib import Path

import torch

from videogan.config import Config
from videogan.errors import UsageError, reason_of
from videogan.models.build import build_discriminators, build_encoder, build_generator

KEPT_PER_STAGE = 6
"""Tensors as large as its features that a stage keeps for its backward pass; fewer than measured (7 to 8)."""
COPIES_OF_WEIGHTS = 4
"""A weight, its gradient and Adam's two moments."""

_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def check_memory(config: Config, num_classes: int, device: torch.device) -> None:
    """Refuse what certainly does not fit.

    Raises:
        UsageError: with the batch that would.
    """
    weights, features = _weight_bytes(config, num_classes), _feature_bytes(config)
    available = available_bytes(device)
    batch = config.train.batch_size
    if weights + batch * features <= available:
        return
    size, num_frames = config.data.size, config.data.num_frames
    fits = int((available - weights) // features)
    advice = f"train.batch_size={fits} would fit" if fits >= 2 else "a smaller data.size, or fewer channels, would fit"
    raise UsageError(
        f"train.batch_size={batch} with clips of {num_frames} frames, {size} x {size} pixels, needs at least "
        f"{(weights + batch * features) / 2**30:.1f} GiB of memory, and there are {available / 2**30:.1f}; {advice}"
    )


def available_bytes(device: torch.device) -> int:
    """Return the free memory of a GPU, or what the system, the container and the process's limit leave to this one."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    limits = [limit for limit in [resource.getrlimit(resource.RLIMIT_AS)[0]] if limit != resource.RLIM_INFINITY]
    for name in _CGROUPS:
        try:
            limits.append(int(Path(name).read_text()))
        except (OSError, ValueError):  # there is none, or it is "max"
            continue
    meminfo = Path("/proc/meminfo")
    lines = meminfo.read_text().splitlines() if meminfo.exists() else []
    limits += [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return min(limits, default=2**63)


def _weight_bytes(config: Config, num_classes: int) -> int:
    """Return what weights, gradients and moments take; networks on the meta device have shapes and no content."""
    try:
        with torch.device("meta"):
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
