"""Videos whose last frame leads into the first.

The motion noise is periodic, and the dynamics run around the period until their state has converged, so that the motion
codes are periodic too. The decoder is causal with a finite history: decoded after the last codes of the period, the
first ones give frames that follow the last frame as any frame follows the one before.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from videogan.generation.class_path import ClassPath
from videogan.generation.sampling import Conditions, decoded, latent_stream, video_conditions
from videogan.models.generator import Generator

MOST_STEPS = 2048
"""Latent steps after which the dynamics are taken as converged; what is left of a gap is spread over the period."""
CONVERGED = 1e-6
"""Largest change of a motion code from round to round that counts as none."""
CANDIDATES = 64
"""Latent steps within which the video may start; the frame that differs least from the one before is taken."""


def stream_loop(
    generator: Generator,
    seeds: Sequence[int],
    labels: Tensor | None = None,
    *,
    num_frames: int,
    truncation: float = 1.0,
    speed: float = 1.0,
    classes: ClassPath | None = None,
) -> Iterator[Tensor]:
    """Yield chunks of one video per seed that can be repeated without a seam.

    ``num_frames`` is rounded up to a multiple of four. ``classes`` should be cyclic with a period of the video's.
    Where the video begins is free in a loop: at the frame that moves least. Codes of the whole period are
    held, about a kilobyte for each latent step; frames are not.
    """
    steps = -(-num_frames // generator.frames_per_step)
    latents = latent_stream(generator, seeds)
    conditions = video_conditions(generator, latents.content_noise, labels, truncation, classes)
    device = next(generator.parameters()).device
    period = max(1, round(steps * speed))
    with torch.inference_mode():
        noise = latents.motion_noise(period).to(device)
        condition = conditions([step * steps / period for step in range(period)])
        codes = _resampled(_periodic_codes(generator, noise, condition), steps)
    free = steps if classes is None else max(1, int(classes.hold / 2))
    starts = _quietest(generator, codes, conditions, min(free, steps, CANDIDATES))
    first_steps = starts // generator.frames_per_step
    offsets = (starts % generator.frames_per_step).tolist()
    chunks = _turned(generator, codes, conditions, first_steps, generator.context_steps + steps + 1)
    return _shifted(chunks, offsets, generator.frames_per_step)


def periodic_noise(noise: Tensor, decay: Tensor) -> tuple[Tensor, Tensor]:
    """Scale one period of white noise ``(b s n)`` for leaky integrators, and give their state ``(b n)`` before it.

    x = a x + sqrt(1 - a^2) e around a period of s steps has the fixed point c / (1 - a^s), where c is the state after
    one round from zero. Its variance is (1 + a^s) / (1 - a^s); the noise is scaled so that it is 1, as in training.
    """
    around = decay ** noise.shape[1]
    noise = noise * ((1 - around) / (1 + around)).sqrt()
    gain, value = (1 - decay**2).sqrt(), torch.zeros_like(noise[:, 0])
    for step in noise.unbind(1):
        value = decay * value + gain * step
    return noise, value / (1 - around)


def _periodic_codes(generator: Generator, noise: Tensor, condition: Tensor) -> Tensor:
    """Return one period of motion codes ``(b s m)`` after which the dynamics are where they began."""
    dynamics = generator.dynamics
    noise, integrators = periodic_noise(noise, dynamics.decay)
    state = dynamics.initial_state(integrators)
    period, steps = noise.shape[1], 0
    while True:
        before = state.motion_code
        codes, state = dynamics(noise, condition, state)
        state = state._replace(integrators=integrators)
        steps += period
        gap = before - state.motion_code
        if steps >= MOST_STEPS or (steps > generator.burn_in and gap.abs().max() < CONVERGED):
            break
    share = torch.arange(1, period + 1, device=noise.device) / period
    return codes + gap[:, None] * share[:, None]


def _resampled(codes: Tensor, steps: int) -> Tensor:
    """Walk around the closed path ``codes (b s m)`` in ``steps`` equal strides."""
    period = codes.shape[1]
    if period == steps:
        return codes
    position = torch.arange(steps, device=codes.device) * (period / steps)
    before = position.long()
    return torch.lerp(codes[:, before % period], codes[:, (before + 1) % period], (position - before)[:, None])


def _turned(
    generator: Generator, codes: Tensor, conditions: Conditions, starts: Tensor, count: int
) -> Iterator[Tensor]:
    """Decode ``count`` codes, history included, of the closed path such that video b begins at step ``starts[b]``."""
    batch, steps = codes.shape[:2]
    rows = torch.arange(batch, device=codes.device)
    history = generator.context_steps

    def turned(positions: Sequence[float]) -> Tensor:
        at = torch.tensor([int(position) for position in positions], device=codes.device)
        return (starts[:, None] + at) % steps

    def some_conditions(positions: Sequence[float]) -> Tensor:
        steps_of_videos = turned(positions)
        values = [conditions([float(at) for at in row])[video] for video, row in enumerate(steps_of_videos.tolist())]
        return torch.stack(values)

    some_codes = (codes[rows, turned([step])[:, 0]] for step in range(-history, count - history))
    return decoded(generator, some_codes, some_conditions)


def _shifted(chunks: Iterator[Tensor], offsets: Sequence[int], reserve: int) -> Iterator[Tensor]:
    """Begin video b at frame ``offsets[b]``, below ``reserve``; the videos end ``reserve`` frames earlier."""
    rest: Tensor | None = None
    for chunk in chunks:
        frames = chunk if rest is None else torch.cat([rest, chunk], dim=1)
        whole = frames.shape[1] - reserve
        if whole > 0:
            yield torch.stack([video[at : at + whole] for video, at in zip(frames, offsets, strict=True)])
        rest = frames[:, whole:]


def _quietest(generator: Generator, codes: Tensor, conditions: Conditions, candidates: int) -> Tensor:
    """Return for each video the frame, in ``candidates`` latent steps, that differs least from the one before."""
    starts = torch.full((codes.shape[0],), -1, device=codes.device)
    chunks = _turned(generator, codes, conditions, starts, generator.context_steps + 1 + candidates)
    last: Tensor | None = None
    changes = []
    for chunk in chunks:
        frames = chunk if last is None else torch.cat([last, chunk], dim=1)
        changes.append((frames[:, 1:] - frames[:, :-1]).abs().mean(dim=(2, 3, 4)))
        last = chunk[:, -1:]
    # The first frames decoded are those of the step before the first candidate.
    return torch.cat(changes, dim=1)[:, generator.frames_per_step - 1 :].argmin(dim=1)
