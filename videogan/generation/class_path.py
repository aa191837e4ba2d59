"""A class that changes along a video, with a smooth cross-over from each to the next."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

CROSSING = 0.25
"""Share of a class's stretch in which it turns into the next."""


def smoothstep(x: float) -> float:
    """Return 3 x^2 - 2 x^3, which rises from 0 to 1 without a jerk at either end, for ``x`` in [0, 1]."""
    return x * x * (3 - 2 * x)


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
