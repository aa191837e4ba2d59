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

from videogan.errors import UsageError
from videogan.models.generator import Generator
from videogan.models.latents import ClipLatents, content_code, content_noise, slerp
from videogan.prediction import continued_codes
from videogan.sampling import Conditions, decoded, latent_stream, motion_codes, take

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
    """Return a given clip; beyond its end its motion goes on as the dynamics and a seed will have it."""

    def motion(conditions: Conditions) -> Iterator[Tensor]:
        yield from latents.path.unbind(1)
        yield from continued_codes(generator, latents, [seed], conditions, latents.motion_codes.shape[1])

    return Stop(content_noise(latents.content[0], generator.prior), latents.label, motion)


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
    places = path_places(steps, len(stops) - 1, hold=-(-hold_frames // generator.frames_per_step), ease=ease, loop=loop)
    if not loop:
        places = [places[0]] * generator.context_steps + places
    else:
        # The decoder's history is the end of the round before.
        places = [places[step % steps] for step in range(-generator.context_steps, steps)]
    conditions = _conditions(generator, stops, places if axis != "motion" else [0.0], truncation)
    codes = _motion(stops if axis != "content" else stops[:1], places, conditions)
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


def path_places(steps: int, legs: int, *, hold: int = 0, ease: bool = False, loop: bool = False) -> list[float]:
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
        needed = 4 * (held + legs + 1)
        raise UsageError(f"holding takes all of the frames; ask for at least {needed} by --frames, or hold shorter")
    places = []
    for step in range(steps):
        leg = min(int(step / (hold + moving)), legs - 1) if hold + moving else 0
        way = (step - leg * (hold + moving) - hold) / moving if moving else 0.0
        way = min(1.0, max(0.0, way))
        places.append(leg + (way * way * (3 - 2 * way) if ease else way))
    return places


def _conditions(generator: Generator, stops: Sequence[Stop], places: Sequence[float], truncation: float) -> Conditions:
    """Return the condition along a path of ``places``, those of the decoder's history first; it stays at its ends."""
    noise = torch.stack([stop.content_noise for stop in stops])
    history = generator.context_steps
    shares = torch.eye(max(1, generator.num_classes), device=noise.device)

    def conditions(positions: Sequence[float]) -> Tensor:
        content, classes = [], []
        for position in positions:
            place = places[min(max(int(position) + history, 0), len(places) - 1)]
            leg = min(int(place), max(0, len(stops) - 2))
            after, way = min(leg + 1, len(stops) - 1), place - leg
            content.append(content_code(slerp(noise[leg], noise[after], way), generator.prior, truncation))
            classes.append(torch.lerp(shares[stops[leg].label or 0], shares[stops[after].label or 0], way))
        with torch.inference_mode():
            return generator.condition(torch.stack(content)[None], torch.stack(classes)[None])

    return conditions


def _motion(stops: Sequence[Stop], places: Sequence[float], conditions: Conditions) -> Iterator[Tensor]:
    """Yield motion codes ``(1 m)``, history first, that move from stop to stop by ``places``; it stays at the last."""
    for number, codes in enumerate(zip(*(stop.motion(conditions) for stop in stops), strict=True)):
        place = places[min(number, len(places) - 1)]
        leg = min(int(place), max(0, len(codes) - 2))
        yield torch.lerp(codes[leg], codes[leg + 1], place - leg) if len(codes) > 1 else codes[0]


def _bent(codes: list[Tensor], history: int) -> list[Tensor]:
    """Bend the end of a path, ``history`` codes before its first, so that it leads into its beginning."""
    steps = len(codes) - history
    bend = min(BEND_STEPS, max(0, steps // 2 - history))
    bent = list(codes)
    for back in range(1, min(history + bend, steps) + 1):
        way = min(1.0, (history + bend + 1 - back) / (bend + 1))
        share = way * way * (3 - 2 * way)
        bent[-back] = torch.lerp(codes[-back], codes[max(0, history - back)], share)
    return bent
