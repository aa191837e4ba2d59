"""How the cache of a folder is divided, so that it can be filled piece by piece and by several processes at once.

Files are put into a tree by a hash of the folder that they lie in and then of their names. A part is the largest branch
that holds neither too many files nor too many bytes. So what lies together is read together, and one file more or less
changes the part that it lies in, which is divided in two where it has become too large, and no other.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from videogan.data.listing import Listing

PART_VIDEOS = 2_048
_PART_BYTES = 2 << 30
_BITS = 64


@dataclass(frozen=True)
class Part:
    """A part of the files of a listing: its name among all parts, and the numbers of its rows, ascending."""

    name: str
    rows: np.ndarray


def split(listing: Listing, part_videos: int = PART_VIDEOS) -> list[Part]:
    """Divide a listing into parts of at most so many files, and of at most 2 GiB unless a file alone is larger."""
    keys = np.array([_key(name) for name in listing.every_name()], np.uint64)
    order = np.argsort(keys, kind="stable")
    share = np.maximum(1 / part_videos, listing.rows["size"] / _PART_BYTES)[order]
    return [Part(name, np.sort(order[first:end])) for name, first, end in _branches(keys[order], share.cumsum())]


def _branches(keys: np.ndarray, filled: np.ndarray) -> Iterator[tuple[str, int, int]]:
    """Yield name, first and end of each part of rising keys; ``filled`` adds up which share of a part each one is."""
    waiting = [(0, 0, 0, len(keys))]
    while waiting:
        depth, low, first, end = waiting.pop()
        total = filled[end - 1] - (filled[first - 1] if first else 0) if end > first else 0
        if end - first > 1 and total > 1 + 1e-6 and depth < _BITS:
            high = low + (1 << (_BITS - 1 - depth))
            middle = first + int(np.searchsorted(keys[first:end], np.uint64(high)))
            waiting += [(depth + 1, high, middle, end), (depth + 1, low, first, middle)]
        elif end > first:
            yield f"{low:016x}{depth:02d}", first, end


def _key(name: bytes) -> int:
    folder, _, own = name.rpartition(os.fsencode(os.sep))
    digest = hashlib.blake2b(folder, digest_size=4).digest() + hashlib.blake2b(own, digest_size=4).digest()
    return int.from_bytes(digest)
