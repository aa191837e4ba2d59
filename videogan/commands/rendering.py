"""What the commands that make videos share: finding the model, naming outputs, writing streams to files."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from einops import rearrange
from torch import Tensor

from videogan.artifacts.provenance import new_recipe
from videogan.errors import UsageError
from videogan.model import Model as Model
from videogan.model import load
from videogan.signals import stop_wish
from videogan.video import VideoWriter, to_uint8
from videogan.video.pipe import PIPE_FORMATS, PipeFormat, PipeWriter
from videogan.video.writer import check_output_path

VIDEOS_AT_ONCE = 16
"""Videos that are made together; more would need more memory and be no faster."""
LARGEST_GRID = 100
STDOUT = Path("-")


def load_model(run: Path | None) -> Model:
    """Load the model that ``--run`` names, or the newest, onto the GPU if there is one."""
    return load(run)


def numbered_paths(out: Path, count: int, *, overwrite: bool) -> list[Path]:
    """Return the paths of ``count`` videos: OUT itself, or OUT with -000, -001 ... before its suffix.

    Raises:
        UsageError: one of them exists already, or cannot be written.
    """
    if out == STDOUT:
        if count != 1:
            raise UsageError("one video goes to stdout; leave out --count, or use --grid")
        return [out]
    width = max(3, len(str(count - 1)))
    paths = [out] if count == 1 else [out.with_name(f"{out.stem}-{i:0{width}d}{out.suffix}") for i in range(count)]
    for path in paths:
        check_output_path(path, overwrite=overwrite)
    return paths


def parse_seeds(text: str) -> list[int]:
    """Read ``1,2,3``.

    Raises:
        UsageError: it is not a list of whole numbers from 0 on.
    """
    try:
        seeds = [int(part) for part in text.split(",")]
    except ValueError:
        seeds = [-1]
    if min(seeds) < 0:
        raise UsageError(f"--seeds takes whole numbers from 0 on with commas between, such as 1,2,3, not {text!r}")
    return seeds


def parse_grid(text: str | None, count: int) -> tuple[int, int]:
    """Read ``4x4`` as rows and columns; None is one of each.

    Raises:
        UsageError: it is not two whole numbers, makes too large a grid, or is given together with a count.
    """
    if text is None:
        return 1, 1
    sides = re.fullmatch(r"([1-9]\d?)x([1-9]\d?)", text)
    if sides is None or int(sides[1]) * int(sides[2]) > LARGEST_GRID:
        raise UsageError(f"--grid takes rows x columns up to {LARGEST_GRID} videos, such as 4x4, not {text!r}")
    if count != 1:
        raise UsageError("--grid says how many videos there are; leave out --count")
    return int(sides[1]), int(sides[2])


def parse_frames(text: str) -> int | None:
    """Read a number of frames from 1 on; None for ``inf``.

    Raises:
        UsageError: it is neither.
    """
    if text == "inf":
        return None
    if re.fullmatch(r"[1-9]\d{0,17}", text) is None:
        raise UsageError(f"--frames takes a whole number from 1 on, or inf, not {text!r}")
    return int(text)


def parse_pipe_format(text: str | None, out: Path) -> PipeFormat:
    """Read what is written to stdout; Y4M by default.

    Raises:
        UsageError: there is no such format, or OUT is a file, whose suffix says the format.
    """
    if text is not None and out != STDOUT:
        raise UsageError(f"--format is for stdout (OUT -); the suffix of {out} says its format")
    for known in PIPE_FORMATS:
        if (text or PIPE_FORMATS[0]) == known:
            return known
    raise UsageError(f"--format takes {' or '.join(PIPE_FORMATS)}, not {text!r}")


def refuse_stdout(out: Path) -> None:
    """Raise UsageError for ``-``, which only sample writes to."""
    if out == STDOUT:
        raise UsageError("only `videogan sample` writes to stdout; name a file such as out.mp4")


def recipe_text(
    model: Model,
    command: str,
    *,
    frames: int | Literal["inf"],
    options: dict[str, Any],
    seed: int | list[int] | None = None,
) -> str:
    """Return the recipe, as it stands in a file, of a video that is made now."""
    recipe = new_recipe(
        command,
        model_sha256=model.sha256,
        step=model.card.step,
        seed=seed,
        frames=frames,
        options=options,
        device=str(model.device),
    )
    return recipe.to_text()


def side_by_side(chunks: Iterator[Tensor], rows: int) -> Iterator[Tensor]:
    """Lay the videos of each chunk ``(b t c h w)`` out as one, ``(1 t c rows*h columns*w)``."""
    for chunk in chunks:
        yield rearrange(chunk, "(rows columns) t c h w -> 1 t c (rows h) (columns w)", rows=rows)


def write_videos(
    paths: Sequence[Path],
    chunks: Iterator[Tensor],
    *,
    frame_rate: Fraction,
    overwrite: bool,
    comments: Sequence[str | None] | None = None,
) -> None:
    """Write chunks ``(b t c h w)`` in [-1, 1], one video per path, as they come; ``comments`` are put into the files.

    Raises:
        Interrupted: by Ctrl-C or SIGTERM; the files hold the frames so far.
    """
    texts = comments or [None] * len(paths)
    with stop_wish() as wish:
        with ExitStack() as stack:
            writers = [
                stack.enter_context(VideoWriter(path, frame_rate=frame_rate, overwrite=overwrite, comment=text))
                for path, text in zip(paths, texts, strict=True)
            ]
            written = 0
            for chunk in chunks:
                for writer, frames in zip(writers, to_uint8(chunk.cpu()), strict=True):
                    writer.write(frames)
                written += chunk.shape[1]
                if wish:
                    break
        if wish:
            wish.raise_as(f"stopped; {paths[0]} holds the {written} frames so far")


def write_stdout(chunks: Iterator[Tensor], *, pipe_format: PipeFormat, frame_rate: Fraction) -> None:
    """Write chunks ``(1 t c h w)`` in [-1, 1] to stdout; a reader that has seen enough ends it without a word.

    Raises:
        UsageError: stdout is a terminal.
        Interrupted: by Ctrl-C or SIGTERM.
    """
    with stop_wish() as wish:
        with PipeWriter(sys.__stdout__.fileno() if sys.__stdout__ else 1, pipe_format, frame_rate) as writer:
            for chunk in chunks:
                writer.write(to_uint8(chunk[0].cpu()))
                if wish or writer.broken:
                    break
        if wish:
            wish.raise_as(f"stopped after {writer.num_frames} frames")
