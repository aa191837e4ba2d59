"""Turning a recipe into a folder of clips: drawn, or cut from the videos of a raw folder."""

import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice, pairwise, zip_longest
from pathlib import Path

import numpy as np

from videogan.data.folder import Progress
from videogan.data.recipes import Cutting, SyntheticRecipe, VideosRecipe
from videogan.data.scene_cuts import scene_starts
from videogan.data.synthetic import moving_digits, moving_shapes
from videogan.data.walk import walk_folder
from videogan.errors import DataError, UsageError, VideoError, did_you_mean
from videogan.files import natural_key, printable
from videogan.video import VideoReader, VideoWriter, as_frame_rate

_CHUNK = 64
_UNSAFE = re.compile(r"[^\w.-]+")


@dataclass
class Prepared:
    """What came of it: clips and frames written, classes, pieces that were too short, videos that cannot be read."""

    clips: int = 0
    frames: int = 0
    class_names: set[str] = field(default_factory=set)
    too_short: int = 0
    rejected: list[tuple[Path, str]] = field(default_factory=list)


Job = Callable[[threading.Event], Prepared]


@dataclass(frozen=True)
class RawVideo:
    """A video of the raw folder that the recipe wants, with its class and the stem of the clips cut from it."""

    path: Path
    label: str | None
    stem: str


def prepare_synthetic(
    recipe: SyntheticRecipe, out: Path, *, count: int, size: int, seed: int, progress: Progress | None = None
) -> Prepared:
    """Draw ``count`` videos of ``size`` pixels into ``out/CLASS/NUMBER.mp4``."""

    def draw(index: int) -> tuple[np.ndarray, str]:
        if recipe.kind == "moving-shapes":
            return moving_shapes(index, seed=seed, size=size, num_frames=recipe.num_frames)
        return moving_digits(index, seed=seed, size=size, num_frames=recipe.num_frames, num_digits=recipe.num_digits)

    def job(index: int) -> Job:
        def run(stop: threading.Event) -> Prepared:
            frames, name = draw(index)
            path = out / name / f"{index:06d}.mp4"
            _write(path, [frames], as_frame_rate(recipe.frame_rate), stop)
            return Prepared(1, len(frames), {name})

        return run

    draw(0)
    return _run_all([job(index) for index in range(count)], progress)


