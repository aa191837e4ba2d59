"""One video from several: its content, its motion or both move from stop to stop.

A stop is a seed's video or a given clip. Positions count latent steps from the first frame; those below 0 are the
decoder's history.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from videogan.config import FRAMES_PER_STEP
from videogan.errors import UsageError, did_you_mean
from videogan.generation.class_path import smoothstep
from videogan.generation.prediction import continued_codes
from videogan.generation.sampling import Conditions, decoded, latent_stream, motion_codes, take
from videogan.models.generator import Generator
from videogan.models.latents import ClipLatents, content_code, content_noise, slerp

Axis = Literal["content", "motion", "both"]
AXES: tuple[Axis, ...] = ("content", "motion", "both")
BEND_STEPS = 8
"""Latent steps at the end of a loop, besides the decoder's history, in which its motion turns back to the beginning."""


@dataclass(frozen=True)
class Stop:
    """What a morph passes: content noise ``(d)``, class, and motion codes ``(1 m)`` without end, history first.

    A seed's motion depends on the condition that the dynamics run under; a clip's only beyond its end.
    """

    content_noise: Tensor
    label: int | None
    motion: Callable[[Conditions], Iterator[Tensor]]


def seed_stop(generator: Generator, seed: int, label: int | None) -> Stop:
    """Return the video of a seed."""
    content = latent_stream(generator, [seed]).content_noise[0]
    return Stop(
        content.to(next(generator.parameters()).device),
        label,
        lambda conditions: motion_codes(generator, latent_stream(generator, [seed]), conditions),
    )


def clip_stop(generator: Generator, latents: ClipLatents, seed: int = 0) -> Stop:
    """Return a given clip; beyond its end the dynamics continue its motion by a seed."""

    def motion(conditions: Conditions) -> Iterator[Tensor]:
        yield from latents.path.unbind(1)
        yield from continued_codes(generator, latents, [seed], conditions, latents.motion_codes.shape[1])

    return Stop(content_noise(latents.content[0], generator.prior), latents.label, motion)


def check_axis(axis: str) -> Axis:
    """Return the axis of this name, or raise UsageError."""
    for name in AXES:
        if axis == name:
            return name
    raise UsageError(f"axis {axis!r}{did_you_mean(axis, AXES)}: must be {', '.join(AXES[:-1])} or {AXES[-1]}")


def default_frames(stops: int, *, hold_frames: int, loop: bool) -> int:
    """Return how many frames a morph has where nobody says: 64 from stop to stop, beside those held."""
    legs = stops if loop else stops - 1
    return max(1, legs) * 64 + hold_frames * (stops if loop or stops > 1 else 0)


