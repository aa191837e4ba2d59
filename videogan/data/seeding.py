"""Randomness from a position (seed, step, rank, ...) and from nothing else, so that a resumed run draws the same.

A position is a list of whole numbers from 0 on; positions that differ anywhere give unrelated draws.
"""

import numpy as np


def position_rng(*position: int) -> np.random.Generator:
    """Return NumPy's generator for a position."""
    return np.random.default_rng(position)


def position_seed(*position: int) -> int:
    """Return a 63-bit seed for torch's generators, hashed from a position."""
    return int(np.random.SeedSequence(position).generate_state(1, np.uint64)[0] >> 1)


def mirror_seed(seed: int, step: int) -> int:
    """Return the 63-bit seed by which the clips of a step are mirrored.

    Not :func:`position_seed`: runs that were begun with this rule go on with it.
    """
    return (seed * 1_000_003 + step) % 2**63
