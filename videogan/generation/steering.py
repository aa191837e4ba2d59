"""One video without an end that can be steered while it plays.

Between two latent steps other :class:`Controls` may take the place of the old ones: content and class glide to the new
values within a few steps, and the motion goes on by whichever seed is named. Left alone it is the video of ``sample``.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Annotated, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor
from torch.nn import functional

from videogan.artifacts.provenance import Seed
from videogan.errors import UsageError
from videogan.generation.chunks import ChunkDecoder, Replays
from videogan.generation.sampling import latent_stream
from videogan.models.generator import Generator
from videogan.models.latents import content_code, slerp

GLIDE = 0.5
"""Share of the way to new controls that content and class go in one latent step."""
ARRIVED = 1e-3
"""Distance from new controls, at the number that is furthest, at which the rest of the way is gone at once."""
MOST_SEEDS = 16
MOST_CLASSES = 1000
Offset = Annotated[float, Field(ge=-4, le=4)]


class Controls(BaseModel):
    """What a viewer can change.

    ``seeds`` are stops of the content, and ``at`` says where between them it is: k is seed k, counted from 0, and a
    fraction lies on the great arc to the next. ``motion_seed`` drives the motion; None is the first of the seeds.
    ``classes`` are the shares of all classes in their order, of any sum above 0; None is the class that the first seed
    has in ``sample``. ``offsets`` move the content along the model's directions, in standard deviations.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MOST_SEEDS)] = (0,)
    at: Annotated[float, Field(ge=0)] = 0.0
    motion_seed: Seed | None = None
    classes: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(max_length=MOST_CLASSES)] | None = None
    truncation: Annotated[float, Field(ge=0, le=1)] = 1.0
    speed: Annotated[float, Field(ge=0.05, le=8)] = 1.0
    offsets: tuple[Offset, Offset] = (0.0, 0.0)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.at > len(self.seeds) - 1:
            raise ValueError(f"at {self.at:g}: the last of the seeds is at {len(self.seeds) - 1}")
        if self.classes is not None and not sum(self.classes) > 0:
            raise ValueError("classes: at least one share must be above 0")
        return self


class SteeredVideo:
    """A video that goes on for ever, some latent steps at a time, in constant memory.

    Args:
        generator: makes it.
        controls: how it begins.
        directions: ``(2 d)``, along which ``controls.offsets`` move the content noise; None: offsets do nothing.
        replays: what it shares with other videos of the generator.

    Raises:
        UsageError: the controls name shares of other classes than the generator has.
    """

    def __init__(
        self,
        generator: Generator,
        controls: Controls,
        directions: Tensor | None = None,
        replays: Replays | None = None,
    ) -> None:
        self._generator, self._directions = generator, directions
        self._device = next(generator.parameters()).device
        self._motion_seed = -1
        self.steer(controls)
        self._noise, self._shares = self._target
        with torch.inference_mode():
            first = self._latents.motion_noise(1 + generator.burn_in).to(self._device)
            content = content_code(self._noise, generator.prior)
            self._dynamics = generator.run_in(content, self._shares, first)
        self._before = self._after = self._dynamics.motion_code
        self._walked = -1
        self._position = generator.context_steps * (1 - controls.speed)
        self._decoder = ChunkDecoder(replays or Replays(generator))

    def steer(self, controls: Controls) -> None:
        """Let the frames that are not yet made follow other controls.

        Raises:
            UsageError: they name shares of other classes than the generator has; nothing changes.
        """
        self._target = content_and_classes(self._generator, controls, self._directions)
        self._speed = controls.speed
        seed = controls.seeds[0] if controls.motion_seed is None else controls.motion_seed
        if seed != self._motion_seed:
            self._motion_seed, self._latents = seed, latent_stream(self._generator, [seed])

    def frames(self, steps: int = 1) -> Tensor:
        """Return the next frames, four to a latent step: ``(1 t c h w)`` in [-1, 1]."""
        if not self._decoder.began:
            steps += self._generator.context_steps
        with torch.inference_mode():
            path = [self._step() for _ in range(steps)]
            codes, conditions = (torch.stack(part, dim=1) for part in zip(*path, strict=True))
            return self._decoder(codes, conditions)

    def _step(self) -> tuple[Tensor, Tensor]:
        """Take one latent step, and return its motion code ``(1 m)`` and condition ``(1 k)``."""
        noise, shares = self._target
        self._noise = _nearer(self._noise, noise)
        if shares is not None and self._shares is not None:
            self._shares = _nearer(self._shares, shares)
        condition = self._generator.condition(content_code(self._noise, self._generator.prior), self._shares)
        position = max(0.0, self._position)
        self._position += self._speed
        # The code at a position lies between those of two steps of the dynamics; at speed 1 it is the first of them.
        while self._walked < int(position) + (position % 1 > 0):
            drive = self._latents.motion_noise(1).to(self._device)
            codes, self._dynamics = self._generator.dynamics(drive, condition[:, None], self._dynamics)
            self._before, self._after, self._walked = self._after, codes[:, 0], self._walked + 1
        share = position - self._walked + 1
        return torch.lerp(self._before, self._after, share), condition


def content_and_classes(
    generator: Generator, controls: Controls, directions: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Return the content noise ``(1 d)``, truncated, and the shares of the classes ``(1 n)`` that controls stand for.

    Raises:
        UsageError: they name shares of other classes than the generator has.
    """
    device, num_classes = next(generator.parameters()).device, generator.num_classes
    if controls.classes is not None and len(controls.classes) != num_classes:
        raise UsageError(f"classes: {len(controls.classes)} shares for a model of {num_classes} classes")
    stops = latent_stream(generator, controls.seeds).content_noise.to(device)
    leg = min(int(controls.at), max(0, len(stops) - 2))
    way = controls.at - leg
    noise = slerp(stops[leg], stops[leg + 1], way) if way else stops[leg]
    if directions is not None:
        noise = noise + torch.tensor(controls.offsets, device=device) @ directions
    noise = (noise * controls.truncation)[None]
    if not num_classes:
        return noise, None
    if controls.classes is None:
        return noise, functional.one_hot(torch.tensor([controls.seeds[0] % num_classes]), num_classes).to(noise)
    return noise, (torch.tensor([controls.classes]) / sum(controls.classes)).to(device)


def steered(
    generator: Generator, timeline: Sequence[tuple[int, Controls]], directions: Tensor | None = None
) -> Iterator[Tensor]:
    """Yield the frames of a steered video, ``(1 4 c h w)`` at a time, for ever.

    ``timeline`` names controls and the latent step, counted from 0 and rising, from which they hold.
    """
    (_, first), *_ = timeline
    video = SteeredVideo(generator, first, directions)
    changes = dict(timeline)
    for step in count():
        if step in changes:
            video.steer(changes[step])
        yield video.frames()


def _nearer(value: Tensor, target: Tensor) -> Tensor:
    """Return a value on the way to a target, or the target where it is as good as reached."""
    if (target - value).abs().max() < ARRIVED:
        return target
    return torch.lerp(value, target, GLIDE)
