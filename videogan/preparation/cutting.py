"""Cutting the videos of a raw dataset into clips."""

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice, pairwise, zip_longest
from pathlib import Path

import numpy as np

from videogan.data.walk import walk_folders
from videogan.errors import DataError, UsageError, did_you_mean
from videogan.files import natural_key, printable
from videogan.preparation.matching import match_all
from videogan.preparation.recipes import Cutting, VideosRecipe
from videogan.preparation.scene_cuts import scene_starts
from videogan.storage.member import Member, path_of
from videogan.video import VideoReader, VideoWriter

_CHUNK_BYTES = 64 << 20
_UNSAFE = re.compile(r"[^\w.-]+")
_PIECE = re.compile(r"(.+)-\d{3,}", re.DOTALL)
_NAME_CHARACTERS, _NAME_BYTES = 120, 200  # file systems allow 255 bytes, of which the writer adds some


@dataclass
class Prepared:
    """What came of it: clips and frames written, classes, pieces that were too short, videos that cannot be read.

    ``tar`` is the file of the clips where a shard was asked for.
    """

    folder: Path
    clips: int = 0
    frames: int = 0
    class_names: set[str] = field(default_factory=set)
    too_short: int = 0
    rejected: list[tuple[Path, str]] = field(default_factory=list)
    tar: Path | None = None

    def add(self, other: "Prepared") -> None:
        """Count in what came of other videos."""
        self.clips += other.clips
        self.frames += other.frames
        self.class_names |= other.class_names
        self.too_short += other.too_short
        self.rejected += other.rejected


@dataclass(frozen=True)
class RawVideo:
    """A video of the raw folder that the recipe wants, with its class and the stem of the clips cut from it."""

    source: Path | Member
    label: str | None
    stem: str

    @property
    def path(self) -> Path:
        """Its name, within its shard where it lies in one."""
        return path_of(self.source)


def find_videos(
    recipe: VideosRecipe, raw: Path, split: str | None, *, labelled: bool = True
) -> tuple[list[RawVideo], list[tuple[Path, str]]]:
    """The videos below ``raw`` that the layout names, the classes taking turns, each in natural order.

    Unless they shall be ``labelled``, the layout's classes are disregarded. Also returns what could not even be looked
    at, with the reason.
    """
    splits = recipe.layout.splits
    if split is not None and split not in splits:
        names = ", ".join(splits) or "none"
        raise UsageError(f"unknown split {split!r}{did_you_mean(split, splits)}; this recipe's splits: {names}")
    walked = walk_folders([raw])
    candidates = walked.sources()
    by_class: dict[str, list[RawVideo]] = {}
    stems = _Stems(pieces=recipe.clips.scene_cuts or recipe.clips.max_frames is not None)
    laid_out = (each.unpacked if isinstance(each, Member) else each for each in candidates)
    paths = [path.relative_to(raw).as_posix() for path in laid_out]
    in_layout = match_all(recipe.layout.video, paths, whole=True)
    in_split = in_layout if split is None else match_all(splits[split], paths, whole=False)
    for candidate, path, match, chosen in zip(candidates, paths, in_layout, in_split, strict=True):
        if match is None or chosen is None:
            continue
        label = match.get("label") if labelled else None
        name = None if label is None else _safe(label)
        stem = stems.add(f"{name}/" if name else "", _safe(path.removeprefix(f"{label}/").rsplit(".", 1)[0]))
        by_class.setdefault(label or "", []).append(RawVideo(candidate, name, stem))
    if not by_class:
        which = "" if split is None else f" of the split {split!r}"
        raise DataError(
            f"{printable(raw)}: none of its {len(candidates)} videos{which} has the recipe's layout, "
            f"{recipe.layout.video}; give --from the folder that the dataset was unpacked into"
        )
    in_turn = zip_longest(*(by_class[name] for name in sorted(by_class, key=natural_key)))
    return [video for turn in in_turn for video in turn if video is not None], walked.rejected