def prepare_videos(
    recipe: VideosRecipe,
    raw: Path,
    out: Path,
    *,
    split: str | None = None,
    count: int | None = None,
    size: int | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Cut the videos of ``raw`` that the recipe's layout names into ``out/CLASS/NAME.mp4``.

    Args:
        recipe: the layout and how to cut.
        raw: the dataset as it was unpacked.
        out: where clips go.
        split: one of the recipe's splits; None takes all videos.
        count: at most so many source videos, taken from the classes in turn; None takes all.
        size: height and width of the clips in pixels; None takes the recipe's.
        progress: called as videos are done.

    Raises:
        UsageError: no such split.
        DataError: no video has the recipe's layout, or none gave a clip.
    """
    found, unread = find_videos(recipe, raw, split)
    videos = found[:count]
    cutting = recipe.clips if size is None else recipe.clips.model_copy(update={"size": size})

    def job(video: RawVideo) -> Job:
        return lambda stop: _cut(video, cutting, out, stop)

    done = _run_all([job(video) for video in videos], progress)
    done.rejected += unread
    if not done.clips:
        first = f"; {printable(done.rejected[0][0])}: {done.rejected[0][1]}" if done.rejected else ""
        raise DataError(
            f"{printable(raw)}: {len(videos)} videos gave no clip: {len(done.rejected)} cannot be read, "
            f"{done.too_short} pieces are shorter than min_frames={cutting.min_frames}{first}"
        )
    return done


def find_videos(recipe: VideosRecipe, raw: Path, split: str | None) -> tuple[list[RawVideo], list[tuple[Path, str]]]:
    """The videos below ``raw`` that the layout names, the classes taking turns, each in natural order.

    Also returns what could not even be looked at, with the reason.
    """
    splits = recipe.layout.splits
    if split is not None and split not in splits:
        known = ", ".join(splits) or "none"
        raise UsageError(f"unknown split {split!r}{did_you_mean(split, splits)}; this recipe's splits: {known}")
    walked = walk_folder(raw)
    candidates = walked.candidates
    by_class: dict[str, list[RawVideo]] = {}
    stems: set[str] = set()
    for candidate in candidates:
        path = candidate.path.relative_to(raw).as_posix()
        match = re.fullmatch(recipe.layout.video, path)
        if match is None or (split is not None and not re.search(splits[split], path)):
            continue
        label = match.groupdict().get("label")
        name = None if label is None else _safe(label)
        stem = _unique(f"{name}/" if name else "", _safe(path.removeprefix(f"{label}/").rsplit(".", 1)[0]), stems)
        by_class.setdefault(label or "", []).append(RawVideo(candidate.path, name, stem))
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


def _cut(video: RawVideo, cutting: Cutting, out: Path, stop: threading.Event) -> Prepared:
    starts = [0]
    if cutting.scene_cuts:
        with VideoReader(video.path, size=(64, 64), fit="stretch") as reader:
            starts = scene_starts(reader.frames(), cutting.scene_threshold)
    size = (cutting.size, cutting.size)
    with VideoReader(video.path, size=size, fit=cutting.fit, frame_rate=cutting.frame_rate) as reader:
        kept, too_short = pieces(starts, reader.numbers, cutting)
        done = Prepared(too_short=too_short)
        folder = out / video.label if video.label else out
        frames = reader.frames()
        position = 0
        for number, (first, end) in enumerate(kept):
            next(islice(frames, first - position, first - position), None)
            name = video.stem if len(kept) == 1 else f"{video.stem}-{number:03d}"
            written = _write(folder / f"{name}.mp4", _stacked(frames, end - first), reader.frame_rate, stop)
            position = end
            done.clips, done.frames = done.clips + 1, done.frames + written
            done.class_names |= {video.label} if video.label else set()
    return done


def _stacked(frames: Iterator[np.ndarray], count: int) -> Iterator[np.ndarray]:
    """The next ``count`` frames as arrays ``t h w c``."""
    while count > 0:
        chunk = [frame for _, frame in zip(range(min(count, _CHUNK)), frames, strict=False)]
        if not chunk:
            return
        yield np.stack(chunk)
        count -= len(chunk)


def _write(
    path: Path, chunks: Sequence[np.ndarray] | Iterator[np.ndarray], frame_rate: Fraction, stop: threading.Event
) -> int:
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


def _run_all(jobs: Sequence[Job], progress: Progress | None) -> Prepared:
    """Run jobs by several threads. When interrupted, files that are not finished are removed before it returns."""
    stop = threading.Event()
    total = Prepared()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        futures = [pool.submit(job, stop) for job in jobs]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                _add(total, future)
                if progress is not None:
                    progress(done, len(jobs))
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    total.rejected.sort()
    return total


def _add(total: Prepared, future: "Future[Prepared]") -> None:
    try:
        one = future.result()
    except VideoError as error:
        total.rejected.append((Path(str(error.path)), error.reason))
        return
    total.clips += one.clips
    total.frames += one.frames
    total.too_short += one.too_short
    total.class_names |= one.class_names


def _safe(name: str) -> str:
    """A plain file name out of a path or a label."""
    return _UNSAFE.sub("-", printable(name)).strip("-.")[-120:] or "video"


def _unique(prefix: str, stem: str, taken: set[str]) -> str:
    """``stem``, with a number if ``prefix + stem`` is taken; compared as file systems that fold case would."""
    number, name = 1, stem
    while (key := (prefix + name).casefold()) in taken:
        number += 1
        name = f"{stem}.{number}"
    taken.add(key)
    return name
