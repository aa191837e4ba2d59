"""Videos that look alike, as copies, new encodings and mirror images do."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from einops import reduce
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
_BLOCK = 4


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
    order = np.argsort(distinct.sum((1, 2, 3), dtype=np.int64), kind="stable")
    pairs = np.array(list(_pairs(distinct[order])), np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(distinct), len(distinct)))
    group: np.ndarray = connected_components(graph, directed=False)[1][np.argsort(order)[number]]
    return group


def _pairs(thumbnails: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield the pairs of numbers that are alike, of thumbnails that become brighter.

    No tree: a point may differ by half of what it differs by between videos, so that only many points together tell,
    and in so many dimensions a k-d tree looks at most of its leaves.
    """
    mirrored = thumbnails[:, :, :, ::-1]
    blocks, mirrored_blocks = _blocks(thumbnails), _blocks(mirrored)
    brightness = thumbnails.sum((1, 2, 3), dtype=np.int64)
    ends = np.searchsorted(brightness, brightness + thumbnails[0].size * _SAME_MEAN, side="right")
    for one, end in enumerate(ends.tolist()):
        for image, sums in ((thumbnails[one], blocks[:, one]), (mirrored[one], mirrored_blocks[:, one])):
            near = np.abs(blocks[0, one + 1 : end] - sums[0]) <= _BLOCK**2 * _SAME
            others = np.flatnonzero(near) + one + 1
            for some in (slice(1, 4), slice(4, 16), slice(16, None)):
                if len(others):
                    differences = np.abs(blocks[some, others] - sums[some, None])
                    others = others[differences.max(0) <= _BLOCK**2 * _SAME]
            if len(others):
                alike = np.abs(thumbnails[others] - image).max((1, 2, 3)) <= _SAME
                yield from ((one, other) for other in others[alike].tolist())


def _blocks(thumbnails: np.ndarray) -> np.ndarray:
    """Return the sums of blocks of 4x4 points, int16 (m, n), those that lie apart first."""
    sums = reduce(thumbnails.astype(np.float32), "n t (h y) (w x) -> (t h w) n", "sum", y=_BLOCK, x=_BLOCK)
    apart = np.random.default_rng(0).permutation(len(sums))
    return np.ascontiguousarray(sums[apart].astype(np.int16))


def _thumbnails(video: SourceVideo) -> np.ndarray | None:
    """Sums of the channels at three moments, int16 (3, 16, 16); None if the video cannot be read."""
    moments = [video.info.num_frames * quarter // 4 for quarter in (1, 2, 3)]
    try:
        with VideoReader(video.source, size=(_THUMBNAIL, _THUMBNAIL), fit="stretch") as reader:
            frames = reader.read(moments)
    except (VideoError, MissingPathError, IndexError):
        return None
    return reduce(frames.astype(np.int16), "t h w c -> t h w", "sum")
