"""Videos from latents: endless streams of frames, in constant memory.

A stream yields chunks ``(b t c h w)`` in [-1, 1], four frames to a latent step. Every iterator here is lazy: the
caller decides how long the video gets. Positions count latent steps from the first frame; those before it, below 0,
are the decoder's history.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice

import torch
from torch import Tensor

from videogan.generation.chunks import ChunkDecoder, Replays
from videogan.generation.class_path import ClassPath
from videogan.models.dynamics import STEPS_AT_ONCE
from videogan.models.generator import Generator
from videogan.models.latents import LatentStream, content_code

CHUNK_STEPS = 4
"""Latent steps that are made at once; more would need more memory and be hardly faster, on a GPU."""
MOST_STEPS = 16
"""Latent steps that a CPU makes at once after the first chunk, of which the first frame waits, at most."""
LARGEST_MAP = 1 << 27
"""Numbers of one feature map, at most: half a GiB in float32, and far from the 2^31 beyond which kernels fail."""
CACHED_MAP = 1 << 21
"""The same on a CPU, where larger maps leave its caches: 8 MiB in float32. A first chunk, with its history, may have
twice as many: it comes once, and more videos are made at once."""

Conditions = Callable[[Sequence[float]], Tensor]
"""The generator's condition along a video: positions -> ``(b s k)``."""


def stream(
    generator: Generator,
    seeds: Sequence[int],
    labels: Tensor | None = None,
    *,
    truncation: float = 1.0,
    chunk_steps: int | None = None,
    speed: float = 1.0,
    classes: ClassPath | None = None,
    replays: Replays | None = None,
) -> Iterator[Tensor]:
    """Yield the frames of one video per seed, for ever, ``4 chunk_steps`` at a time, or as many as suit the device.

    A seed means the same video whatever the other seeds, the chunk and the device. ``labels (b)`` are class indices;
    ``classes`` takes their place where the class changes along the video. ``truncation`` in [0, 1] trades diversity for
    typicality, of content only. ``speed`` walks slower (below 1) or faster along the same path of motion codes, by
    linear interpolation between latent steps. ``replays`` are shared with other videos of the generator.
    """
    latents, replays = latent_stream(generator, seeds), replays or Replays(generator)
    conditions = video_conditions(generator, latents.content_noise, labels, truncation, classes)
    codes = motion_codes(generator, latents, conditions, speed, replays)
    return decoded(generator, codes, conditions, chunk_steps, replays=replays)


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
    if classes is None:
        return constant_conditions(generator, content, labels)

    @torch.inference_mode()
    def conditions(positions: Sequence[float]) -> Tensor:
        shares = classes.mixture(positions, generator.num_classes).to(content)
        return generator.condition(content, shares[None])

    return conditions


def constant_conditions(generator: Generator, content: Tensor, classes: Tensor | None) -> Conditions:
    """Return the conditions of videos whose content code ``(b d)`` and class never change."""
    with torch.inference_mode():
        condition = generator.condition(content, classes)[:, None]
    return lambda positions: condition.expand(-1, len(positions), -1)


def motion_codes(
    generator: Generator,
    latents: LatentStream,
    conditions: Conditions,
    speed: float = 1.0,
    replays: Replays | None = None,
) -> Iterator[Tensor]:
    """Yield motion codes ``(b m)`` of one latent step after another, the decoder's history first.

    At another ``speed`` the codes are interpolated linearly: step k lies at ``k speed`` of the path that the dynamics
    walk. The first frame's code is the same at every speed.
    """
    path = _dynamics_path(generator, latents, conditions, speed, replays or Replays(generator))
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
    generator: Generator,
    codes: Iterator[Tensor],
    conditions: Conditions,
    chunk_steps: int | None = None,
    largest_map: int | None = None,
    replays: Replays | None = None,
) -> Iterator[Tensor]:
    """Decode motion codes ``(b m)``, the first ``context_steps`` of them history, to chunks of frames.

    So many videos are decoded at once, and so many steps, that no feature map has more than ``largest_map`` numbers;
    None is what suits the device. Without ``chunk_steps`` a chunk has ``CHUNK_STEPS``, and on a CPU all but the first,
    of which the first frame waits, as many as that allows, up to ``MOST_STEPS``.
    """
    replays = replays or Replays(generator)
    on_cpu = _device(generator).type == "cpu"
    if largest_map is None:
        largest_map = 2 * CACHED_MAP if on_cpu else LARGEST_MAP
    first, decoders = -generator.context_steps, dict[int, ChunkDecoder]()
    while some := list(islice(codes, 1)):
        at_once, steps = portion(generator, len(some[0]), chunk_steps or CHUNK_STEPS, largest_map)
        if decoders and on_cpu and chunk_steps is None:
            steps = max(steps, min(MOST_STEPS, CACHED_MAP // (at_once * generator.numbers_per_step)))
        # Before the first frame comes the history.
        some += islice(codes, steps - 1 if decoders else generator.context_steps + steps - 1)
        parts = []
        # inference_mode must not stay on while the caller holds the iterator, so each chunk enters it anew.
        with torch.inference_mode():
            steps_codes, condition = torch.stack(some, dim=1), conditions(range(first, first + len(some)))
            condition = condition.expand(len(steps_codes), -1, -1)
            for video in range(0, len(steps_codes), at_once):
                part = slice(video, video + at_once)
                decoder = decoders.setdefault(video, ChunkDecoder(replays))
                parts.append(decoder(steps_codes[part], condition[part]))
            chunk = torch.cat(parts) if len(parts) > 1 else parts[0]
        yield chunk
        first += len(some)


def portion(
    generator: Generator, videos: int, chunk_steps: int = CHUNK_STEPS, largest_map: int = LARGEST_MAP
) -> tuple[int, int]:
    """Return how many of the videos are decoded at once, and how many latent steps, within ``largest_map`` numbers.

    The first chunk is the longest: it decodes the history too. One step of one video is the least.
    """
    history, numbers = generator.context_steps, generator.numbers_per_step
    at_once = max(1, min(videos, largest_map // ((history + chunk_steps) * numbers)))
    return at_once, max(1, min(chunk_steps, largest_map // (at_once * numbers) - history))


def _dynamics_path(
    generator: Generator, latents: LatentStream, conditions: Conditions, speed: float, replays: Replays
) -> Iterator[Tensor]:
    device, burn_in = _device(generator), generator.burn_in
    # Burn-in, history and the first steps are one pass: a first frame waits for nothing else.
    steps = [0.0] * burn_in + [step / speed for step in range(-generator.context_steps, CHUNK_STEPS)]
    with torch.inference_mode():
        noise = latents.motion_noise(1 + len(steps)).to(device)
        codes, state = replays.begin(noise, conditions(steps))
    yield from codes[:, burn_in:].unbind(1)
    first, at_once = CHUNK_STEPS, CHUNK_STEPS
    while True:
        with torch.inference_mode():
            noise = latents.motion_noise(at_once).to(device)
            condition = conditions([step / speed for step in range(first, first + at_once)])
            codes, state = generator.dynamics(noise, condition, state)
        yield from codes.unbind(1)
        # More at once the longer it goes on: a pass of the dynamics takes a GPU as long for one step as for thirty.
        first, at_once = first + at_once, min(2 * at_once, STEPS_AT_ONCE)


def _device(generator: Generator) -> torch.device:
    return next(generator.parameters()).device
