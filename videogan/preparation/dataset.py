"""A dataset recipe in, a folder of clips out."""

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from videogan.errors import DataError, MissingPathError, UsageError, VideoError
from videogan.files import Progress, map_in_threads, printable
from videogan.preparation.cutting import Prepared, RawVideo, cut_video, find_videos, write_clip
from videogan.preparation.figures import moving_figures
from videogan.preparation.recipes import (
    MAX_COUNT,
    MAX_DRAWN_BYTES,
    MAX_SIZE,
    MIN_SIZE,
    SyntheticRecipe,
    VideosRecipe,
    load_recipe,
)
from videogan.preparation.synthetic import moving_digits, moving_shapes, stacked_digits
from videogan.preparation.tar_shard import Shard, ShardWriter, earlier_shard, join_folder
from videogan.video.formats import as_frame_rate

_log = logging.getLogger(__name__)

T = TypeVar("T")

LOOK = "look-"
"""How the names of groups by look begin."""


def prepare(
    recipe: str,
    out: str | os.PathLike[str],
    *,
    raw: str | os.PathLike[str] | None = None,
    count: int | None = None,
    seed: int = 0,
    size: int | None = None,
    split: str | None = None,
    shard: tuple[int, int] | None = None,
    by_look: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Make a folder of clips, ``out/CLASS/NAME.mp4``, from a dataset recipe, or one of many tars of them.

    Args:
        recipe: a recipe by name, or the path of a ``.toml`` file.
        out: where clips go.
        raw: the dataset as it was unpacked; None for recipes that are drawn.
        count: number of videos to draw, or to take from the classes in turn at most; None is the recipe's, or all.
        seed: of drawn videos.
        size: height and width of the clips in pixels, 8 to 4096; None takes the recipe's.
        split: one of the recipe's splits; None takes all videos.
        shard: ``(index, count)``: only this share of the videos, by their names or, if drawn, their numbers, as
            ``out/clips-INDEX.tar``, with what each clip holds in ``clips-INDEX.jsonl``. The index counts from 0, the
            count is at most a million. A shard that is finished is left as it is.
        by_look: whether classes are groups of clips that look alike, ``look-01`` and so on, the largest first, in place
            of the recipe's. Clips that all look alike have no class.
        overwrite: whether to write into a folder that holds something, and to make a finished shard anew.
        progress: called as videos are done.

    Raises:
        UsageError: no such recipe or split, a folder that cannot be used, or an argument out of range.
        DataError: no video has the recipe's layout, or none gave a clip.
    """
    _check_ranges(count, seed, size)
    share = None if shard is None else Shard(*shard)
    parsed, out = load_recipe(recipe), Path(out)
    if isinstance(parsed, SyntheticRecipe):
        if raw is not None or split is not None or by_look:
            raise UsageError(f"{recipe} is drawn, so it takes neither --from nor --split nor --by-look")
        make_clips = partial(draw_videos, parsed, out, seed=seed)
    else:
        if by_look:
            _check_by_look(out, share)
        raw = _check_raw(recipe, parsed, raw, out)
        make_clips = partial(cut_videos, parsed, raw, out, split=split, by_look=by_look)
    if share is None:
        _make_folder(out, overwrite)
    else:
        asked = {"recipe": parsed.model_dump(mode="json"), "count": count, "seed": seed, "size": size, "split": split}
        join_folder(out, {"shards": share.count, **asked}, overwrite=overwrite)
        earlier = None if overwrite else earlier_shard(share.tar(out))
        if earlier is not None:
            _log.info("%s is finished and stays; --yes makes it anew", printable(share.tar(out)))
            return earlier
    return make_clips(count=count, size=size, shard=share, progress=progress)


def draw_videos(
    recipe: SyntheticRecipe,
    out: Path,
    *,
    count: int | None = None,
    seed: int = 0,
    size: int | None = None,
    shard: Shard | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Draw ``out/CLASS/NUMBER.mp4``; arguments as of :func:`prepare`."""
    stop, side, frame_rate = threading.Event(), size or recipe.size, as_frame_rate(recipe.frame_rate)

    drawn = recipe.num_frames * side**2 * 3
    if drawn > MAX_DRAWN_BYTES:
        raise UsageError(
            f"a video of {drawn >> 20} MiB is more than is held while it is drawn; ask for a smaller --size"
        )

    def draw(index: int) -> tuple[np.ndarray, str]:
        if recipe.kind == "moving-shapes":
            return moving_shapes(index, seed=seed, size=side, num_frames=recipe.num_frames)
        if recipe.kind == "moving-figures":
            return moving_figures(index, seed=seed, size=side, num_frames=recipe.num_frames)
        if recipe.kind == "stacked-digits":
            return stacked_digits(index, seed=seed, size=side, num_frames=recipe.num_frames)
        return moving_digits(index, seed=seed, size=side, num_frames=recipe.num_frames, num_digits=recipe.num_digits)

    def make(index: int, folder: Path) -> Prepared:
        frames, name = draw(index)
        written = write_clip(folder / name / f"{index:06d}.mp4", [frames], frame_rate, stop)
        return Prepared(folder, 1, written, {name})

    draw(0)  # what cannot be drawn is told before any thread begins
    numbers = range(count or recipe.count)
    own = numbers if shard is None else numbers[shard.index :: shard.count]
    return _make_all(make, {f"{index:06d}": index for index in own}, out, shard, stop, progress)


def cut_videos(
    recipe: VideosRecipe,
    raw: Path,
    out: Path,
    *,
    split: str | None = None,
    count: int | None = None,
    size: int | None = None,
    shard: Shard | None = None,
    by_look: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Cut the videos of ``raw`` that the recipe's layout names; arguments and errors as of :func:`prepare`."""
    _log.info("terms: %s (%s)", recipe.licence, recipe.homepage)
    stop = threading.Event()
    videos, unread = find_videos(recipe, raw, split, labelled=not by_look)
    videos = videos[:count]
    cutting = recipe.clips if size is None else recipe.clips.model_copy(update={"size": size})
    names = {path: path.relative_to(raw).as_posix() for path in [*(video.path for video in videos), *dict(unread)]}
    own = {names[video.path]: video for video in videos if shard is None or shard.takes(names[video.path])}

    def make(video: RawVideo, folder: Path) -> Prepared:
        return cut_video(video, cutting, folder, stop)

    unread = [(path, reason) for path, reason in unread if shard is None or shard.takes(names[path])]
    total = _make_all(make, own, out, shard, stop, progress, unread)
    if not total.clips and shard is None:  # of many shards some may have no video at all
        first = f"; {printable(total.rejected[0][0])}: {total.rejected[0][1]}" if total.rejected else ""
        raise DataError(
            f"{printable(raw)}: {len(videos)} videos gave no clip: {len(total.rejected)} cannot be read, "
            f"{total.too_short} pieces are shorter than min_frames={cutting.min_frames}{first}"
        )
    if by_look:
        from videogan.preparation.grouping import group_folder  # needs torch, which nothing else here does

        total.class_names = set(group_folder(out, LOOK, progress))
    return total


def _make_all(
    make: Callable[[T, Path], Prepared],
    sources: Mapping[str, T],
    out: Path,
    shard: Shard | None,
    stop: threading.Event,
    progress: Progress | None,
    unread: Sequence[tuple[Path, str]] = (),
) -> Prepared:
    """Have the clips of every source made, below ``out`` or in the tar of a shard; ``sources`` go by name."""
    if shard is None:
        total = _gather(lambda source: make(source, out), list(sources.values()), out, stop, progress)
        total.rejected += unread
        return total
    with ShardWriter(shard.tar(out)) as writer:
        names = list(sources)
        total = _gather(lambda name: writer.add(name, partial(make, sources[name])), names, out, stop, progress)
        total.rejected += unread
        writer.finish(total)
    return total


def _gather(
    make: Callable[[T], Prepared], items: Sequence[T], out: Path, stop: threading.Event, progress: Progress | None
) -> Prepared:
    """Sum up what ``make`` returns. When interrupted, clips that are not finished are gone before this returns."""
    total, lock = Prepared(out), threading.Lock()

    def one(item: T) -> None:
        try:
            part = make(item)
        except VideoError as error:
            part = Prepared(out, rejected=[(Path(str(error.path)), error.reason)])
        with lock:
            total.add(part)

    map_in_threads(one, items, progress=progress, stop=stop)
    total.rejected.sort()
    return total


def _check_ranges(count: int | None, seed: int, size: int | None) -> None:
    if count is not None and not 1 <= count <= MAX_COUNT:
        raise UsageError(f"count {count}: must be from 1 to {MAX_COUNT}")
    if seed < 0:
        raise UsageError(f"seed {seed}: must be a whole number from 0 on")
    if size is not None and not MIN_SIZE <= size <= MAX_SIZE:
        raise UsageError(f"size {size}: must be from {MIN_SIZE} to {MAX_SIZE} pixels")


def _check_raw(name: str, recipe: VideosRecipe, raw: str | os.PathLike[str] | None, out: Path) -> Path:
    if raw is None:
        note = f" {recipe.note}" if recipe.note else ""
        raise UsageError(
            f"{name} is not downloaded for you: get it from {recipe.homepage} (licence: {recipe.licence}), unpack it, "
            f"and run: videogan prepare {name} {out} --from UNPACKED_FOLDER{note and ' --' + note}"
        )
    raw = Path(raw)
    if not raw.exists():
        raise MissingPathError(f"{raw}: no such folder; give --from the folder that the dataset was unpacked into")
    if not raw.is_dir():
        raise UsageError(f"{raw}: not a folder; unpack the dataset and give --from its folder")
    if out.resolve() == raw.resolve() or raw.resolve() in out.resolve().parents:
        raise UsageError(f"{out}: lies in the folder that --from names; choose another place for the clips")
    return raw


def _check_by_look(out: Path, shard: Shard | None) -> None:
    if shard is not None:
        raise UsageError("--shard holds a share of the clips, and --by-look compares all; leave one of them out")
    earlier = next(iter(sorted(out.glob(f"{LOOK}*"))), None)
    if earlier is not None:
        raise UsageError(f"{printable(earlier)} is of an earlier --by-look; remove the groups or name another folder")


def _make_folder(out: Path, overwrite: bool) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: exists and is not a folder; choose another name")
    if out.is_dir() and any(out.iterdir()) and not overwrite:
        raise UsageError(f"{out}: is not empty; use --yes to write into it, or another name")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out}: cannot be made ({error.strerror})") from error
