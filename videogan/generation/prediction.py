"""What may come after a given clip: the generator goes on from the latents of its end.

The dynamics' state is the GRU's last motion code and the integrators' value. The first is given; the second is solved
for. The motion noise after that is drawn by a seed, and each seed is another future.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, count
from math import cos, pi
from typing import Any

import torch
from torch import Tensor

from videogan.generation.inversion import Refinement, render
from videogan.generation.sampling import CHUNK_STEPS, Conditions, constant_conditions, decoded, latent_stream, take
from videogan.models.dynamics import DynamicsState
from videogan.models.generator import Generator
from videogan.models.latents import ClipLatents

FADE_FRAMES = 12
"""Frames over which the difference between the last real frame and its reconstruction fades out."""
FADE_STEPS = 3
"""The same in latent steps, for the difference between the last motion code and what the dynamics make of it."""
SLOWNESS = (0, 1, 2, 4)
"""How slowly motion may set in; the first that meets the clip's own changes is taken."""
TAIL_FRAMES = 64
"""Frames at the end of a clip that its future is predicted from."""
HALF_WEIGHT_FRAMES = 16
"""A frame this long before the end counts half as much as the last one."""
DYNAMICS_WEIGHT = 1.0
"""Weight of the distance of motion codes from a path that the dynamics walk, beside the error of the pixels."""
SOLVED_STEPS = 8
"""Latent steps at the end from which the integrators are solved for."""
SOLVER_STEPS = 200
CODE_DEVIATION = 0.1
"""Standard deviation of a clip's motion codes from what the dynamics make of the code before."""


def tail(clip: Tensor) -> Tensor:
    """Return the end of a clip ``t c h w`` that its future is predicted from."""
    return clip[-TAIL_FRAMES:]


def refinement_of_tail(steps: int, num_frames: int) -> Refinement:
    """Return how latents of a clip's end are refined for the dynamics to go on from them.

    The last frames count most, and the path of motion codes should be one that the dynamics walk.
    """
    return Refinement(steps, tail_weights(num_frames), DYNAMICS_WEIGHT)


def decode_on(
    generator: Generator,
    latents: ClipLatents,
    seeds: Sequence[int],
    num_frames: int | None,
    motion: ClipLatents | None = None,
) -> Iterator[Tensor]:
    """Yield a clip's frames, then those after it as each seed will have them, ``(b t c h w)``; None: without end.

    With the ``motion`` of another clip, that is followed first, and then what a seed makes of its end.
    """
    conditions = constant_conditions(generator, latents.content.expand(len(seeds), -1), latents.labels)

    def after() -> Iterator[Tensor]:
        history = latents.path[:, -generator.context_steps :].expand(len(seeds), -1, -1).unbind(1)
        if motion is None:
            codes = continued_codes(generator, latents, seeds, conditions)
        else:
            codes = followed_codes(generator, latents, motion, seeds, conditions)
        yield from decoded(generator, chain(history, codes), conditions)

    own = (chunk.expand(len(seeds), -1, -1, -1, -1) for chunk in render(generator, latents))
    chunks = chain(own, after())
    return chunks if num_frames is None else take(chunks, num_frames)


def tail_weights(num_frames: int) -> Tensor:
    """Return how much each frame of the end of a clip counts ``(t)``: the last one most."""
    before = torch.arange(num_frames - 1, -1, -1)
    return 0.5 ** (before / HALF_WEIGHT_FRAMES)


def predict(
    generator: Generator, end: Tensor, latents: ClipLatents, seeds: Sequence[int], *, num_frames: int
) -> Iterator[Tensor]:
    """Yield the ``num_frames`` frames after a clip in chunks ``(b t c h w)``, one video per seed.

    ``end (t c h w)`` in [-1, 1] is what :func:`tail` leaves of the clip, ``latents`` are its own. The decoder has seen
    the clip's codes; what its reconstruction lacks of the last frame is added and fades out. The first new frame
    changes no more than the clip's frames do at their median: motion sets in more slowly where that is needed, and what
    is still too much of the change comes later, as the same difference fades out.
    """
    end = end.to(latents.content.device)
    last, limit = end[-1], median_change(end)
    with torch.no_grad():
        reconstructed = list(render(generator, latents))[-1][0, -1]
    content = latents.content.expand(len(seeds), -1)
    conditions = constant_conditions(generator, content, latents.labels)

    def decoded_after(codes: Iterator[Tensor]) -> Iterator[Tensor]:
        history = latents.path[:, -generator.context_steps :].expand(len(seeds), -1, -1)
        return decoded(generator, chain(history.unbind(1), codes), conditions)

    last_code = latents.motion_codes[:, -1].expand(len(seeds), -1)
    first_code = next(continued_codes(generator, latents, seeds, conditions))
    slowness = torch.full((len(seeds),), float(SLOWNESS[-1]), device=end.device)
    for candidate in reversed(SLOWNESS):
        tried = slowed(iter([first_code]), last_code, torch.full_like(slowness, candidate))
        first = next(decoded_after(iter([next(tried)])))[:, 0]
        change = mean_change(first + fade(1, FADE_FRAMES) * (last - reconstructed), last)
        slowness = torch.where(change <= limit, float(candidate), slowness)

    codes = slowed(continued_codes(generator, latents, seeds, conditions), last_code, slowness)
    position, residual = 0, torch.zeros(())
    for chunk in take(decoded_after(codes), num_frames):
        if position == 0:
            first = chunk[:, 0] + fade(1, FADE_FRAMES) * (last - reconstructed)
            share = (limit / mean_change(first, last).clamp(min=1e-9)).clamp(max=1)[:, None, None, None]
            residual = (torch.lerp(last.expand_as(first), first, share) - chunk[:, 0])[:, None]
        fades = [fade(position + frame, FADE_FRAMES - 1) for frame in range(chunk.shape[1])]
        position += chunk.shape[1]
        yield (chunk + torch.tensor(fades, device=end.device).view(-1, 1, 1, 1) * residual).clamp(-1, 1)


