"""The clip cache: a folder's videos at training size, decoded once and shared by all runs.

One folder in the cache directory for each pair of video folder and frame format::

    clips/NAME-1a2b3c.../
        lock         shared by those that fill the cache
        source       the path of the video folder, written at every use
        ...          the files of every part, as :mod:`videogan.data.cache.files` has them

It is filled part by part, by any number of processes; what is there stays there, whatever ends them.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from videogan.config import DataConfig
from videogan.data.cache.build import FrameFormat, no_room
from videogan.data.cache.files import Kind
from videogan.data.cache.fill import CacheFolder, OpenedPart
from videogan.data.cache.kind import free_bytes
from videogan.data.cache.parts import PART_VIDEOS
from videogan.data.cache.prune import note_use
from videogan.data.cache.videos import CachedVideos
from videogan.data.folder import VideoFolder, check_usable
from videogan.data.frame_store import FrameStore
from videogan.data.listing import VideoTable
from videogan.errors import UsageError
from videogan.files import Progress

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClipCache:
    """Videos that are ready to be cut into clips.

    ``frame_rate`` is that of the frames as stored: the target, or the most common one among the videos. ``rejected``
    pairs paths with reasons, of files that could not be probed and of videos that could not be decoded. ``stores`` hold
    the frames of each part.
    """

    videos: CachedVideos
    class_names: tuple[str, ...]
    frame_rate: Fraction
    height: int
    width: int
    rejected: tuple[tuple[Path, str], ...]
    kind: Kind
    stores: tuple[FrameStore, ...]

    def read(self, video: int, indices: Sequence[int], out: np.ndarray) -> None:
        """Fill ``out`` (uint8 ``t h w c``, contiguous) with frames of one video; VideoError where that fails."""
        cached = self.videos[video]
        self.stores[cached.part].read(cached, indices, out)

    def close(self) -> None:
        """Give back open files."""
        for store in self.stores:
            store.close()


def open_cache(
    folder: VideoFolder, data: DataConfig, *, progress: Progress | None = None, part_videos: int = PART_VIDEOS
) -> ClipCache:
    """Return the cache of ``folder``, after filling the parts of it that are missing, damaged or out of date.

    Whole frames are kept raw if they fit ``data.cache_limit_gb``, else as JPEGs, else not at all: then each clip is
    decoded anew. Uses ``size``, ``fit``, ``frame_rate``, ``cache_dir``, ``cache_limit_gb`` and ``max_bad_share``.

    Args:
        folder: the videos.
        data: the settings.
        progress: called as videos are decoded.
        part_videos: most videos of a part.

    Raises:
        DataError: no video could be decoded, or more than ``max_bad_share`` failed.
        UsageError: there is no room, or the cache folder cannot be written.
    """
    cache = CacheFolder(folder, data, part_videos)
    try:
        cache.home.mkdir(parents=True, exist_ok=True)
        note_use(cache.home, folder.root.resolve())
        opened = cache.complete(progress)
    except OSError as error:
        if isinstance(error, UsageError):
            raise
        raise no_room(error, cache.home, cache.missing_bytes, free_bytes(cache.home)) from error
    return _joined(folder, cache, opened, data.max_bad_share)


def _joined(folder: VideoFolder, cache: CacheFolder, opened: Sequence[OpenedPart], max_bad_share: float) -> ClipCache:
    """Put the parts together, in the order of the folder's videos; what failed is left out."""
    num_frames, parts, offsets = (np.zeros(len(folder.videos), np.int64) for _ in range(3))
    failed: dict[int, str] = {}
    for part, each in enumerate(opened):
        numbers, index = each.files.numbers, each.index
        num_frames[numbers], parts[numbers], offsets[numbers] = index.num_frames, part, index.offsets
        failed |= {int(numbers[position]): reason for position, reason in index.reasons.items()}
    rejected = (*folder.rejected, *((folder.videos.path(number), failed[number]) for number in sorted(failed)))
    usable = np.flatnonzero(num_frames)
    videos = folder.videos.taken(usable)
    check_usable(replace(folder, videos=videos, rejected=rejected), max_bad_share)
    cached = CachedVideos(videos, num_frames[usable], parts[usable], offsets[usable])
    stores = tuple(each.store for each in opened)
    size = (cache.format.height, cache.format.width)
    return ClipCache(cached, folder.class_names, _rate(videos, cache.format), *size, rejected, cache.kind, stores)


def _rate(videos: VideoTable, frame_format: FrameFormat) -> Fraction:
    """Return the frame rate of the frames: the one that was asked for, or that of most videos, which is told."""
    if frame_format.frame_rate is not None:
        return frame_format.frame_rate
    (most, share), *_ = Counter(map(tuple, videos.column("rate").tolist())).most_common(1)
    rate = Fraction(*most)
    if share < len(videos):
        _log.warning(
            "%d of %d videos have another frame rate than %.6g, so they will look slower or faster; "
            "data.frame_rate=%.6g makes all alike",
            len(videos) - share,
            len(videos),
            rate,
            rate,
        )
    return rate
