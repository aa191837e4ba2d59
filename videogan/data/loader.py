"""Batches of random clips, each a pure function of (seed, step): a resumed run sees exactly what it would have seen."""

import contextlib
import logging
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

from videogan.config import DataConfig
from videogan.data.cache.clip_cache import ClipCache
from videogan.data.clips import clip_indices, clip_span, num_clip_starts
from videogan.data.prefetch import prefetch
from videogan.data.seeding import position_rng
from videogan.data.shuffle import Run, RunOrder, ShuffleBuffer
from videogan.data.transfer import Packed
from videogan.errors import DataError, VideoError
from videogan.files import usable_cores

_log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class ClipBatch:
    """Clips, uint8 ``b t h w c`` in [0, 255], and their classes, int64 ``(b,)``, or None if there are none."""

    frames: torch.Tensor
    labels: torch.Tensor | None


class ClipLoader:
    """Draws training clips from a cache.

    A clip is drawn in three steps, each uniform: a class (with ``class_balanced`` and if there are classes), one of
    its videos, and one of the clips in it. So a long video counts as much as a short one. Where clips are decoded from
    their videos, four of one video are decoded together and handed out far apart (``videogan.data.shuffle``).

    Args:
        cache: where frames come from.
        data: ``num_frames`` and ``frame_stride`` of a clip, in the cache's frames; ``short``, what to do with videos
            that are shorter (``num_short`` counts them); ``class_balanced``, whether each class is as likely as any
            other; ``max_bad_share``, the largest share of videos that may fail while training.
        batch_size: clips per batch and process.
        seed: of all draws.
        process: which process this is (its rank), and how many share the training. Each draws for all of them, so that
            the clips do not depend on how many there are.

    Raises:
        DataError: no video is long enough (with ``short="skip"``).
    """

    def __init__(
        self,
        cache: ClipCache,
        data: DataConfig,
        *,
        batch_size: int,
        seed: int,
        process: tuple[int, int] = (0, 1),
    ) -> None:
        self.cache, self.data, self.batch_size, self.seed = cache, data, batch_size, seed
        self.rank, self.world_size = process
        self._span = clip_span(data.num_frames, data.frame_stride)
        lengths = cache.videos.num_frames
        self._starts = np.array(
            [num_clip_starts(n, data.num_frames, data.frame_stride, data.short) for n in lengths.tolist()]
        )
        self.num_short = int((lengths < self._span).sum())
        self._check_lengths()
        self._labels = cache.videos.labels.astype(np.int64)
        groups = self._make_groups()
        self._usable, self._sizes = np.concatenate(groups), np.array([len(group) for group in groups])
        self._firsts = np.cumsum(self._sizes) - self._sizes
        self._failed: set[int] = set()
        self._lock = threading.Lock()
        # Decoding is worth a thread a clip; copying raw frames is not.
        self._pool = None if cache.kind == "raw" else ThreadPoolExecutor(min(8, usable_cores()))
        self._order = RunOrder(seed)
        self._buffer = None
        if self._pool is not None and cache.kind == "stream":
            self._buffer = ShuffleBuffer(self._order, self._decode, self._is_mine, self._pool.map)

    def _check_lengths(self) -> None:
        """Warn of videos that are shorter than a clip; DataError where that leaves none."""
        data, longest = self.data, int(self.cache.videos.num_frames.max(initial=0))
        if not self._starts.any():
            raise DataError(
                f"every video is shorter than a training clip: the longest has {longest} frames and data.num_frames="
                f"{data.num_frames} with data.frame_stride={data.frame_stride} needs {self._span}; shorten the clips, "
                "or use short videos by --set data.short=repeat-last"
            )
        if self.num_short:
            how = {"skip": "left out", "bounce": "played to and fro"}.get(data.short, "held on their last frame")
            short, videos = self.num_short, len(self.cache.videos)
            _log.warning(
                "%d of %d videos are shorter than a clip's %d frames: they are %s", short, videos, self._span, how
            )

    def _make_groups(self) -> list[np.ndarray]:
        """Numbers of the usable videos, one array for each set that is drawn with equal probability."""
        usable = np.flatnonzero(self._starts)
        if not (self.data.class_balanced and self.cache.class_names):
            return [usable]
        present = np.unique(self._labels[usable])
        absent = sorted(set(range(len(self.cache.class_names))) - set(present.tolist()))
        if absent:
            names = ", ".join(self.cache.class_names[label] for label in absent)
            _log.warning("no usable video of these classes is left, so they cannot be learnt: %s", names)
        return [usable[self._labels[usable] == label] for label in present]

    def batch(self, step: int) -> ClipBatch:
        """The batch of one step, on the CPU; a function of (seed, step, rank) and the cache only.

        A video that cannot be read is replaced by another draw.

        Raises:
            DataError: more than ``max_bad_share`` of the videos have failed.
        """
        shape = (self.batch_size, self.data.num_frames, self.cache.height, self.cache.width, 3)
        return self.fill(step, torch.empty(shape, dtype=torch.uint8))

    def fill(self, step: int, frames: torch.Tensor) -> ClipBatch:
        """As ``batch``, into a CPU tensor of the caller's: uint8, contiguous, ``b t h w c``."""
        first = self.rank * self.batch_size
        if self._buffer is not None:
            origin = step * self.world_size * self.batch_size + first
            clips = self._buffer.take(list(range(origin, origin + self.batch_size)))
            np.stack([clip for clip, _ in clips], out=frames.numpy())
            return self._labelled(frames, [video for _, video in clips])
        draws = position_rng(self.seed, step).random((self.world_size * self.batch_size, 3))
        videos, starts = self._locate(draws[first : first + self.batch_size])

        def read(row: int) -> int:
            return self._read(step, first + row, videos[row], starts[row], out[row])

        out = frames.numpy()
        rows = range(self.batch_size)
        read_videos = [read(row) for row in rows] if self._pool is None else list(self._pool.map(read, rows))
        return self._labelled(frames, read_videos)

    def _labelled(self, frames: torch.Tensor, videos: list[int]) -> ClipBatch:
        if not self.cache.class_names:
            return ClipBatch(frames, None)
        return ClipBatch(frames, torch.from_numpy(self._labels[videos]))

    def batches(self, start_step: int, device: torch.device | str = "cpu") -> Generator[ClipBatch, None, None]:
        """Endless batches from ``start_step`` on, on ``device``; one thread reads the next ones meanwhile.

        The thread ends when the iterator is closed or forgotten. What it raises is raised here.
        """
        with contextlib.closing(self.batches_with(lambda _: None, start_step, device)) as both:
            for batch, _ in both:
                yield batch

    def batches_with(
        self, draw: Callable[[int], T], start_step: int, device: torch.device | str = "cpu"
    ) -> Generator[tuple[ClipBatch, T], None, None]:
        """As ``batches``, and with each what ``draw`` gives for its step: tensors in tuples or dictionaries.

        The thread draws too, and all tensors of a step come to the device by one copy, which nobody waits for.
        """
        pinned = torch.device(device).type == "cuda"

        def produce(step: int) -> Packed[tuple[torch.Tensor, torch.Tensor | None, T]]:
            batch = self.batch(step)
            return Packed((batch.frames, batch.labels, draw(step)), pinned=pinned)

        # The copy to the device is the consumer's, so that it lies in the consumer's stream.
        with contextlib.closing(prefetch(produce, start_step)) as ready:
            for packed in ready:
                frames, labels, drawn = packed.to(device)
                yield ClipBatch(frames, labels), drawn

    def _locate(self, draws: np.ndarray) -> tuple[list[int], list[int]]:
        """Video and start for each row of uniform draws (n, 3)."""
        group = (draws[:, 0] * len(self._sizes)).astype(np.int64)
        member = (draws[:, 1] * self._sizes[group]).astype(np.int64)
        videos = self._usable[self._firsts[group] + member]
        starts = (draws[:, 2] * self._starts[videos]).astype(np.int64)
        return videos.tolist(), starts.tolist()

    def _read(self, step: int, position: int, video: int, start: int, out: np.ndarray) -> int:
        """Read a clip, or another one in its stead; returns the number of the video that was read."""
        attempt = 0
        while True:
            num_frames = int(self.cache.videos.num_frames[video])
            try:
                self.cache.read(video, self._indices(start, num_frames), out)
            except VideoError as error:
                self._note(video, error)
            else:
                return video
            attempt += 1
            again = position_rng(self.seed, step, position, attempt).random((1, 3))
            (video,), (start,) = self._locate(again)

    def _is_mine(self, position: int) -> bool:
        return position // self.batch_size % self.world_size == self.rank

    def _decode(self, run: Run, members: list[int]) -> list[tuple[np.ndarray, int]]:
        """Decode clips of one run one after the other: the reader goes on where it is, without a jump for each."""
        shape = (self.data.num_frames, self.cache.height, self.cache.width, 3)
        attempt = 0
        while True:
            (video,), (start,) = self._locate(self._order.draw(run, attempt)[None])
            # Going round at the end keeps every start of the video equally likely for each member.
            starts = {member: int((start + member * self._span) % self._starts[video]) for member in members}
            clips = {}
            try:
                for member in sorted(members, key=starts.__getitem__):
                    clips[member] = np.empty(shape, np.uint8)
                    indices = self._indices(starts[member], int(self.cache.videos.num_frames[video]))
                    self.cache.read(video, indices, clips[member])
            except VideoError as error:
                self._note(video, error)
                attempt += 1
            else:
                return [(clips[member], video) for member in members]

    def _indices(self, start: int, video_frames: int) -> Sequence[int]:
        return clip_indices(start, video_frames, self.data.num_frames, self.data.frame_stride, self.data.short)

    def _note(self, video: int, error: VideoError) -> None:
        """Count a failure; say so once for each video; give up when too many videos have failed."""
        with self._lock:
            first = video not in self._failed
            self._failed.add(video)
            failed = len(self._failed)
        if first:
            _log.warning("%s; its clips are replaced by others", error)
        usable = len(self._usable)
        # Asked at every failure, the known ones too: with nothing left, drawing again would never end.
        if failed > self.data.max_bad_share * usable or failed == usable:
            raise DataError(
                f"{failed} of {usable} videos can no longer be read, the last being {error}; restore them, or start "
                "again to fill the clip cache anew"
            ) from error
