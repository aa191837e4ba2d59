"""Which clips are decoded together: several of one video, handed out far apart, all of it a function of position.

Positions count the clips of a training from its first step on, those of all ranks. A block of ``RUNS`` times ``CLIPS``
of them is shuffled: each run of ``CLIPS`` clips, neighbours in one video, falls on slots of the block that the seed
decides. The clip at a position does not depend on what came before::

    position   0     1     2     3     4     5     6     7
    run        2     0     0     3     1     2     3     1      RUNS = 4, CLIPS = 2
    member     0     1     0     1     0     1     0     1
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from videogan.data.seeding import position_rng

RUNS = 64
CLIPS = 4


@dataclass(frozen=True, order=True)
class Run:
    """A run of clips that are decoded together: the ``number``-th of a block."""

    block: int
    number: int


class RunOrder:
    """Which positions belong to which run: a permutation of each block."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._latest: tuple[int, np.ndarray] = (-1, np.zeros(0, np.int64))

    def locate(self, position: int) -> tuple[Run, int]:
        """Return the run of a position and which of its clips it is."""
        block, slot = divmod(position, RUNS * CLIPS)
        number, member = divmod(int(self._members(block)[slot]), CLIPS)
        return Run(block, number), member

    def positions(self, run: Run) -> list[int]:
        """Return the positions of a run's clips, in the order of its members."""
        slots = np.argsort(self._members(run.block))[run.number * CLIPS : (run.number + 1) * CLIPS]
        return (run.block * RUNS * CLIPS + slots).tolist()

    def draw(self, run: Run, attempt: int) -> np.ndarray:
        """Return uniform draws (3) that decide the run's video and its first clip, others at each attempt."""
        return position_rng(self._seed, run.block, run.number, attempt).random(3)

    def _members(self, block: int) -> np.ndarray:
        """Return what lies in each slot of a block: a run's number times CLIPS plus the number of its member."""
        latest = self._latest  # several threads ask, not all of them for the same block
        if latest[0] != block:
            latest = (block, position_rng(self._seed, block).permutation(RUNS * CLIPS))
            self._latest = latest
        return latest[1]


class ShuffleBuffer:
    """Holds clips that were decoded before their position came; what is missing is decoded, in any order of asking.

    ``decode(run, members)`` returns clips (t h w c) and their videos for members of one run; ``mine`` says whether a
    position is of this rank; ``each`` maps a function over runs, in threads or not.
    """

    def __init__(
        self,
        order: RunOrder,
        decode: Callable[[Run, list[int]], list[tuple[np.ndarray, int]]],
        mine: Callable[[int], bool],
        each: Callable[..., Iterable[list[tuple[int, np.ndarray, int]]]],
    ) -> None:
        self._order, self._decode, self._mine, self._each = order, decode, mine, each
        self._held: dict[int, tuple[np.ndarray, int]] = {}
        self._lock = threading.Lock()

    def take(self, positions: list[int]) -> list[tuple[np.ndarray, int]]:
        """Return the clip and the video of each of these positions, ascending ones, and forget them."""
        with self._lock:
            return self._take(positions)

    def _take(self, positions: list[int]) -> list[tuple[np.ndarray, int]]:
        first = positions[0]
        near = range(first, positions[-1] + 2 * RUNS * CLIPS)
        self._held = {position: clip for position, clip in self._held.items() if position in near}
        runs = sorted({self._order.locate(position)[0] for position in positions if position not in self._held})
        for clips in self._each(lambda run: self._ahead(run, first), runs):
            self._held.update({position: (clip, video) for position, clip, video in clips})
        return [self._held.pop(position) for position in positions]

    def _ahead(self, run: Run, first: int) -> list[tuple[int, np.ndarray, int]]:
        """Decode the clips of a run whose positions are this rank's and have not gone by."""
        positions = self._order.positions(run)
        due = [member for member, position in enumerate(positions) if position >= first and self._mine(position)]
        clips = self._decode(run, due)
        return [(positions[member], clip, video) for member, (clip, video) in zip(due, clips, strict=True)]
