"""Videos that look alike, as copies, new encodings and mirror images do."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from einops import rearrange, reduce
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from videogan.data.listing import SourceVideo
from videogan.errors import MissingPathError, VideoError
from videogan.files import Progress, map_in_threads
from videogan.video import VideoReader

_THUMBNAIL = 16
# A new encoding moves thumbnails by up to 9 of 255 levels and mirroring a vivid one by up to 19, as colours are stored
# between pixels; takes of the same person in front of the same wall differ by 46 and more.
_SAME = 3 * 24
_SAME_MEAN = 3 * 3
_LEAF = 512
"""Thumbnails that are compared with one another rather than divided further."""
_SAMPLE = 64
"""Thumbnails by which the columns that spread most are picked."""
_PAIRS = 1 << 16
"""Pairs that are compared at a time."""


def near_duplicates(videos: Sequence[SourceVideo], progress: Progress | None = None) -> list[list[Path]]:
    """Groups of videos that look alike, or like each other's mirror image, at three moments.

    Compares 16x16 grey thumbnails of the frames at a quarter, half and three quarters: alike means that no point of
    them differs by more than 24 of 255 levels, nor the mean of all by more than 3.
    """
    thumbnails = map_in_threads(_thumbnails, videos, progress=progress)
    readable = [number for number, each in enumerate(thumbnails) if each is not None]
    if len(readable) < 2:
        return []
    stacked = np.stack([each for each in thumbnails if each is not None])
    group = group_alike(stacked)
    order = np.argsort(group, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    groups = sorted(member.tolist() for member in members if len(member) > 1)
    return [[videos[readable[number]].path for number in member] for member in groups]


def group_alike(thumbnails: np.ndarray) -> np.ndarray:
    """Return the number of each one's group.

    Args:
        thumbnails: sums of red, green and blue, int16 (n, 3, 16, 16) in [0, 765].
    """
    # Copies first: each is alike to every other, and their pairs would be very many.
    numbers: dict[bytes, int] = {}
    number = np.array([numbers.setdefault(each.tobytes(), len(numbers)) for each in thumbnails])
    distinct = thumbnails[np.unique(number, return_index=True)[1]]
    one, other = np.concatenate([np.empty((2, 0), np.int64), *_alike_pairs(distinct)], axis=1)
    graph = coo_array((np.ones(len(one)), (one, other)), shape=(len(distinct), len(distinct)))
    group: np.ndarray = connected_components(graph, directed=False)[1][number]
    return group


def _alike_pairs(thumbnails: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the numbers of thumbnails that are alike, int64 (2, pairs); a pair may come more than once.

    Divides the set at the median of a column, again and again. What lies up to ``_SAME`` above the median is in both
    halves, so that one of them holds both of a pair. A k-d tree would be searched for each thumbnail anew, and in so
    many dimensions most of its leaves would be.
    """
    columns = _columns(thumbnails)
    undivided = [np.arange(len(thumbnails))]
    while undivided:
        rows = undivided.pop()
        below, above = _halves(columns, rows) if len(rows) > _LEAF else (rows, rows)
        # Where much lies close to the median, dividing would not make the pairs to compare fewer.
        if len(below) ** 2 + len(above) ** 2 < 0.9 * len(rows) ** 2:
            undivided += [below, above]
        else:
            yield from _compared(thumbnails, columns, rows)


def _columns(thumbnails: np.ndarray) -> np.ndarray:
    """Return numbers that mirroring leaves as they are, int16 (n, m); alike, they differ by at most ``_SAME``.

    The brighter and the darker of every two points that mirroring exchanges, and the mean of all points.
    """
    count, half = thumbnails[0].size, thumbnails.shape[-1] // 2
    left, right = thumbnails[..., :half], thumbnails[..., : half - 1 : -1]
    # The mean in units of which as many make a difference as of the others.
    mean = _brightness(thumbnails) // (count * _SAME_MEAN // _SAME)
    pairs = (rearrange(each(left, right), "n t h w -> n (t h w)") for each in (np.maximum, np.minimum))
    return np.concatenate([*pairs, mean[:, None].astype(np.int16)], axis=1)


def _brightness(thumbnails: np.ndarray) -> np.ndarray:
    """Return the sums of all points, int64 (n,)."""
    return thumbnails.sum((1, 2, 3), dtype=np.int64)


def _widest(columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the numbers of the columns, those first that spread most within some rows."""
    some = columns[rows[:: -(-len(rows) // _SAMPLE)]]
    return np.argsort(some.std(0, dtype=np.float32))[::-1]


def _halves(columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows up to ``_SAME`` above the median of the widest column, and those above the median."""
    values = columns[rows, _widest(columns, rows)[0]]
    median = np.partition(values, len(values) // 2)[len(values) // 2]
    return rows[values <= median + _SAME], rows[values > median]


def _compared(thumbnails: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the pairs that are alike among some rows, int64 (2, pairs), having compared each with every other."""
    widest = columns[rows[:, None], _widest(columns, rows)[:32]]
    step = max(1, _PAIRS // max(1, len(rows)))
    for begin in range(0, len(rows), step):
        near = np.arange(begin, len(rows)) > np.arange(begin, min(begin + step, len(rows)))[:, None]
        for column in widest[begin:, :4].T:
            near &= np.abs(column[:step, None] - column) <= _SAME
        one, other = (numbers + begin for numbers in np.nonzero(near))
        close = (np.abs(widest[one] - widest[other]) <= _SAME).all(1)
        one, other = one[close], other[close]
        one, other = rows[one], rows[other]
        first, second = thumbnails[one], thumbnails[other]
        differences = [np.abs(first - image).max((1, 2, 3), initial=0) for image in (second, second[..., ::-1])]
        brightness = np.abs(_brightness(first) - _brightness(second))
        alike = (np.minimum(*differences) <= _SAME) & (brightness <= thumbnails[0].size * _SAME_MEAN)
        yield np.stack([one, other])[:, alike]


def _thumbnails(video: SourceVideo) -> np.ndarray | None:
    """Sums of the channels at three moments, int16 (3, 16, 16); None if the video cannot be read."""
    moments = [video.info.num_frames * quarter // 4 for quarter in (1, 2, 3)]
    try:
        with VideoReader(video.source, size=(_THUMBNAIL, _THUMBNAIL), fit="stretch") as reader:
            frames = reader.read(moments)
    except (VideoError, MissingPathError, IndexError):
        return None
    return reduce(frames.astype(np.int16), "t h w c -> t h w", "sum")
