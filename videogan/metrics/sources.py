"""Where the clips of an evaluation come from: a folder of videos or a generator, both batch by batch.

Which clips are taken depends on the seed and on the videos only, so the same call measures the same clips.
"""

import logging
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Protocol

import torch
from torch import Tensor

from videogan.data.clips import Short, clip_indices, num_clip_starts
from videogan.data.folder import VideoFolder
from videogan.errors import CheckpointError, DataError, UsageError, VideoError
from videogan.files import printable
from videogan.generation.sampling import stream, take
from videogan.models.generator import Generator
from videogan.models.latents import random_generator
from videogan.video import VideoReader, to_float
from videogan.video.pixels import Fit

_log = logging.getLogger(__name__)

BATCH = 16
"""Clips at once, at most."""
BATCH_VALUES = 2**28
"""Values (1 GiB in float32) of the clips at once: fewer clips where they are large, and none beyond."""
CHOICE = "the videos in turn, a start not yet used of each, drawn by the seed"


@dataclass(frozen=True)
class ClipRule:
    """How clips are cut from videos, in the words of the ``data`` settings."""

    size: int
    num_frames: int
    frame_stride: int = 1
    frame_rate: float | None = None
    fit: Fit = "crop"
    short: Short = "repeat-last"

    def clips_at_once(self) -> int:
        """Return how many clips are held at once.

        Raises:
            UsageError: one is too large already.
        """
        at_once = min(BATCH, BATCH_VALUES // (3 * self.num_frames * self.size * self.size))
        if not at_once:
            raise UsageError(
                f"a clip of {self.num_frames} frames of {self.size} x {self.size} pixels is more than 1 GiB; take a "
                "smaller --size or fewer --frames"
            )
        return at_once


@dataclass(frozen=True)
class Batch:
    """Clips (b t c h w) in [-1, 1]; (b) each: labels (-1: none), the video that a clip is of, its index in the set."""

    clips: Tensor
    labels: Tensor
    groups: Tensor
    indices: Tensor


class ClipSource(Protocol):
    """A set of clips that can be gone through, and looked into."""

    class_names: tuple[str, ...]
    frame_rate: Fraction

    def __len__(self) -> int:
        """How many clips there are to read."""
        ...

    def batches(self) -> Iterator[Batch]:
        """Go through the set in a fixed order."""
        ...

    def clip(self, index: int) -> Tensor:
        """One clip (t c h w) in [-1, 1] again."""
        ...


def choose(starts: Sequence[int], clips: int, seed: int) -> list[tuple[int, int]]:
    """Return at most ``clips`` pairs (video, start), ascending; ``starts`` are how many different ones a video has."""
    draw = random_generator(seed)
    order = torch.randperm(len(starts), generator=draw).tolist()
    queues = {video: torch.randperm(starts[video], generator=draw).tolist() for video in order if starts[video]}
    pairs: list[tuple[int, int]] = []
    while queues and len(pairs) < clips:
        for video in list(queues)[: clips - len(pairs)]:
            pairs.append((video, queues[video].pop()))
            if not queues[video]:
                del queues[video]
    return sorted(pairs)


class FolderSource:
    """Clips of the videos of a folder, whatever tool wrote them.

    Raises:
        DataError: no video is long enough.
    """

    def __init__(self, folder: VideoFolder, rule: ClipRule, *, clips: int, seed: int) -> None:
        self.folder, self.rule = folder, rule
        self._change: Callable[[Tensor], Tensor] = lambda clips: clips
        self.class_names = folder.class_names
        lengths = [self._count(video) for video in range(len(folder.videos))]
        starts = [num_clip_starts(n, rule.num_frames, rule.frame_stride, rule.short) for n in lengths]
        self.picks = choose(starts, clips, seed)
        if not self.picks:
            raise DataError(
                f"{printable(folder.root)}: no video has {rule.num_frames} frames at stride {rule.frame_stride}; "
                "ask for fewer by --frames or --stride"
            )
        rate = Fraction(rule.frame_rate) if rule.frame_rate else folder.videos[self.picks[0][0]].info.frame_rate
        self.frame_rate = rate / rule.frame_stride
        labels = [folder.videos[video].label for video, _ in self.picks]
        self.labels = torch.tensor([-1 if label is None else label for label in labels])

    def __len__(self) -> int:
        return len(self.picks)

    def batches(self) -> Iterator[Batch]:
        """Go through the clips by video; one that cannot be read is left out with a warning."""
        at_once = self.rule.clips_at_once()
        clips: list[Tensor] = []
        indices: list[int] = []
        for video, picks in groupby(enumerate(self.picks), lambda pick: pick[1][0]):
            for index, (_, start) in picks:
                try:
                    clips.append(read_clip(self.folder, video, start, self.rule))
                    indices.append(index)
                except VideoError as error:
                    _log.warning("%s is left out", printable(str(error)))
                if len(clips) == at_once:
                    yield self._batch(clips, indices)
                    clips, indices = [], []
        if clips:
            yield self._batch(clips, indices)

    def clip(self, index: int) -> Tensor:
        """One clip (t c h w) in [-1, 1] again."""
        return read_clip(self.folder, *self.picks[index], self.rule)

    def part(self, indices: Tensor) -> "FolderSource":
        """Return only the clips of these indices (m)."""
        part = copy(self)
        part.picks, part.labels = [self.picks[index] for index in indices.tolist()], self.labels[indices]
        return part

    def changed(self, change: Callable[[Tensor], Tensor]) -> "FolderSource":
        """Return the same clips, each batch (b t c h w) changed."""
        changed = copy(self)
        changed._change = change
        return changed

    def _batch(self, clips: list[Tensor], indices: list[int]) -> Batch:
        groups = torch.tensor([self.picks[index][0] for index in indices])
        return Batch(self._change(torch.stack(clips)), self.labels[indices], groups, torch.tensor(indices))

    def _count(self, video: int) -> int:
        source = self.folder.videos[video]
        if self.rule.frame_rate is None:
            return source.info.num_frames
        with VideoReader(source.source, frame_rate=self.rule.frame_rate) as reader:
            return len(reader)


def read_clip(folder: VideoFolder, video: int, start: int, rule: ClipRule) -> Tensor:
    """Return the clip (t c h w) in [-1, 1] that begins at a start of a video of the folder."""
    source, size = folder.videos[video].source, (rule.size, rule.size)
    with VideoReader(source, size=size, fit=rule.fit, frame_rate=rule.frame_rate) as reader:
        try:
            indices = clip_indices(start, len(reader), rule.num_frames, rule.frame_stride, rule.short)
        except ValueError:
            raise VideoError(source, f"only {len(reader)} frames can be read") from None
        return to_float(reader.read(indices))


class GeneratorSource:
    """Clips of a model: seeds from ``seed`` on, one class label a clip (b) or None for a model without classes.

    Each clip is ``num_frames`` frames of its video, the first ones; see :meth:`later`.
    """

    def __init__(
        self,
        generator: Generator,
        class_names: tuple[str, ...],
        labels: Tensor | None,
        *,
        num_frames: int,
        clips: int,
        seed: int,
        frame_rate: Fraction,
    ) -> None:
        self.class_names, self.frame_rate, self.first_frame = class_names, frame_rate, 0
        self._generator, self._labels = generator, labels
        self._num_frames, self._videos, self._seed = num_frames, torch.arange(clips), seed
        self._device = next(generator.parameters()).device

    def __len__(self) -> int:
        return len(self._videos)

    def batches(self) -> Iterator[Batch]:
        """Make the clips, 16 at a time.

        Raises:
            CheckpointError: the model makes values that are not finite.
        """
        for indices in self._videos.split(BATCH):
            labels = torch.full_like(indices, -1) if self._labels is None else self._labels[indices]
            yield Batch(self._frames(indices), labels, indices, indices)

    def clip(self, index: int) -> Tensor:
        """One clip (t c h w) in [-1, 1] again."""
        return self._frames(torch.tensor([index]))[0]

    def later(self, first_frame: int, clips: int) -> "GeneratorSource":
        """Return frames from ``first_frame`` on of ``clips`` of the videos; those before cost time, not memory.

        They lie at even distances, so that every class has its share of them.
        """
        later, clips = copy(self), min(clips, len(self))
        later.first_frame, later._videos = first_frame, self._videos[torch.arange(clips) * len(self) // max(1, clips)]
        return later

    def _frames(self, indices: Tensor) -> Tensor:
        first = self.first_frame
        seeds = [self._seed + index for index in indices.tolist()]
        labels = None if self._labels is None else self._labels[indices].to(self._device)
        kept, passed = [], 0
        for chunk in take(stream(self._generator, seeds, labels), first + self._num_frames):
            if passed + chunk.shape[1] > first:
                kept.append(chunk[:, max(0, first - passed) :].cpu())
            passed += chunk.shape[1]
        clips = torch.cat(kept, dim=1)
        if not clips.isfinite().all():
            raise CheckpointError("the model makes values that are not finite; evaluate an earlier checkpoint by --run")
        return clips


def labels_in_proportion(
    real: Tensor, real_names: Sequence[str], model_names: Sequence[str], clips: int
) -> Tensor | None:
    """Return ``clips`` labels of the model's classes in the proportion of the real labels (n), matched by name.

    Classes that only one side has are left out; with none in common the model's classes take turns. None for a model
    without classes.
    """
    if not model_names:
        return None
    number = {name: index for index, name in enumerate(model_names)}
    shared = [number[real_names[label]] for label in real.tolist() if label >= 0 and real_names[label] in number]
    if not shared:
        return torch.arange(clips) % len(model_names)
    # At even distances along the sorted labels: in proportion for any number of clips.
    ordered = sorted(shared)
    return torch.tensor([ordered[index * len(ordered) // clips] for index in range(clips)])


def same_names(real: VideoFolder, fake: VideoFolder) -> list[tuple[int, int]]:
    """Return the indices of the videos that have one name, suffixes aside, in both folders."""
    names, own = (
        [
            unicodedata.normalize("NFC", str(video.path.relative_to(folder.root).with_suffix("")))
            for video in folder.videos
        ]
        for folder in (fake, real)
    )
    number = {name: index for index, name in enumerate(names)}
    return [(index, number[name]) for index, name in enumerate(own) if name in number]


def paired_clips(real: FolderSource, fake: FolderSource) -> Iterator[Tensor]:
    """Yield the first clips of videos of one name in both folders as (2 t c h w): real, generated."""
    for one, other in same_names(real.folder, fake.folder):
        yield torch.stack((read_clip(real.folder, one, 0, real.rule), read_clip(fake.folder, other, 0, fake.rule)))
