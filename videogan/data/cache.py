"""The clip cache: a folder's videos at training size, decoded once and shared by all runs.

One folder in the cache directory for each pair of video folder and frame format::

    clips/NAME-1a2b3c.../
        lock                   held while the cache is filled
        source                 the path of the video folder, written at every use
        index.json             which videos, where they begin, checksums, also its own; written last
        frames-4d5e6f....bin   uint8 t h w c, or JPEGs
        frames-4d5e6f....idx   for JPEGs: offset and size of every frame, int64 (n, 2)

The second part of a file's name is a hash of the videos' paths, sizes and times of change: a run whose files were
replaced goes on reading the old ones, which the system keeps for as long as they are open.
"""

import contextlib
import errno
import hashlib
import json
import logging
import os
import shutil
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np

from videogan.config import DataConfig
from videogan.data import cache_build
from videogan.data.cache_build import FrameFile, FrameFormat, Stored
from videogan.data.cache_check import damage
from videogan.data.cache_prune import note_use, prune
from videogan.data.folder import VideoFolder, change_stamp, check_usable
from videogan.data.frame_store import CachedVideo, FrameStore, JpegFrames, RawFrames, StreamedFrames
from videogan.errors import UsageError
from videogan.files import Progress, cache_root, file_lock, printable, read_derived, write_derived
from videogan.video import as_frame_rate

_log = logging.getLogger(__name__)
_VERSION = 5
_WAITING = "waiting for another process that is filling the clip cache %s"
_JPEG_SHRINKS = 6

Kind = Literal["raw", "jpeg", "stream"]


@dataclass(frozen=True)
class ClipCache:
    """Videos that are ready to be cut into clips.

    ``frame_rate`` is that of the frames as stored: the target, or the most common one among the videos. ``rejected``
    pairs paths with reasons, of files that could not be probed and of videos that could not be decoded.
    """

    videos: tuple[CachedVideo, ...]
    class_names: tuple[str, ...]
    frame_rate: Fraction
    height: int
    width: int
    rejected: tuple[tuple[Path, str], ...]
    kind: Kind
    store: FrameStore

    def read(self, video: int, indices: Sequence[int], out: np.ndarray) -> None:
        """Fill ``out`` (uint8 ``t h w c``, contiguous) with frames of one video; VideoError where that fails."""
        self.store.read(self.videos[video], indices, out)

    def close(self) -> None:
        """Give back open files."""
        self.store.close()


def open_cache(folder: VideoFolder, data: DataConfig, *, progress: Progress | None = None) -> ClipCache:
    """Return the cache of ``folder``, after filling it where it is missing, damaged or out of date.

    Whole frames are kept raw if they fit ``data.cache_limit_gb``, else as JPEGs, else not at all: then each clip is
    decoded anew. Uses ``size``, ``fit``, ``frame_rate``, ``cache_dir``, ``cache_limit_gb`` and ``max_bad_share``.

    Raises:
        DataError: no video could be decoded, or more than ``max_bad_share`` failed.
        UsageError: there is no room, or the cache folder cannot be written.
    """
    rate = None if data.frame_rate is None else as_frame_rate(data.frame_rate)
    frame_format = FrameFormat(data.size, data.size, data.fit, rate)
    raw_bytes = _estimate(folder, frame_format)
    kind = _kind(raw_bytes, data.cache_limit_gb)
    source = hashlib.sha256(os.fsencode(folder.root.resolve()) + repr(frame_format).encode()).hexdigest()[:12]
    home = cache_root(data.cache_dir) / "clips" / f"{printable(folder.root.resolve().name)[:40]}-{source}"
    content = _content_hash(folder, kind)
    try:
        home.mkdir(parents=True, exist_ok=True)
        note_use(home, folder.root.resolve())
        index = _valid_index(home, content)
        if index is None:
            prune(home.parent)
            with file_lock(home / "lock", on_wait=lambda: _log.info(_WAITING, printable(home))):
                index = _valid_index(home, content) or _fill(home, content, folder, frame_format, kind, progress)
    except OSError as error:
        if isinstance(error, UsageError):
            raise
        needed = raw_bytes if kind == "raw" else raw_bytes // _JPEG_SHRINKS
        raise cache_build.no_room(error, home, needed, _free(home)) from error
    return _opened(home, index, folder, frame_format, data.max_bad_share)


def _kind(raw_bytes: int, limit_gb: float) -> Kind:
    if raw_bytes <= limit_gb * 1e9:
        return "raw"
    kind: Kind = "jpeg" if raw_bytes / _JPEG_SHRINKS <= limit_gb * 1e9 else "stream"
    what = {"jpeg": "frames are kept as JPEGs", "stream": "every clip is decoded from its video, which is slow"}[kind]
    _log.warning("raw frames would take %.3g GB, above data.cache_limit_gb=%g: %s", raw_bytes / 1e9, limit_gb, what)
    return kind


def _estimate(folder: VideoFolder, frame_format: FrameFormat) -> int:
    """Bytes of all frames, raw."""
    if frame_format.frame_rate is None:
        num_frames = sum(video.info.num_frames for video in folder.videos)
    else:
        num_frames = sum(
            round(video.info.duration_seconds * float(frame_format.frame_rate)) + 1 for video in folder.videos
        )
    return num_frames * frame_format.frame_bytes


