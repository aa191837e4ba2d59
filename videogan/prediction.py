"""What may come after a given clip: the generator goes on from the latents of its end.

The dynamics' state is the GRU's last motion code and the integrators' value. The first is known; the second is solved
for. The motion noise after that is drawn by a seed, and each seed is another future.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, count
from math import cos, pi

import torch
from einops import rearrange
from torch import Tensor

from videogan.inversion import render
from videogan.models.dynamics import DynamicsState
from videogan.models.generator import Generator
from videogan.models.latents import ClipLatents
from videogan.sampling import CHUNK_STEPS, Conditions, decoded, latent_stream, take

FADE_FRAMES = 12
"""Frames over which the difference between the last real frame and its reconstruction fades out."""
FADE_STEPS = 3
"""The same in latent steps, for the difference between the last motion code and what the dynamics make of it."""
TAIL_FRAMES = 64
"""Frames at the end of a clip that its future is predicted from."""
HALF_WEIGHT_FRAMES = 16
"""A frame this long before the end counts half as much as the last one."""
DYNAMICS_WEIGHT = 1.0
"""How much a found path of motion codes must be one that the dynamics walk, beside what it must look like."""
SOLVED_STEPS = 8
"""Latent steps at the end from which the integrators are solved for."""
SOLVER_STEPS = 200
CODE_DEVIATION = 0.1
"""How exactly the dynamics are expected to meet found motion codes (standard deviation)."""


def tail_weights(num_frames: int) -> Tensor:
    """Return how much each frame of the end of a clip counts ``(t)``: the last one most."""
    before = torch.arange(num_frames - 1, -1, -1)
    return 0.5 ** (before / HALF_WEIGHT_FRAMES)


def predict(
    generator: Generator, last_frame: Tensor, latents: ClipLatents, seeds: Sequence[int], *, num_frames: int
) -> Iterator[Tensor]:
    """Yield the ``num_frames`` frames after a clip in chunks ``(b t c h w)``, one video per seed.

    ``last_frame (c h w)`` in [-1, 1] is the clip's, ``latents`` are those of its end. The decoder has seen the clip's
    own codes; what its reconstruction lacks of the last frame is added and fades out.
    """
    device = latents.content.device
    with torch.no_grad():
        condition = generator.condition(latents.content, latents.labels)[:, None]
        for chunk in render(generator, latents):
            reconstructed = chunk[0, -1]
    residual = last_frame.to(device) - reconstructed

    def conditions(positions: Sequence[float]) -> Tensor:
        return condition.expand(len(seeds), len(positions), -1)

    history = (code.expand(len(seeds), -1) for code in latents.path[:, -generator.context_steps :].unbind(1))
    codes = chain(history, continued_codes(generator, latents, seeds, conditions))
    first = 1
    for chunk in take(decoded(generator, codes, conditions), num_frames):
        shares = [fade(first + frame, FADE_FRAMES) for frame in range(chunk.shape[1])]
        first += chunk.shape[1]
        yield (chunk + torch.tensor(shares, device=device).view(1, -1, 1, 1, 1) * residual).clamp(-1, 1)


def continued_codes(
    generator: Generator, latents: ClipLatents, seeds: Sequence[int], conditions: Conditions, first: int = 0
) -> Iterator[Tensor]:
    """Yield motion codes ``(b m)`` of the latent steps after a clip, for ever; the first is at position ``first``."""
    state = last_state(generator, latents)
    # The dynamics walk on from a code of their own; what sets the found one apart fades out.
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


def last_state(generator: Generator, latents: ClipLatents) -> DynamicsState:
    """Return the most likely state of the dynamics ``(1 ...)`` after the last latent step of a clip.

    Minimises the negative log posterior of the motion noise of the last steps: a normal prior on the noise, and a
    normal error of the motion code that the GRU makes of it and of the code before.
    """
    dynamics = generator.dynamics
    path = latents.path.detach()[:, -SOLVED_STEPS - 1 :]
    before, after = path[0, :-1], path[0, 1:]
    with torch.no_grad():
        condition = generator.condition(latents.content, latents.labels)
    noise = torch.zeros(1, len(after) + 1, generator.noise_dim, device=path.device, requires_grad=True)
    optimizer = torch.optim.Adam([noise], lr=0.1)
    for step in range(SOLVER_STEPS + 1):
        with torch.enable_grad():
            values, last = dynamics.integrate(noise[:, 1:], noise[:, 0])
            drive = rearrange(dynamics.noise(values) + dynamics.condition(condition), "1 s m -> s 1 m")
            made, _ = dynamics.gru(drive, before[None].contiguous())
            error = (made[:, 0] - after).square().sum() / CODE_DEVIATION**2 + noise.square().sum()
        if step < SOLVER_STEPS:
            (noise.grad,) = torch.autograd.grad(error / 2, [noise])
            optimizer.step()
    return DynamicsState(made[-1:, 0].detach(), last.detach())


def fade(position: int, length: int) -> float:
    """Return what is left of a difference at a position after it: near 1 at first, 0 from ``length + 1`` on."""
    return (1 + cos(pi * min(1.0, position / (length + 1)))) / 2
