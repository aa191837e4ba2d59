"""Videos from latents: endless streams of frames, in constant memory.

A stream yields chunks ``(b t c h w)`` in [-1, 1], four frames to a latent step. Every iterator here is lazy: the
caller decides how long the video gets.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from videogan.models.generator import Generator
from videogan.models.latents import Latents, LatentStream, content_code, slerp

BURN_IN = 24
"""Latent steps of dynamics before the first frame, within the range that training draws from."""


def stream(
    generator: Generator,
    seeds: Sequence[int],
    labels: Tensor | None = None,
    *,
    truncation: float = 1.0,
    chunk_steps: int = 4,
) -> Iterator[Tensor]:
    """Yield the frames of one video per seed, for ever, ``4 chunk_steps`` at a time.

    A seed means the same video whatever the other seeds, the chunk and the device. ``labels (b)`` are class indices.
    ``truncation`` in [0, 1] trades diversity for typicality, of content only.
    """
    latents = _latent_stream(generator, seeds)
    conditions = _constant(generator, latents, labels, truncation)
    return _stream(generator, latents, conditions, labels, truncation, chunk_steps)


def interpolate(
    generator: Generator,
    seeds: Sequence[int],
    labels: Tensor | None = None,
    *,
    num_frames: int,
    truncation: float = 1.0,
    loop: bool = False,
) -> Iterator[Tensor]:
    """Yield one video of ``num_frames`` frames whose content morphs through the seeds while its motion goes on.

    Content noise moves along great arcs, each seed's stretch equally long; the motion is the first seed's.
    ``labels (1)`` is the video's class. With ``loop`` the content returns to the first seed.
    """
    latents = _latent_stream(generator, seeds[:1])
    content = _latent_stream(generator, seeds).content_noise
    if loop:
        content = torch.cat([content, content[:1]])
    steps = -(-num_frames // generator.frames_per_step)
    path = content_path(content, steps)
    conditions = _along(generator, path, labels, truncation)
    remaining = num_frames
    for frames in _stream(generator, latents, conditions, labels, truncation, chunk_steps=1):
        yield frames[:, :remaining]
        remaining -= frames.shape[1]
        if remaining <= 0:
            return


def content_path(content_noise: Tensor, steps: int) -> Tensor:
    """Return ``steps`` points ``(steps d)`` from the first row of ``content_noise (n d)`` through all to the last."""
    if len(content_noise) == 1:
        return content_noise.expand(steps, -1)
    legs = list(pairwise(content_noise))
    points = []
    for position in torch.linspace(0, len(legs), steps).tolist():
        leg = min(int(position), len(legs) - 1)
        points.append(slerp(*legs[leg], position - leg))
    return torch.stack(points)


def take(chunks: Iterator[Tensor], num_frames: int) -> Iterator[Tensor]:
    """Yield from a stream of chunks until ``num_frames`` frames are given; the last chunk is cut to fit."""
    while num_frames > 0:
        chunk = next(chunks)[:, :num_frames]
        num_frames -= chunk.shape[1]
        yield chunk


def _latent_stream(generator: Generator, seeds: Sequence[int]) -> LatentStream:
    return LatentStream(seeds, content_dim=generator.content_dim, noise_dim=generator.noise_dim)


def _constant(
    generator: Generator, latents: LatentStream, labels: Tensor | None, truncation: float
) -> Iterator[Tensor]:
    device = next(generator.parameters()).device
    content = content_code(latents.content_noise.to(device), generator.prior, truncation)
    with torch.inference_mode():
        condition = generator.condition(content, labels)[:, None]
    while True:
        yield condition


def _along(generator: Generator, path: Tensor, labels: Tensor | None, truncation: float) -> Iterator[Tensor]:
    device = next(generator.parameters()).device
    with torch.inference_mode():
        for noise in path.to(device):
            yield generator.condition(content_code(noise[None], generator.prior, truncation), labels)[:, None]


def _stream(
    generator: Generator,
    latents: LatentStream,
    conditions: Iterator[Tensor],
    labels: Tensor | None,
    truncation: float,
    chunk_steps: int,
) -> Iterator[Tensor]:
    device = next(generator.parameters()).device
    lead = 1 + BURN_IN + generator.context_steps
    next(conditions)
    # inference_mode must not stay on while the caller holds the iterator, so each chunk enters it anew.
    with torch.inference_mode():
        start = Latents(latents.content_noise, latents.motion_noise(lead + chunk_steps), labels).to(device)
        frames, _, _, state = generator(start, burn_in=BURN_IN, truncation=truncation)
    yield frames.clamp(-1, 1)
    for condition in conditions:
        with torch.inference_mode():
            noise = latents.motion_noise(chunk_steps).to(device)
            frames, state = generator.stream(noise, condition.expand(-1, chunk_steps, -1), state)
        yield frames.clamp(-1, 1)
