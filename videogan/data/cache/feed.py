"""Probing and filling a clip cache in one go: the frames that probing decodes are kept, part by part."""

import contextlib
from functools import partial
from pathlib import Path

import numpy as np

from videogan.config import DataConfig
from videogan.data.cache.build import (
    FrameFile,
    FrameFormat,
    Stored,
    put_jpeg,
    put_raw,
    store_all,
    store_jpeg,
    store_raw,
)
from videogan.data.cache.files import Kind, PartFiles, free_ones_first, open_frame_file
from videogan.data.cache.kind import FREE_SHARE, free_bytes, jpeg_share, raw_bytes
from videogan.data.cache.parts import PART_VIDEOS, Part, split
from videogan.data.cache.prune import note_use
from videogan.data.listing import Listing, VideoTable
from videogan.data.probes import ProbeIndex, give_back_memory, probe_new, probe_row
from videogan.errors import UsageError
from videogan.files import Progress, file_lock, map_in_threads
from videogan.storage.member import Member
from videogan.video import VideoInfo
from videogan.video.probe import probe_with_frames

_SAMPLE = 16
_MARGIN = 0.9
_MOST_BYTES = 32 << 20
"""Frames of a longer video are not held in memory, but decoded again when the cache is filled."""


class CacheFeed:
    """Probes the new files of a listing as :func:`probe_new` does, and keeps their frames where they will fit.

    Args:
        root: what the names of the listing are below.
        data: the settings of the cache.
        part_videos: most videos of a part.
    """

    def __init__(self, root: Path, data: DataConfig, part_videos: int = PART_VIDEOS) -> None:
        self._root, self._limit_gb, self._part_videos = root, data.cache_limit_gb, part_videos
        self._format = FrameFormat.of(data)
        self._home = self._format.home(root, data.cache_dir)
        self._most = self._before = 0
        self._kind: Kind = "raw"
        self._share = 1.0

    def probe(self, listing: Listing, index: ProbeIndex, progress: Progress | None) -> None:
        """Probe what is new; a cache that cannot be written is told by who opens it."""
        with contextlib.suppress(OSError, UsageError):
            if self._choose(listing):
                self._home.mkdir(parents=True, exist_ok=True)
                note_use(self._home, self._root.resolve())
                with file_lock(self._home / "lock", shared=True, on_wait=lambda: None):
                    self._fill(listing, index, progress)
        probe_new(self._root, listing, index, progress)

    def _choose(self, listing: Listing) -> bool:
        """Choose what frames will be kept as, going by some files; False where that is too near to call."""
        new = listing.unprobed()
        counted = slice(None) if self._limit_gb else new
        if self._limit_gb is None:  # what is there already takes nothing from what is free
            self._most, self._before = int(_MARGIN * FREE_SHARE * free_bytes(self._home)), self._known_bytes(listing)[1]
        else:
            self._most = int(_MARGIN * self._limit_gb * 1e9)
        some = max(0, min(_SAMPLE, -(-len(new) // _SAMPLE), len(new) - 1))
        for row in new[np.linspace(0, len(new) - 1, some).astype(int)].tolist():
            probe_row(self._root, listing, row)
        source, raw = self._known_bytes(listing)
        expected = raw * int(listing.rows["size"][counted].sum()) / max(1, source)
        if expected < self._most / _MARGIN**2:
            return expected <= self._most and not any(self._home.glob("*.idx"))  # JPEGs that are there would stay
        self._home.mkdir(parents=True, exist_ok=True)
        self._kind, self._share = "jpeg", jpeg_share(self._known(listing), self._format, self._home)
        return expected * self._share <= self._most

    def _known_bytes(self, listing: Listing) -> tuple[int, int]:
        """Return the bytes of all videos that were probed: of their files, and of their frames."""
        table = self._known(listing)
        return int(table.column("size").sum()), int(raw_bytes(table, self._format).sum())

    def _known(self, listing: Listing) -> VideoTable:
        rows = listing.with_status("ok", "salvaged")
        return VideoTable(self._root, listing, rows, np.full(len(rows), -1, np.int32))

    def _fill(self, listing: Listing, index: ProbeIndex, progress: Progress | None) -> None:
        def is_new(part: Part) -> bool:
            return bool((listing.rows["remark"][part.rows] < 0).any())

        new = [part for part in split(listing, self._part_videos) if is_new(part)]
        try:
            for part in free_ones_first(self._home, new, on_wait=lambda: None):
                index.refresh(listing)  # another process may have looked at these files meanwhile
                if is_new(part):
                    if not self._fill_part(part, listing, progress):
                        return
                    index.keep(listing)
                    give_back_memory()
        finally:
            index.keep(listing)

    def _fill_part(self, part: Part, listing: Listing, progress: Progress | None) -> bool:
        """Probe what is new in a part, and fill it; False where all frames are too many after all."""
        new = part.rows[listing.rows["remark"][part.rows] < 0].tolist()
        known = len(listing) - len(listing.unprobed())
        with open_frame_file(self._home, part.name) as file:
            stored: dict[int, Stored] = {}
            told = None if progress is None else lambda done, _: progress(known + done, len(listing))
            map_in_threads(lambda row: self._probe_row(listing, row, file, stored), new, progress=told)
            rows = np.intersect1d(part.rows, listing.with_status("ok", "salvaged"))
            videos = VideoTable(self._root, listing, rows, np.full(len(rows), -1, np.int32))
            if self._share * (self._known_bytes(listing)[1] - self._before) > self._most:
                return False
            if not len(videos):
                return True
            others = [number for number, row in enumerate(rows.tolist()) if row not in stored]
            store = store_raw if self._kind == "raw" else store_jpeg
            decoded = store_all(videos.taken(np.array(others, np.int64)), self._format, file, store, None)
            results: dict[int, Stored | str] = {**stored, **dict(zip(rows[others].tolist(), decoded, strict=True))}
            files = PartFiles(self._home, part.name, np.arange(len(rows)), videos, self._kind)
            files.finish(file, [results[row] for row in rows.tolist()])
        return True

    def _probe_row(self, listing: Listing, row: int, file: FrameFile, stored: dict[int, Stored]) -> None:
        frames: list[np.ndarray] = []
        probe_row(self._root, listing, row, partial(self._look, frames))
        if frames and listing.remark(row).status in ("ok", "salvaged"):
            stored[row] = (put_raw if self._kind == "raw" else put_jpeg)(frames[0], file)

    def _look(self, kept: list[np.ndarray], path: Path | Member) -> VideoInfo:
        wanted = self._format
        info, frames = probe_with_frames(
            path, size=(wanted.height, wanted.width), fit=wanted.fit, frame_rate=wanted.frame_rate, limit=_MOST_BYTES
        )
        if frames is not None and len(frames):
            kept.append(frames)
        return info
