"""From a clip to the latents that make it: by the encoder, then by optimisation.

A clip is ``t c h w`` in [-1, 1], of any length. Its frames are counted back from the last: where their number is no
multiple of four, the first frame is repeated before them, so that the last latent step ends with the clip and the
generator can go on from there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import cos, pi

import torch
from einops import rearrange, reduce, repeat
from torch import Tensor

from videogan.config import FRAMES_PER_STEP
from videogan.errors import UsageError
from videogan.files import Progress
from videogan.losses.reconstruction import reconstruction_loss
from videogan.models.encoder import Encoder
from videogan.models.generator import Generator
from videogan.models.latents import ClipLatents, content_code, content_noise

WINDOWS_AT_ONCE = 16
"""Windows of a long clip that the encoder sees in one batch."""
DECODED_STEPS = 16
"""Latent steps that are decoded at once while refining: memory does not grow with the clip."""
LEARNING_RATE = 0.2
WARMUP_SHARE = 0.05
NOISE_WEIGHT = 0.001
LARGEST_MOTION = 0.999
"""Motion codes lie in (-1, 1); those of the encoder are clamped to this before they are optimised behind a tanh."""


@dataclass(frozen=True)
class Inversion:
    """Latents of a clip and their error: mean absolute plus mean squared difference of pixels, as it was weighted.

    ``encoder`` are those of the encoder alone, from which refinement started.
    """

    latents: ClipLatents
    error: float
    encoder: ClipLatents


MOST_STEPS = 1_000_000
"""Steps of optimisation, of which a thousand are many."""


@dataclass(frozen=True)
class Refinement:
    """How latents are optimised.

    Attributes:
        steps: of optimisation, 0 for none.
        weights: how much each frame counts ``(t)``, above 0; None for all alike.
        dynamics_weight: of the distance of motion codes from a path that the dynamics walk, beside the pixels' error.
        learning_rate: of Adam, at its highest.

    Raises:
        UsageError: fewer than no steps, or more than any clip takes.
    """

    steps: int
    weights: Tensor | None = None
    dynamics_weight: float = 0.0
    learning_rate: float = LEARNING_RATE

    def __post_init__(self) -> None:
        """Refuse what no loop can do."""
        if self.steps < 0:
            raise UsageError(f"refine {self.steps}: must be at least 0")
        if self.steps > MOST_STEPS:
            raise UsageError(f"refine {self.steps}: must be at most {MOST_STEPS}")


def invert(
    generator: Generator,
    encoder: Encoder,
    clip: Tensor,
    refinement: Refinement,
    *,
    window: int,
    labels: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> Inversion:
    """Encode a clip, and refine the result.

    Args:
        generator: decodes; its weights stay as they are.
        encoder: the way back, trained on clips of ``window`` frames. A longer clip is seen in windows that end with it;
            its content code is the mean over them.
        clip: ``t c h w`` in [-1, 1].
        refinement: what follows the encoder.
        window: frames of a training clip, a multiple of four.
        labels: classes to choose from; None is every class that the generator has.
        progress: called after each step of refinement.

    The label is that of the lowest error of the encoder's codes. Comparing errors after some steps of refinement does
    not tell classes apart any better, since free motion codes make up for a wrong one.
    """
    encoded = _encode_as(generator, encoder, clip, window, _candidates(generator, labels))[0]
    return refine(generator, clip, encoded.latents, refinement, progress) if refinement.steps else encoded


def refine(
    generator: Generator,
    clip: Tensor,
    latents: ClipLatents,
    refinement: Refinement,
    progress: Progress | None = None,
) -> Inversion:
    """Move latents down the gradient of the reconstruction loss; the generator's weights stay as they are.

    Adam (Kingma and Ba 2015) with a short warm-up and a cosine decay, on the content noise behind the prior and on what
    lies behind a tanh of motion codes and history. The best latents on the way are returned, so the error never rises.

    Args:
        generator: decodes the latents.
        clip: ``t c h w`` in [-1, 1], ``latents.num_frames`` of them.
        latents: where to start.
        refinement: how many steps, and what counts.
        progress: called after each step.
    """
    clip, steps = clip.to(latents.content.device), refinement.steps
    shares = torch.ones(len(clip)) if refinement.weights is None else refinement.weights
    shares = (shares / shares.sum()).to(clip)
    noise = content_noise(latents.content, generator.prior).clone().requires_grad_()
    hidden = torch.atanh(latents.path.clamp(-LARGEST_MOTION, LARGEST_MOTION)).requires_grad_()
    motion_noise = torch.zeros(1, hidden.shape[1], generator.noise_dim, device=clip.device, requires_grad=True)
    optimizer = torch.optim.Adam([noise, hidden, motion_noise], betas=(0.9, 0.99))
    best, lowest = latents, float("inf")
    for step in range(steps + 1):
        error, gradients = _pixel_error(generator, clip, shares, (noise, hidden), latents.labels)
        noise.grad, hidden.grad = gradients
        if refinement.dynamics_weight:
            condition = generator.condition(content_code(noise, generator.prior), latents.labels)
            distance = dynamics_error(generator, torch.tanh(hidden), motion_noise, condition)
            term = refinement.dynamics_weight * distance
            more = torch.autograd.grad(term, (noise, hidden, motion_noise))
            noise.grad, hidden.grad, motion_noise.grad = gradients[0] + more[0], gradients[1] + more[1], more[2]
            error += term.item()
        if error < lowest:
            with torch.no_grad():
                content, path = content_code(noise, generator.prior), torch.tanh(hidden)
            history, motion_codes = path.tensor_split([generator.context_steps], dim=1)
            best, lowest = replace(latents, content=content, history=history, motion_codes=motion_codes), error
        if step < steps:
            for group in optimizer.param_groups:
                group["lr"] = refinement.learning_rate * schedule(step, steps)
            optimizer.step()
            if progress is not None:
                progress(step + 1, steps)
    return Inversion(best, lowest, latents)


def dynamics_error(generator: Generator, path: Tensor, motion_noise: Tensor, condition: Tensor) -> Tensor:
    """Return how far motion codes ``(1 k m)`` are from a path that the dynamics walk: 0 where they walk it.

    ``motion_noise (1 k n)`` drives them, its first step being the integrators' value before the second code. The error
    is the mean squared distance of each code from what the GRU makes of the code before, plus NOISE_WEIGHT times the
    mean square of the noise: up to factors a negative log posterior.
    """
    after, _ = generator.dynamics.step_from(path[:, :-1], motion_noise, condition)
    distance = (after - path[:, 1:]).square().mean()
    return distance + NOISE_WEIGHT * motion_noise.square().mean()


def schedule(step: int, steps: int) -> float:
    """Return the factor of the learning rate: a linear warm-up, then half a cosine down to 0."""
    warmup = max(1, round(steps * WARMUP_SHARE))
    if step < warmup:
        return (step + 1) / warmup
    return (1 + cos(pi * (step - warmup) / max(1, steps - warmup))) / 2


def render(generator: Generator, latents: ClipLatents) -> Iterator[Tensor]:
    """Yield the frames of latents in chunks ``(1 t c h w)`` in [-1, 1], ``num_frames`` in all."""
    skip = generator.frames_per_step * latents.motion_codes.shape[1] - latents.num_frames
    with torch.no_grad():
        for chunk in _chunks(generator, latents.content, latents.path, latents.labels):
            if skip < chunk.shape[1]:
                yield chunk[:, skip:].clamp(-1, 1)
            skip = max(0, skip - chunk.shape[1])


def _chunks(generator: Generator, content: Tensor, path: Tensor, labels: Tensor | None) -> Iterator[Tensor]:
    """Decode a path of codes, history first, some latent steps at a time; each chunk brings its own history."""
    history = generator.context_steps
    condition = generator.condition(content, labels)[:, None]
    for first in range(0, path.shape[1] - history, DECODED_STEPS):
        codes = path[:, first : first + history + DECODED_STEPS]
        yield generator.decode(codes, condition.expand(-1, codes.shape[1], -1))[0]


def _pixel_error(
    generator: Generator, clip: Tensor, shares: Tensor, leaves: tuple[Tensor, Tensor], labels: Tensor | None
) -> tuple[float, tuple[Tensor, Tensor]]:
    """Return the error, and its gradients by content noise ``(1 d)`` and hidden codes ``(1 h+s m)``."""
    noise, hidden = leaves
    noise_gradient, hidden_gradient = torch.zeros_like(noise), torch.zeros_like(hidden)
    history, error = generator.context_steps, 0.0
    # The codes' first frames may come before the clip's.
    start = len(clip) - generator.frames_per_step * (hidden.shape[1] - history)
    for first in range(0, hidden.shape[1] - history, DECODED_STEPS):
        part = hidden[:, first : first + history + DECODED_STEPS]
        content = content_code(noise, generator.prior)
        (frames,) = _chunks(generator, content, torch.tanh(part), labels)
        frames, start = frames[0, max(0, -start) :], max(0, start)
        end = start + len(frames)
        difference = frames - clip[start:end]
        per_frame = reduce(difference.abs() + difference.square(), "t c h w -> t", "mean")
        loss = (per_frame * shares[start:end]).sum()
        for_noise, for_part = torch.autograd.grad(loss, (noise, part))
        noise_gradient += for_noise
        hidden_gradient[:, first : first + part.shape[1]] += for_part
        start, error = end, error + loss.item()
    return error, (noise_gradient, hidden_gradient)


def _encode_as(
    generator: Generator, encoder: Encoder, clip: Tensor, window: int, labels: Sequence[int | None]
) -> list[Inversion]:
    """Return the encoder's codes with each of the labels, that of the lowest error at the clip's end first."""
    with torch.no_grad():
        clip = clip.to(next(encoder.parameters()).device)
        content, motion_codes = _codes(encoder, clip, window)
        history = motion_codes[:, :1].expand(-1, generator.context_steps, -1)
        inversions = []
        for label in labels:
            latents = ClipLatents(content, motion_codes, history, len(clip), label)
            end = latents.path[:, -generator.context_steps - DECODED_STEPS :]
            (frames,) = _chunks(generator, content, end, latents.labels)
            frames = frames[0, -len(clip) :]
            inversions.append(Inversion(latents, float(reconstruction_loss(clip[-len(frames) :], frames)), latents))
    return sorted(inversions, key=lambda inversion: inversion.error)


def _codes(encoder: Encoder, clip: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """Return content code ``(1 d)`` and motion codes ``(1 s m)`` of a clip ``t c h w``, seen in windows."""
    steps = -(-len(clip) // FRAMES_PER_STEP)
    missing = max(window, FRAMES_PER_STEP * steps) - len(clip)
    clip = torch.cat([repeat(clip[0], "c h w -> t c h w", t=missing), clip])
    starts = list(range(len(clip) - window, 0, -window))[::-1]
    windows = torch.stack([clip[start : start + window] for start in (0, *starts)])
    parts = [encoder(some) for some in windows.split(WINDOWS_AT_ONCE)]
    content = reduce(torch.cat([part.content for part in parts]), "n d -> 1 d", "mean")
    motion_codes = torch.cat([part.motion_codes for part in parts])
    # The first window may overlap the second, whose codes then count.
    first = motion_codes[0, : (starts[0] if starts else window) // FRAMES_PER_STEP]
    rest = rearrange(motion_codes[1:], "n s m -> (n s) m")
    return content, torch.cat([first, rest])[None, -steps:]


def _candidates(generator: Generator, labels: Sequence[int] | None) -> Sequence[int | None]:
    if generator.classes is None:
        return [None]
    return range(generator.num_classes) if labels is None else labels