def _free(home: Path) -> int:
    with contextlib.suppress(OSError):
        return shutil.disk_usage(home if home.exists() else home.anchor).free
    return 0


def _content_hash(folder: VideoFolder, kind: Kind) -> str:
    listing = [(os.fspath(video.path), change_stamp(video.path)) for video in folder.videos]
    return hashlib.sha256(json.dumps([_VERSION, kind, listing]).encode()).hexdigest()[:16]


def _frame_file(home: Path, content: str) -> Path:
    return home / f"frames-{content}.bin"


def _valid_index(home: Path, content: str) -> dict[str, Any] | None:
    """The cache's index if it belongs to ``content`` and its frames are whole."""
    index: dict[str, Any] | None = read_derived(home / "index.json")
    if index is None or index["content"] != content:
        return None
    try:
        damaged = damage(_frame_file(home, content), index)
    except (OSError, ValueError) as error:
        damaged = str(error)
    if damaged:
        _log.warning("the clip cache %s is damaged (%s) and is made anew", printable(home), damaged)
        return None
    return index


def _fill(
    home: Path, content: str, folder: VideoFolder, frame_format: FrameFormat, kind: Kind, progress: Progress | None
) -> dict[str, Any]:
    """Decode every video; the frames' file and then the index appear whole under their names or not at all."""
    path = _frame_file(home, content)
    for old in home.glob("*.part"):
        old.unlink(missing_ok=True)
    part = path.with_name(path.name + ".part")
    store = {"raw": cache_build.store_raw, "jpeg": cache_build.store_jpeg, "stream": cache_build.store_nothing}[kind]
    file = FrameFile(part)
    try:
        needed = _estimate(folder, frame_format) if kind == "raw" else 0
        if needed > _free(home):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        results = cache_build.store_all(folder.videos, frame_format, file, store, progress)
        file.finish()
        table = _write_table(path, results) if kind == "jpeg" else None
        part.replace(path)
    finally:
        file.close()
        part.unlink(missing_ok=True)
    index = {
        "content": content,
        "kind": kind,
        "bytes": file.size,
        "table": table,
        "videos": _entries(results, frame_format, kind),
    }
    write_derived(home / "index.json", index)
    for old in home.glob("frames-*"):
        if not old.name.startswith(f"frames-{content}."):
            old.unlink(missing_ok=True)
    return index


def _entries(results: Sequence[Stored | str], frame_format: FrameFormat, kind: Kind) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    row = 0
    for stored in results:
        if isinstance(stored, str):
            entries.append({"reason": stored})
        elif kind == "raw":
            nbytes = stored.num_frames * frame_format.frame_bytes
            entry = {"num_frames": stored.num_frames, "offset": stored.offset, "bytes": nbytes}
            entries.append({**entry, "checksum": stored.checksum})
        else:
            entries.append({"num_frames": stored.num_frames, "offset": row})
            if kind == "jpeg":
                entries[-1]["checksum"] = stored.checksum
            row += stored.num_frames
    return entries


def _write_table(path: Path, results: Sequence[Stored | str]) -> int:
    """Write where each JPEG lies; return the checksum."""
    tables = [stored.table for stored in results if isinstance(stored, Stored) and stored.table is not None]
    table = np.concatenate(tables) if tables else np.empty((0, 2), np.int64)
    with path.with_suffix(".idx").open("wb") as file:
        table.tofile(file)
        file.flush()
        os.fsync(file.fileno())
    return zlib.crc32(table.tobytes())


def _opened(
    home: Path, index: dict[str, Any], folder: VideoFolder, frame_format: FrameFormat, max_bad_share: float
) -> ClipCache:
    videos: list[CachedVideo] = []
    rejected = list(folder.rejected)
    rates: Counter[Fraction] = Counter()
    usable = []
    for source, entry in zip(folder.videos, index["videos"], strict=True):
        if "reason" in entry:
            rejected.append((source.path, entry["reason"]))
            continue
        videos.append(CachedVideo(source.path, source.label, entry["num_frames"], entry["offset"]))
        rates[source.info.frame_rate] += 1
        usable.append(source)
    check_usable(replace(folder, videos=tuple(usable), rejected=tuple(rejected)), max_bad_share)
    path, kind = _frame_file(home, index["content"]), index["kind"]
    store: FrameStore
    if kind == "raw":
        store = RawFrames(path, frame_format.frame_bytes)
    elif kind == "jpeg":
        store = JpegFrames(path)
    else:
        store = StreamedFrames(frame_format.open)
    rate, share = (frame_format.frame_rate, len(videos)) if frame_format.frame_rate else rates.most_common(1)[0]
    if share < len(videos):
        others = len(videos) - share
        _log.warning(
            "%d of %d videos have another frame rate than %.6g, so they will look slower or faster; "
            "data.frame_rate=%.6g makes all alike",
            others,
            len(videos),
            rate,
            rate,
        )
    return ClipCache(
        tuple(videos), folder.class_names, rate, frame_format.height, frame_format.width, tuple(rejected), kind, store
    )
