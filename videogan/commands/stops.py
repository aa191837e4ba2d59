"""The stops of ``videogan interpolate``: seeds, videos and latents files."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videogan.errors import MissingPathError, UsageError, did_you_mean

if TYPE_CHECKING:
    from videogan.generation.morphing import Axis, Stop
    from videogan.model import Model

LATENTS_SUFFIX = ".safetensors"
LARGEST_SWAP = 10


def parse_stops(seeds: str | None, start: str | None, end: str | None) -> list[int | Path]:
    """Read ``--seeds``, or ``--from`` and ``--to``: whole numbers are seeds, all else are files.

    Raises:
        UsageError: neither, or both, or half of them are given, or a seed is none.
        MissingPathError: there is no such file.
    """
    if seeds is not None:
        if start is not None or end is not None:
            raise UsageError("--seeds and --from, --to name stops twice; leave one out")
        return list(_parse_seeds(seeds))
    if start is None or end is None:
        raise UsageError("name the stops: --seeds 1,2,3, or --from STOP --to STOP")
    return [_parse_stop(start), _parse_stop(end)]


def check_axis(text: str) -> Axis:
    """Return the axis of this name, or raise UsageError."""
    names: tuple[Axis, ...] = ("content", "motion", "both")
    for name in names:
        if text == name:
            return name
    raise UsageError(f"--axis takes {', '.join(names[:-1])} or {names[-1]}, not {text!r}{did_you_mean(text, names)}")


def check_swap(stops: Sequence[int | Path]) -> None:
    """Raise UsageError where a grid of all stops with all would be too large."""
    if len(stops) > LARGEST_SWAP:
        raise UsageError(f"--swap shows at most {LARGEST_SWAP} stops with each other, not {len(stops)}")


def load_stops(
    model: Model, stops: Sequence[int | Path], *, class_name: str | None, refine: int, one_class: bool
) -> tuple[list[Stop], list[dict[str, Any]]]:
    """Return the stops, and how each of them is named in a recipe.

    With ``one_class`` every seed is of the first one's class, if none is named.

    Raises:
        VideoError: a video cannot be read.
        CheckpointError: a latents file is damaged, or another model's.
    """
    loaded, described = [], []
    for number, stop in enumerate(stops):
        if isinstance(stop, int):
            from videogan.generation.morphing import seed_stop

            first = stops[0]
            turn = first if one_class and isinstance(first, int) else stop
            loaded.append(seed_stop(model.generator, stop, model.label(class_name, turn)))
            described.append({"seed": stop})
        else:
            loaded.append(_file_stop(model, stop, number, class_name, refine))
            described.append(_describe(model, stop, loaded[-1]))
    return loaded, described


def _parse_seeds(text: str) -> list[int]:
    from videogan.commands.rendering import parse_seeds

    return parse_seeds(text)


def _parse_stop(text: str) -> int | Path:
    if re.fullmatch(r"\d+", text):
        return int(text)
    if not os.path.lexists(text):
        raise MissingPathError(f"{text}: no such video or latents file, and no seed")
    return Path(text)


def _file_stop(model: Model, path: Path, number: int, class_name: str | None, refine: int) -> Stop:
    from videogan.commands.progress import reading_bar
    from videogan.generation.morphing import clip_stop

    if path.suffix == LATENTS_SUFFIX:
        return clip_stop(model.generator, model.load_latents(path), seed=number)
    frames = model.read_clip(path)
    with reading_bar("refining") as progress:
        latents = model.invert(frames, steps=refine, class_name=class_name, progress=progress).latents
    return clip_stop(model.generator, latents, seed=number)


def _describe(model: Model, path: Path, stop: Stop) -> dict[str, Any]:
    kind = "latents" if path.suffix == LATENTS_SUFFIX else "clip"
    return {kind: path.name, "class_name": None if stop.label is None else model.class_names[stop.label]}