def pieces(starts: Sequence[int], ticks: Sequence[int], cutting: Cutting) -> tuple[list[tuple[int, int]], int]:
    """Where to cut a video: pairs (first, end) of positions in ``ticks``, and how many pieces are too short.

    Args:
        starts: source frames at which scenes begin, ascending, the first being 0.
        ticks: source frame for each output frame, ascending.
        cutting: shortest and longest piece.
    """
    bounds = [*np.searchsorted(ticks, starts).tolist(), len(ticks)]
    kept: list[tuple[int, int]] = []
    too_short = 0
    for begin, end in pairwise(bounds):
        longest = cutting.max_frames or max(1, end - begin)
        for first in range(begin, end, longest):
            piece = (first, min(first + longest, end))
            if piece[1] - piece[0] >= cutting.min_frames:
                kept.append(piece)
            else:
                too_short += 1
    return kept, too_short


def cut_video(video: RawVideo, cutting: Cutting, out: Path, stop: threading.Event) -> Prepared:
    """Write the clips of one video below ``out``; VideoError where it cannot be read.

    Once ``stop`` is set, InterruptedError ends the work and removes the clip that is being written.
    """
    starts = [0]
    if cutting.scene_cuts:
        with VideoReader(video.source, size=(64, 64), fit="stretch") as reader:
            starts = scene_starts(reader.frames(), cutting.scene_threshold)
    size = (cutting.size, cutting.size)
    with VideoReader(video.source, size=size, fit=cutting.fit, frame_rate=cutting.frame_rate) as reader:
        kept, too_short = pieces(starts, reader.numbers, cutting)
        done = Prepared(out, too_short=too_short)
        folder = out / video.label if video.label else out
        frames = reader.frames()
        position = 0
        for number, (first, end) in enumerate(kept):
            next(islice(frames, first - position, first - position), None)
            name = video.stem if len(kept) == 1 else f"{video.stem}-{number:03d}"
            written = write_clip(folder / f"{name}.mp4", _stacked(frames, end - first), reader.frame_rate, stop)
            position = end
            done.clips, done.frames = done.clips + 1, done.frames + written
            done.class_names |= {video.label} if video.label else set()
    return done


def _stacked(frames: Iterator[np.ndarray], count: int) -> Iterator[np.ndarray]:
    """Yield the next ``count`` frames as arrays ``t h w c`` of some megabytes."""
    chunk: list[np.ndarray] = []
    for frame in islice(frames, count):
        chunk.append(frame)
        if len(chunk) * frame.nbytes >= _CHUNK_BYTES:
            yield np.stack(chunk)
            chunk = []
    if chunk:
        yield np.stack(chunk)


def write_clip(path: Path, chunks: Iterable[np.ndarray], frame_rate: Fraction, stop: threading.Event) -> int:
    """Write frames (t h w c, in chunks) to a video, making its folder; return how many."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{printable(path.parent)}: cannot be made ({error.strerror})") from error
    written = 0
    with VideoWriter(path, frame_rate=frame_rate, overwrite=True) as writer:
        for chunk in chunks:
            if stop.is_set():
                raise InterruptedError(f"{path} was not finished")
            writer.write(chunk)
            written += len(chunk)
    return written


def _safe(name: str) -> str:
    """A plain file name out of a path or a label."""
    plain = _UNSAFE.sub("-", printable(name)).strip("-.")[-_NAME_CHARACTERS:]
    return plain.encode()[-_NAME_BYTES:].decode(errors="ignore") or "video"


class _Stems:
    """Names of source videos, from which those of clips are made; compared as file systems that fold case would.

    Args:
        pieces: whether a video may become several clips, ``NAME-000`` and so on, of which no other video has the name.
    """

    def __init__(self, *, pieces: bool) -> None:
        self._pieces = pieces
        self._taken: set[str] = set()
        self._wholes: set[str] = set()

    def add(self, prefix: str, stem: str) -> str:
        """Return ``stem``, with a number if ``prefix + stem``, its piece or its whole is taken."""
        number, name = 1, stem
        while self._clashes(key := (prefix + name).casefold()):
            number += 1
            name = f"{stem}.{number}"
        self._taken.add(key)
        self._wholes.add(_whole_of(key))
        return name

    def _clashes(self, key: str) -> bool:
        return key in self._taken or (self._pieces and (key in self._wholes or _whole_of(key) in self._taken))


def _whole_of(name: str) -> str:
    """Return the name of the video of which a clip of that name would be a piece; empty where it is none."""
    piece = _PIECE.fullmatch(name)
    return piece[1] if piece else ""
