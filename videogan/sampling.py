"""Videos from latents: endless streams of frames, in constant memory.

A stream yields chunks ``(b t c h w)`` in [-1, 1], four frames to a latent step. Every iterator here is lazy: the
caller decides how long the video gets. Positions count latent steps from the first frame; those before it, below 0,
are the decoder's history.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice

import torch
from torch import Tensor

from videogan.class_path import ClassPath
from videogan.models.generator import Generator
from videogan.models.latents import LatentStream, content_code

BURN_IN = 24
"""Latent steps of dynamics before the first frame, within the range that training draws from."""
CHUNK_STEPS = 4
"""Latent steps that are made at once; more would need more memory and be hardly faster."""

Conditions = Callable[[Sequence[float]], Tensor]
"""The generator's condition along a video: positions -> ``(b s k)``."""


def stream(
    generator: Generator,
    seeds: Sequence[int],
    labels: Tensor | None = None,
    *,
    truncation: float = 1.0,
    chunk_steps: int = CHUNK_STEPS,
    speed: float = 1.0,
    classes: ClassPath | None = None,
) -> Iterator[Tensor]:
    """Yield the frames of one video per seed, for ever, ``4 chunk_steps`` at a time.

    A seed means the same video whatever the other seeds, the chunk and the device. ``labels (b)`` are class indices;
    ``classes`` takes their place where the class changes along the video. ``truncation`` in [0, 1] trades diversity for
    typicality, of content only. ``speed`` walks slower (below 1) or faster along the same path of motion codes, by
    linear interpolation between latent steps.
    """
    latents = latent_stream(generator, seeds)
    conditions = video_conditions(generator, latents.content_noise, labels, truncation, classes)
    codes = motion_codes(generator, latents, conditions, speed)
    return decoded(generator, codes, conditions, chunk_steps)


def take(chunks: Iterator[Tensor], num_frames: int) -> Iterator[Tensor]:
    """Yield from a stream of chunks until ``num_frames`` frames are given; the last chunk is cut to fit."""
    while num_frames > 0:
        chunk = next(chunks)[:, :num_frames]
        num_frames -= chunk.shape[1]
        yield chunk


def latent_stream(generator: Generator, seeds: Sequence[int]) -> LatentStream:
    """Return the latents of the seeds' videos in the generator's dimensions."""
    return LatentStream(seeds, content_dim=generator.content_dim, noise_dim=generator.noise_dim)


def video_conditions(
    generator: Generator,
    content_noise: Tensor,
    labels: Tensor | None,
    truncation: float,
    classes: ClassPath | None,
) -> Conditions:
    """Return the conditions of videos with fixed content, and with a fixed class or one that moves along a path."""
    content = content_code(content_noise.to(_device(generator)), generator.prior, truncation)
    if classes is None or generator.classes is None:
        with torch.inference_mode():
            constant = generator.condition(content, labels)[:, None]
        return lambda positions: constant.expand(-1, len(positions), -1)

    def conditions(positions: Sequence[float]) -> Tensor:
        shares = classes.mixture(positions, generator.num_classes).to(content)
        with torch.inference_mode():
            return generator.condition(content, shares[None])

    return conditions


def motion_codes(
    generator: Generator, latents: LatentStream, conditions: Conditions, speed: float = 1.0
) -> Iterator[Tensor]:
    """Yield motion codes ``(b m)`` of one latent step after another, the decoder's history first.

    At another ``speed`` the codes are interpolated linearly: step k lies at ``k speed`` of the path that the dynamics
    walk. The first frame's code is the same at every speed.
    """
    path = _dynamics_path(generator, latents, conditions, speed)
    if speed == 1:
        yield from path
        return
    history = generator.context_steps
    before, after, at = next(path), next(path), 0
    for step in count(-history):
        position = max(0.0, history + step * speed)
        while position >= at + 1:
            before, after, at = after, next(path), at + 1
        yield torch.lerp(before, after, position - at)


def decoded(
    generator: Generator, codes: Iterator[Tensor], conditions: Conditions, chunk_steps: int = CHUNK_STEPS
) -> Iterator[Tensor]:
    """Decode motion codes ``(b m)``, the first ``context_steps`` of them history, to chunks of frames."""
    state: tuple[Tensor, ...] | None = None
    first, steps = -generator.context_steps, generator.context_steps + chunk_steps
    while some := list(islice(codes, steps)):
        # inference_mode must not stay on while the caller holds the iterator, so each chunk enters it anew.
        with torch.inference_mode():
            condition = conditions(range(first, first + len(some)))
            frames, state = generator.decode(torch.stack(some, dim=1), condition, state)
        yield frames.clamp(-1, 1)
        first, steps = first + len(some), chunk_steps


def _dynamics_path(
    generator: Generator, latents: LatentStream, conditions: Conditions, speed: float
) -> Iterator[Tensor]:
    device = _device(generator)
    with torch.inference_mode():
        state = generator.dynamics.initial_state(latents.motion_noise(1)[:, 0].to(device))
        warm = latents.motion_noise(BURN_IN).to(device)
        _, state = generator.dynamics(warm, conditions([0.0] * BURN_IN), state)
    for first in count(-generator.context_steps, CHUNK_STEPS):
        with torch.inference_mode():
            noise = latents.motion_noise(CHUNK_STEPS).to(device)
            condition = conditions([step / speed for step in range(first, first + CHUNK_STEPS)])
            codes, state = generator.dynamics(noise, condition, state)
        yield from codes.unbind(1)


def _device(generator: Generator) -> torch.device:
    return next(generator.parameters()).device
