"""A trained model in three lines: ``import videogan``, ``model = videogan.load()``, ``model.stream(seed=7)``."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from videogan import sampling
from videogan.checkpoint import Card, fingerprint, load_weights
from videogan.class_path import ClassPath
from videogan.device import pick_device
from videogan.errors import UsageError, did_you_mean
from videogan.models.encoder import Codes, Encoder
from videogan.models.generator import Generator
from videogan.runs import find_weights
from videogan.video import to_float, to_uint8

HOLD_STEPS = 32
"""Latent steps of each class in a video without an end."""


@dataclass(frozen=True)
class Model:
    """A trained model: generator and encoder, what its card says, and where it came from."""

    generator: Generator
    encoder: Encoder
    card: Card
    device: torch.device
    path: Path

    @property
    def frame_rate(self) -> Fraction:
        """Frames per second of its videos."""
        return self.card.frame_rate

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of its classes, empty if it has none."""
        return self.card.class_names

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the weights file."""
        return fingerprint(self.path).sha256

    def stream(
        self, seed: int = 0, class_name: str | None = None, *, truncation: float = 1.0, speed: float = 1.0
    ) -> Iterator[np.ndarray]:
        """Yield the frames of one video for ever: uint8 ``h w c``.

        Without a class name, a model with classes takes the one that stands at the seed's turn. ``class_name`` may also
        be several with commas between; each then lasts 128 frames, in turn.

        Raises:
            UsageError: there is no such class, or an option is out of range.
        """
        _check(truncation=truncation, speed=speed, seeds=[seed])
        chunks = sampling.stream(
            self.generator,
            [seed],
            self.labels(class_name, [seed]),
            truncation=truncation,
            speed=speed,
            classes=self.class_path(class_name),
        )
        return _frames(chunks)

    def interpolate(
        self,
        seeds: Sequence[int],
        num_frames: int,
        class_name: str | None = None,
        *,
        truncation: float = 1.0,
        loop: bool = False,
    ) -> Iterator[np.ndarray]:
        """Yield ``num_frames`` frames, uint8 ``h w c``, whose content morphs while its motion goes on.

        Raises:
            UsageError: there is no seed or no such class, or an option is out of range.
        """
        _check(truncation=truncation, speed=1.0, seeds=seeds)
        if num_frames < 1:
            raise UsageError(f"num_frames {num_frames}: must be at least 1")
        labels = self.labels(class_name, seeds[:1])
        chunks = sampling.interpolate(
            self.generator, seeds, labels, num_frames=num_frames, truncation=truncation, loop=loop
        )
        return _frames(chunks)

    def encode(self, clip: np.ndarray) -> Codes:
        """Return what a clip is made from: content code ``(1 d)`` and motion codes ``(1 s m)``.

        ``clip`` is uint8 ``t h w c`` of the model's size, ``t`` a multiple of four.

        Raises:
            UsageError: it is not.
        """
        size = self.generator.size
        fits = clip.dtype == np.uint8 and clip.ndim == 4 and clip.shape[1:] == (size, size, 3)
        if not fits or len(clip) == 0 or len(clip) % self.generator.frames_per_step:
            wanted = f"uint8 t {size} {size} 3 with t a multiple of {self.generator.frames_per_step}"
            raise UsageError(f"a clip of shape {clip.shape}, {clip.dtype}: must be {wanted}")
        with torch.inference_mode():
            codes: Codes = self.encoder(to_float(clip)[None].to(self.device))
        return codes

    def labels(self, class_name: str | None, seeds: Sequence[int]) -> Tensor | None:
        """Return the label of each seed's video: the (first) named class, or the classes in turn by seed.

        Raises:
            UsageError: there is no such class, or the model has no classes.
        """
        if class_name is not None:
            return torch.full((len(seeds),), self.class_labels(class_name)[0], device=self.device)
        names = self.class_names
        return torch.tensor([seed % len(names) for seed in seeds], device=self.device) if names else None

    def class_labels(self, class_name: str) -> list[int]:
        """Return the labels of a class name, or of several with commas between.

        Raises:
            UsageError: there is no such class, or the model has no classes.
        """
        names = self.class_names
        if not names:
            raise UsageError(f"class {class_name}: this model was trained without classes")
        if class_name in names:
            return [names.index(class_name)]
        wanted = [part.strip() for part in class_name.split(",")]
        for name in wanted:
            if name not in names:
                hint = did_you_mean(name, names)
                raise UsageError(f"there is no class {name!r}{hint}; classes are {', '.join(names)}")
        return [names.index(name) for name in wanted]

    def class_path(
        self, class_name: str | None, num_frames: int | None = None, *, cyclic: bool = False
    ) -> ClassPath | None:
        """Return the path through several classes, equally long in ``num_frames`` frames; None for one class.

        In a video without an end they come in turn for ever.
        """
        labels = [] if class_name is None else self.class_labels(class_name)
        if len(labels) < 2:
            return None
        if num_frames is None:
            return ClassPath(tuple(labels), HOLD_STEPS, cyclic=True)
        steps = -(-num_frames // self.generator.frames_per_step)
        return ClassPath(tuple(labels), steps / len(labels), cyclic)


def load(path: str | os.PathLike[str] | None = None, device: str | torch.device | None = None) -> Model:
    """Load a run folder, a checkpoint or a weights file; None is the newest run, or the model that is shipped.

    Raises:
        MissingPathError: there is no such path.
        CheckpointError: it holds no usable model.
    """
    place = pick_device() if device is None else torch.device(device)
    file = find_weights(None if path is None else Path(path))
    weights = load_weights(file, place)
    return Model(weights.generator, weights.encoder, weights.card, place, file)


def _frames(chunks: Iterator[Tensor]) -> Iterator[np.ndarray]:
    for chunk in chunks:
        yield from to_uint8(chunk[0].cpu())


def _check(*, truncation: float, speed: float, seeds: Sequence[int]) -> None:
    if not 0 <= truncation <= 1:
        raise UsageError(f"truncation {truncation}: must be from 0 to 1")
    if not 0.05 <= speed <= 8:
        raise UsageError(f"speed {speed}: must be from 0.05 to 8")
    if not len(seeds) or min(seeds) < 0:
        raise UsageError(f"seeds {list(seeds)}: must be whole numbers from 0 on, at least one")