def check_hold(stops: int, *, num_frames: int, hold_frames: int, loop: bool) -> None:
    """Raise UsageError where holding takes all of the frames."""
    steps, hold = (-(-frames // FRAMES_PER_STEP) for frames in (num_frames, hold_frames))
    path_progress(steps, stops if loop else stops - 1, hold=hold, loop=loop)


def morph(
    generator: Generator,
    stops: Sequence[Stop],
    *,
    num_frames: int,
    axis: Axis = "content",
    hold_frames: int = 0,
    ease: bool = False,
    loop: bool = False,
    truncation: float = 1.0,
) -> Iterator[Tensor]:
    """Yield one video of ``num_frames`` frames through all stops in chunks ``(1 t c h w)``.

    ``content``: content and class move, the motion is the first stop's and goes on. ``motion``: content and class stay
    the first stop's, the motion codes move from one path to the next. ``both``: all of them move. Content noise moves
    along great arcs, the rest in straight lines. ``hold_frames`` are spent at each stop (in latent steps of four
    frames, rounded up); ``ease`` starts and ends every move gently. With ``loop`` the video returns to the first stop,
    and its motion to where it began, so that it can be repeated.

    Raises:
        UsageError: holding takes all of the frames.
    """
    if loop:
        stops = [*stops, stops[0]]
    steps = -(-num_frames // generator.frames_per_step)
    path = path_progress(steps, len(stops) - 1, hold=-(-hold_frames // generator.frames_per_step), ease=ease, loop=loop)
    if not loop:
        path = [path[0]] * generator.context_steps + path
    else:
        # The decoder's history is the end of the round before.
        path = [path[step % steps] for step in range(-generator.context_steps, steps)]
    conditions = _conditions(generator, stops, path if axis != "motion" else [0.0], truncation)
    codes = _motion(stops if axis != "content" else stops[:1], path, conditions)
    if loop:
        codes = iter(_bent(list(islice(codes, generator.context_steps + steps)), generator.context_steps))
    return take(decoded(generator, codes, conditions), num_frames)


def swap(generator: Generator, stops: Sequence[Stop], *, num_frames: int, truncation: float = 1.0) -> Iterator[Tensor]:
    """Yield every content with every motion, ``(b t c h w)``: contents are rows, motions columns."""
    rows = [_conditions(generator, [stop], [0.0], truncation) for stop in stops]
    cells = [stop.motion(row) for row in rows for stop in stops]

    def conditions(positions: Sequence[float]) -> Tensor:
        return torch.cat([row(positions) for row in rows]).repeat_interleave(len(stops), dim=0)

    codes = (torch.cat(step) for step in zip(*cells, strict=True))
    return take(decoded(generator, codes, conditions), num_frames)


def path_progress(steps: int, legs: int, *, hold: int = 0, ease: bool = False, loop: bool = False) -> list[float]:
    """Return where the path stands at each of ``steps`` latent steps: stop k at k, in between on its way.

    Every leg takes equally long, and ``hold`` steps pass at each stop. A loop's last stop is its first, which would
    come after the last step.

    Raises:
        UsageError: nothing is left for the way.
    """
    if legs == 0:
        return [0.0] * steps
    held = hold * (legs if loop else legs + 1)
    moving = ((steps if loop else steps - 1) - held) / legs
    if held and moving < 1:
        needed = FRAMES_PER_STEP * (held + legs + 1)
        raise UsageError(f"holding takes all of the frames; ask for at least {needed} by --frames, or hold shorter")
    path = []
    for step in range(steps):
        leg = min(int(step / (hold + moving)), legs - 1) if hold + moving else 0
        way = (step - leg * (hold + moving) - hold) / moving if moving else 0.0
        way = min(1.0, max(0.0, way))
        path.append(leg + (smoothstep(way) if ease else way))
    return path


def _conditions(generator: Generator, stops: Sequence[Stop], path: Sequence[float], truncation: float) -> Conditions:
    """Return the condition along a path from stop to stop, the decoder's history first; it stays at its ends."""
    noise = torch.stack([stop.content_noise for stop in stops])
    shares = _class_shares(generator, stops).to(noise)
    history = generator.context_steps

    @torch.inference_mode()
    def conditions(positions: Sequence[float]) -> Tensor:
        content, classes = [], []
        for position in positions:
            progress = path[min(max(int(position) + history, 0), len(path) - 1)]
            leg = min(int(progress), max(0, len(stops) - 2))
            after, way = min(leg + 1, len(stops) - 1), progress - leg
            content.append(content_code(slerp(noise[leg], noise[after], way), generator.prior, truncation))
            classes.append(torch.lerp(shares[leg], shares[after], way))
        return generator.condition(torch.stack(content)[None], torch.stack(classes)[None])

    return conditions


def _class_shares(generator: Generator, stops: Sequence[Stop]) -> Tensor:
    """Return the share of every class at each stop, ``(stops num_classes)``: all of its own."""
    labels = torch.tensor([stop.label if generator.num_classes else 0 for stop in stops])
    return functional.one_hot(labels, max(1, generator.num_classes))


def _motion(stops: Sequence[Stop], path: Sequence[float], conditions: Conditions) -> Iterator[Tensor]:
    """Yield motion codes ``(1 m)``, history first, that move from stop to stop along ``path``; it stays at its end."""
    for number, codes in enumerate(zip(*(stop.motion(conditions) for stop in stops), strict=True)):
        progress = path[min(number, len(path) - 1)]
        leg = min(int(progress), max(0, len(codes) - 2))
        yield torch.lerp(codes[leg], codes[leg + 1], progress - leg) if len(codes) > 1 else codes[0]


def _bent(codes: list[Tensor], history: int) -> list[Tensor]:
    """Bend the end of a path, ``history`` codes before its first, so that it leads into its beginning."""
    steps = len(codes) - history
    bend = min(BEND_STEPS, max(0, steps // 2 - history))
    bent = list(codes)
    for back in range(1, min(history + bend, steps) + 1):
        way = min(1.0, (history + bend + 1 - back) / (bend + 1))
        bent[-back] = torch.lerp(codes[-back], codes[max(0, history - back)], smoothstep(way))
    return bent
