"""Which kind of cache a folder gets: frames as they are, as JPEGs, or none, by how much room they would take."""

import contextlib
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from videogan.data.cache.build import FrameFormat, jpeg
from videogan.data.cache.files import Kind
from videogan.data.listing import VideoTable
from videogan.errors import MissingPathError, VideoError
from videogan.files import read_bytes, write_text

_log = logging.getLogger(__name__)

STREAMED = "every clip is decoded from its video, which is slow"
FREE_SHARE = 0.5
"""Share of the free disk that a cache may take where no limit is set."""
_MEASURED = 16
_SHARE = "jpeg-share"


def raw_bytes(videos: VideoTable, frame_format: FrameFormat) -> np.ndarray:
    """Return the bytes of each video's frames at training size and rate, int64 (n)."""
    if frame_format.frame_rate is None:
        counts = videos.column("frames").astype(np.int64)
    else:
        counts = np.rint(videos.column("seconds") * float(frame_format.frame_rate)).astype(np.int64) + 1
    return counts * frame_format.frame_bytes


def free_bytes(folder: Path) -> int:
    """Return the free bytes of the disk of a folder that may not be there yet; 0 where nobody can say."""
    with contextlib.suppress(OSError):
        return shutil.disk_usage(folder if folder.exists() else folder.anchor).free
    return 0


def choose_kind(
    videos: VideoTable, frame_format: FrameFormat, limit_gb: float | None, home: Path, there: Mapping[Kind, int]
) -> Kind:
    """Choose the richest kind that stays within the limit, and say so where that is not raw frames.

    Args:
        videos: what is to be kept.
        frame_format: in which size and rate.
        limit_gb: ``data.cache_limit_gb``; None: what is still to be written takes at most half of what is free, and the
            kind of what is there already is kept, so that a fuller disk makes nothing anew.
        home: the folder of the cache.
        there: bytes of raw frames and of JPEGs that it holds.
    """
    raw = int(raw_bytes(videos, frame_format).sum())
    if limit_gb is None:
        free = free_bytes(home)
        limit, limit_name = FREE_SHARE * free, f"half of the {free / 1e9:.3g} GB that are free"
        order, spent = sorted(there, key=lambda kind: -there[kind]), there
    else:
        limit, limit_name = limit_gb * 1e9, f"data.cache_limit_gb={limit_gb:g}"
        order, spent = list(there), dict.fromkeys(there, 0)
    for kind in order:
        size = raw if kind == "raw" else raw * jpeg_share(videos, frame_format, home)
        if size - spent[kind] <= limit:
            if kind == "jpeg":
                told = "raw frames would take %.3g GB, above %s: frames are kept as JPEGs, %.3g GB"
                _log.warning(told, raw / 1e9, limit_name, size / 1e9)
            return kind
    _log.warning("raw frames would take %.3g GB, above %s, and so would JPEGs: %s", raw / 1e9, limit_name, STREAMED)
    return "stream"


def note_jpeg_share(home: Path, share: float) -> None:
    """Write down how large JPEGs are, of what frames are as they are, for the next choice."""
    with contextlib.suppress(OSError):
        write_text(home / _SHARE, f"{share!r}\n")


def jpeg_share(videos: VideoTable, frame_format: FrameFormat, home: Path) -> float:
    """Return how large JPEGs are, of what frames are as they are: as noted, or else as some frames say."""
    with contextlib.suppress(OSError, ValueError):
        return float(read_bytes(home / _SHARE))
    sizes: list[int] = []
    for number in np.linspace(0, len(videos) - 1, min(_MEASURED, len(videos))).astype(int):
        with (
            contextlib.suppress(VideoError, MissingPathError, IndexError),
            frame_format.open(videos.source(number)) as reader,
        ):
            moments = [len(reader) * quarter // 4 for quarter in (1, 2, 3)]
            sizes += [len(jpeg(frame)) for frame in reader.read(moments)]
    share = float(np.mean(sizes)) / frame_format.frame_bytes if sizes else 1.0
    note_jpeg_share(home, share)
    return share
