"""Fills what is missing of a clip cache, part by part, beside any number of other processes, and opens it."""

import errno
import logging
import os
import resource
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from videogan.config import DataConfig
from videogan.data.cache.build import FrameFormat
from videogan.data.cache.check import damage
from videogan.data.cache.files import Kind, PartFiles, PartIndex, free_ones_first
from videogan.data.cache.kind import STREAMED, choose_kind, free_bytes, note_jpeg_share, raw_bytes
from videogan.data.cache.parts import split
from videogan.data.cache.prune import prune, sweep
from videogan.data.folder import VideoFolder
from videogan.data.frame_lists import FrameLists
from videogan.data.frame_store import FrameStore, IdleReaders, JpegFrames, RawFrames, StreamedFrames
from videogan.data.listing import VideoTable
from videogan.files import Progress, file_lock, printable

_log = logging.getLogger(__name__)
_WAITING = "waiting for another process that is filling the clip cache %s"
# Of a larger cache, a sample that changes from run to run is checked.
_VERIFIED_BYTES = 1 << 30
_OTHER_FILES = 512


@dataclass(frozen=True)
class OpenedPart:
    """A part that is whole: where it lies, what it holds, and what reads its frames."""

    files: PartFiles
    index: PartIndex
    store: FrameStore


class CacheFolder:
    """The cache folder of a folder of videos, on its way to being complete."""

    def __init__(self, folder: VideoFolder, data: DataConfig, part_videos: int) -> None:
        self.format = FrameFormat.of(data)
        self.home = self.format.home(folder.root, data.cache_dir)
        self._videos, self._limit_gb = folder.videos, data.cache_limit_gb
        self._parts = _video_parts(folder.videos, part_videos)
        self._sizes = raw_bytes(folder.videos, self.format)
        self._idle = IdleReaders()
        self.missing_bytes = 0
        self.kind: Kind = "raw"

    def complete(self, progress: Progress | None) -> list[OpenedPart]:
        """Choose the kind, fill what is missing of it, and return all parts, open."""
        kinds: tuple[Kind, ...] = ("raw", "jpeg")
        there = {kind: sum(files.size() for files in self._files(kind)) for kind in kinds}
        self.kind = choose_kind(self._videos, self.format, self._limit_gb, self.home, there)
        opened = self._completed(progress)
        if self.kind != "jpeg":
            return opened
        taken = sum(each.index.file_bytes for each in opened)
        note_jpeg_share(self.home, taken / max(1, int(self._sizes.sum())))
        if self._limit_gb is None or taken <= self._limit_gb * 1e9:
            return opened
        _log.warning("JPEGs take %.3g GB, above data.cache_limit_gb=%g: %s", taken / 1e9, self._limit_gb, STREAMED)
        _close(opened)
        self.kind = "stream"
        return self._completed(progress)

    def _files(self, kind: Kind) -> list[PartFiles]:
        return [PartFiles(self.home, name, numbers, videos, kind) for name, numbers, videos in self._parts]

    def _completed(self, progress: Progress | None) -> list[OpenedPart]:
        parts = self._files(self.kind)
        _allow_open_files(len(parts))
        opened = {files.name: each for files in parts if (each := self._open(files)) is not None}
        try:
            missing = [files for files in parts if files.name not in opened]
            if missing:
                self._check_room(missing)
                prune(self.home.parent)
                waiting = partial(_log.info, _WAITING, printable(self.home))
                with file_lock(self.home / "lock", shared=True, on_wait=waiting):
                    opened |= self._filled(missing, progress)
            sweep(self.home, lambda file: any(files.is_own(file) for files in parts))
        except BaseException:
            _close(opened.values())
            raise
        return [opened[files.name] for files in parts]

    def _check_room(self, missing: Sequence[PartFiles]) -> None:
        """Raise OSError where it is plain that there is no room for raw frames."""
        sizes = [int(self._sizes[files.numbers].sum()) for files in missing]
        replaced = sum(file.stat().st_size for files in missing for file in self.home.glob(f"{files.name}-*"))
        self.missing_bytes = sum(sizes)
        free = free_bytes(self.home)
        if self.kind == "raw" and self.missing_bytes - replaced > free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self.kind == "raw" and self._limit_gb is None:
            told = "clip cache: %.3g GB of raw frames, of %.3g GB that are free; data.cache_limit_gb sets a limit"
            _log.info(told, self.missing_bytes / 1e9, free / 1e9)

    def _filled(self, missing: Sequence[PartFiles], progress: Progress | None) -> dict[str, OpenedPart]:
        """Fill parts that no other process is filling, wait for the others, and return all of them, open."""
        opened: dict[str, OpenedPart] = {}
        total, done = sum(len(files.videos) for files in missing), 0
        waiting = partial(_log.info, _WAITING, printable(self.home))
        for files in free_ones_first(self.home, missing, waiting):
            now = self._open(files)  # another process may have filled it meanwhile
            if now is None:
                told = None if progress is None else partial(_tell, progress, done, total)
                files.fill(self.format, told)
                now = self._open(files, verified=True)
            if now is None:
                raise OSError(errno.EIO, f"what was written to {printable(files.index)} is not there")
            opened[files.name] = now
            done += len(files.videos)
        return opened

    def _open(self, files: PartFiles, *, verified: bool = False) -> OpenedPart | None:
        """Return a part if it is there and whole."""
        index = PartIndex.read(files.index)
        if index is None:
            return None
        total = int(self._sizes.sum())
        budget = _VERIFIED_BYTES * int(self._sizes[files.numbers].sum()) // max(1, total)
        try:
            if not verified:
                budget = budget if total > _VERIFIED_BYTES else total
                damaged = damage(files, index, self.format.frame_bytes, budget)
                if damaged:
                    _log.warning("the clip cache %s is damaged (%s) and is made anew", printable(self.home), damaged)
                    return None
            return OpenedPart(files, index, self._store(files, index))
        except (OSError, ValueError) as error:
            _log.warning("the clip cache %s is damaged (%s) and is made anew", printable(self.home), error)
            return None

    def _store(self, files: PartFiles, index: PartIndex) -> FrameStore:
        if files.kind == "raw":
            return RawFrames(files.frames, self.format.frame_bytes)
        if files.kind == "jpeg":
            return JpegFrames(files.frames)
        return StreamedFrames(self.format.open, FrameLists(files.table, index.lists), self._idle)


def _tell(progress: Progress, before: int, total: int, done: int, _: int) -> None:
    progress(before + done, total)


def _close(opened: Iterable[OpenedPart]) -> None:
    for each in opened:
        each.store.close()


def _allow_open_files(parts: int) -> None:
    """Let this process hold a file open for each part, and as many as it may for all else."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < parts + _OTHER_FILES:
        allowed = parts + _OTHER_FILES if hard == resource.RLIM_INFINITY else min(hard, parts + _OTHER_FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def _video_parts(videos: VideoTable, part_videos: int) -> list[tuple[str, np.ndarray, VideoTable]]:
    """Return the name of each part of a listing that holds videos, their numbers, and the videos."""
    number_of = np.full(len(videos.listing), -1)
    number_of[videos.rows] = np.arange(len(videos))
    parts = ((part.name, number_of[part.rows]) for part in split(videos.listing, part_videos))
    usable = ((name, numbers[numbers >= 0]) for name, numbers in parts)
    return [(name, numbers, videos.taken(numbers)) for name, numbers in usable if len(numbers)]