def median_change(clip: Tensor) -> float:
    """Return the median change from frame to frame of ``clip (t c h w)``: mean absolute differences."""
    return float(mean_change(clip[1:], clip[:-1]).median()) if len(clip) > 1 else float("inf")


def noting_joins(chunks: Iterator[Tensor], last: Tensor, figures: dict[str, Any]) -> Iterator[Tensor]:
    """Pass chunks on; how much each video's first frame differs from ``last (c h w)``, in levels of 255, is noted."""
    for number, chunk in enumerate(chunks):
        if number == 0:
            figures["change_at_join"] = (mean_change(chunk[:, 0], last) * 127.5).tolist()
        yield chunk


def mean_change(frames: Tensor, before: Tensor) -> Tensor:
    """Return the mean absolute difference of each of two frames ``(b c h w)``: ``(b)``."""
    return (frames - before).abs().mean(dim=(1, 2, 3))


def slowed(codes: Iterator[Tensor], last_code: Tensor, slowness: Tensor) -> Iterator[Tensor]:
    """Let a path of motion codes ``(b m)`` after ``last_code`` set in slowly: after FADE_STEPS it is one step late.

    ``slowness (b)`` is 0 for a path as it is; above 0 the delay comes about the sooner the larger it is.
    """
    before = last_code
    for step, now in enumerate(codes, 1):
        lag = 1 - max(0.0, 1 - step / FADE_STEPS) ** slowness
        # The code lies between the one before and this one, both included.
        yield torch.lerp(now, before, lag[:, None])
        before = now


def continued_codes(
    generator: Generator, latents: ClipLatents, seeds: Sequence[int], conditions: Conditions, first: int = 0
) -> Iterator[Tensor]:
    """Yield motion codes ``(b m)`` of the latent steps after a clip, for ever; the first is at position ``first``."""
    state = last_state(generator, latents)
    # The dynamics walk on from a code of their own; what sets the clip's last code apart fades out.
    residual = latents.motion_codes[:, -1] - state.motion_code
    state = DynamicsState(*(part.expand(len(seeds), -1) for part in state))
    stream = latent_stream(generator, seeds)
    for done in count(0, CHUNK_STEPS):
        with torch.inference_mode():
            noise = stream.motion_noise(CHUNK_STEPS).to(residual.device)
            condition = conditions(range(first + done, first + done + CHUNK_STEPS))
            codes, state = generator.dynamics(noise, condition, state)
        for step, code in enumerate(codes.unbind(1), done + 1):
            yield code + fade(step, FADE_STEPS) * residual


def followed_codes(
    generator: Generator, latents: ClipLatents, motion: ClipLatents, seeds: Sequence[int], conditions: Conditions
) -> Iterator[Tensor]:
    """Yield the motion codes ``(b m)`` of another clip, then of what comes after it, for ever.

    They set out from the last code of ``latents``: what it differs by from the one before the other clip fades out.
    """
    residual = latents.motion_codes[:, -1] - motion.history[:, -1]
    own = motion.motion_codes.expand(len(seeds), -1, -1).unbind(1)
    after = continued_codes(generator, motion, seeds, conditions, first=len(own))
    for step, code in enumerate(chain(own, after), 1):
        yield code + fade(step, FADE_STEPS) * residual


def last_state(generator: Generator, latents: ClipLatents) -> DynamicsState:
    """Return the most likely state of the dynamics ``(1 ...)`` after the last latent step of a clip.

    Minimises the negative log posterior of the motion noise of the last steps: a normal prior on the noise, and a
    normal error of the motion code that the GRU makes of it and of the code before.
    """
    path = latents.path.detach()[:, -SOLVED_STEPS - 1 :]
    before, after = path[:, :-1], path[:, 1:]
    with torch.no_grad():
        condition = generator.condition(latents.content, latents.labels)
    noise = torch.zeros(1, path.shape[1], generator.noise_dim, device=path.device, requires_grad=True)
    optimizer = torch.optim.Adam([noise], lr=0.1)
    for step in range(SOLVER_STEPS + 1):
        with torch.enable_grad():
            codes, integrators = generator.dynamics.step_from(before, noise, condition)
            error = (codes - after).square().sum() / CODE_DEVIATION**2 + noise.square().sum()
        if step < SOLVER_STEPS:
            (noise.grad,) = torch.autograd.grad(error / 2, [noise])
            optimizer.step()
    return DynamicsState(codes[:, -1].detach(), integrators.detach())


def fade(position: int, length: int) -> float:
    """Return what is left of a difference at a position after it: near 1 at first, 0 from ``length + 1`` on."""
    return (1 + cos(pi * min(1.0, position / (length + 1)))) / 2
