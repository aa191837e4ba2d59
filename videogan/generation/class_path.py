"""A class that changes along a video, with a smooth cross-over from each to the next."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from videogan.config import FRAMES_PER_STEP
from videogan.errors import UsageError, did_you_mean

HOLD_STEPS = 32
"""Latent steps of each class in a video without an end."""
CROSSING = 0.25
"""Share of a class's stretch in which it turns into the next."""


def smoothstep(x: float) -> float:
    """Return 3 x^2 - 2 x^3, which rises from 0 to 1 without a jerk at either end, for ``x`` in [0, 1]."""
    return x * x * (3 - 2 * x)


def class_labels(text: str, class_names: Sequence[str]) -> list[int]:
    """Return the labels of a class name, or of several with commas between.

    Raises:
        UsageError: there is no such class, or the model has no classes.
    """
    if not class_names:
        raise UsageError(f"class {text}: this model was trained without classes")
    text = unicodedata.normalize(
        "NFC", text
    )  # as class names are: one keyboard writes é as one character, another as two
    names = [text] if text in class_names else [name.strip() for name in text.split(",")]
    for name in names:
        if name not in class_names:
            hint = did_you_mean(name, class_names)
            raise UsageError(f"there is no class {name!r}{hint}; classes are {', '.join(class_names)}")
    return [class_names.index(name) for name in names]


def seed_labels(text: str | None, class_names: Sequence[str], seeds: Sequence[int]) -> list[int] | None:
    """Return the label of each seed's video: the (first) named class, or the classes in turn by seed.

    Raises:
        UsageError: there is no such class, or the model has no classes.
    """
    if text is not None:
        return [class_labels(text, class_names)[0]] * len(seeds)
    return [seed % len(class_names) for seed in seeds] if class_names else None


@dataclass(frozen=True)
class ClassPath:
    """``labels`` one after the other, each for ``hold`` latent steps (above 0).

    A ``cyclic`` path goes on with the first label after the last; any other stays at the last.
    """

    labels: tuple[int, ...]
    hold: float
    cyclic: bool = False

    def mixture(self, positions: Sequence[float], num_classes: int) -> Tensor:
        """Return the share of every class at each position, in latent steps: ``(s num_classes)``, rows add up to 1."""
        shares = torch.zeros(len(positions), num_classes)
        for row, position in zip(shares, positions, strict=True):
            turn, rest = divmod(position / self.hold if self.cyclic else max(0.0, position / self.hold), 1)
            way = max(0.0, (rest - (1 - CROSSING)) / CROSSING)
            share = smoothstep(way)
            row[self._label(int(turn))] += 1 - share
            row[self._label(int(turn) + 1)] += share
        return shares

    def _label(self, turn: int) -> int:
        return self.labels[turn % len(self.labels) if self.cyclic else min(turn, len(self.labels) - 1)]


def class_path(
    text: str | None, class_names: Sequence[str], num_frames: int | None, *, cyclic: bool = False
) -> ClassPath | None:
    """Return the path through several named classes, equally long in ``num_frames`` frames; None for one class.

    In a video without an end they come in turn for ever.
    """
    labels = [] if text is None else class_labels(text, class_names)
    if len(labels) < 2:
        return None
    if num_frames is None:
        return ClassPath(tuple(labels), HOLD_STEPS, cyclic=True)
    return ClassPath(tuple(labels), -(-num_frames // FRAMES_PER_STEP) / len(labels), cyclic)
