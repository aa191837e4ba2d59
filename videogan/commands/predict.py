"""``videogan predict``: what may come after a given clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from videogan.commands.reconstruct import InArgument, JsonOption, OutArgument
from videogan.commands.sample import ClassOption, NoMetadataOption, RunOption, YesOption

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from torch import Tensor

    from videogan.model import Model
    from videogan.models.latents import ClipLatents


def predict(
    clip: InArgument,
    out: OutArgument,
    run: RunOption = None,
    frames: Annotated[int, typer.Option(min=1, help="New frames.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Of the first future; the next ones count up.")] = 0,
    count: Annotated[int, typer.Option(min=1, max=64, help="Futures; several get a number in their name.")] = 1,
    refine: Annotated[int, typer.Option(min=0, help="Steps of optimisation after the encoder.")] = 100,
    class_name: ClassOption = None,
    new_only: Annotated[bool, typer.Option("--new-only", help="Write the new frames without the clip's own.")] = False,
    as_json: JsonOption = False,
    no_metadata: NoMetadataOption = False,
    yes: YesOption = False,
) -> None:
    """Continue a clip: its own frames, then new ones; each seed is another future.

    Without --class, a model with classes takes the one of lowest error.
    """
    from videogan.commands.options import check_input

    check_input(clip)
    from videogan.commands import rendering
    from videogan.commands.progress import reading_bar

    paths = rendering.numbered_paths(out, count, overwrite=yes)
    rendering.refuse_stdout(out)
    model = rendering.load_model(run)
    given = model.read_clip(clip)
    with reading_bar("refining") as progress:
        latents = model.invert(given, steps=refine, class_name=class_name, ending=True, progress=progress).latents
    found = None if latents.label is None else model.class_names[latents.label]
    seeds = range(seed, seed + count)
    options = {"clip": clip.name, "refine": refine, "class_name": found, "new_only": new_only}
    comments = [rendering.recipe_text(model, "predict", seed=own, frames=frames, options=options) for own in seeds]
    changes: list[float] = []
    chunks = _futures(model, given, latents, seeds, frames, changes)
    if not new_only:
        chunks = _after(given, chunks, count)
    rendering.write_videos(
        paths, chunks, frame_rate=model.frame_rate, overwrite=yes, comments=None if no_metadata else comments
    )
    report = {
        "out": [str(path) for path in paths],
        "given_frames": len(given),
        "new_frames": frames,
        "class": found,
        "median_change_inside": _median_change(given),
        "change_at_join": changes,
    }
    _show(report, as_json=as_json)


def _futures(
    model: Model,
    given: np.ndarray,
    latents: ClipLatents,
    seeds: Sequence[int],
    num_frames: int,
    changes: list[float],
) -> Iterator[Tensor]:
    """Yield the new frames ``(b t c h w)``; note how much each first one differs from the clip's last."""
    from videogan.generation.prediction import TAIL_FRAMES
    from videogan.generation.prediction import predict as continued
    from videogan.video import to_float

    end = to_float(given[-TAIL_FRAMES:]).to(model.device)
    for chunk in continued(model.generator, end, latents, seeds, num_frames=num_frames):
        if not changes:
            changes.extend(((chunk[:, 0] - end[-1]).abs().mean(dim=(1, 2, 3)) * 127.5).tolist())
        yield chunk


def _after(given: np.ndarray, chunks: Iterator[Tensor], count: int) -> Iterator[Tensor]:
    """Yield the clip's own frames for each of ``count`` videos, then the chunks."""
    from einops import repeat

    from videogan.video import to_float

    for first in range(0, len(given), 64):
        yield repeat(to_float(given[first : first + 64]), "t c h w -> b t c h w", b=count)
    yield from chunks


def _median_change(given: np.ndarray) -> float | None:
    """Return the median over the clip of the mean absolute change from frame to frame, in levels of 255."""
    import numpy as np

    if len(given) < 2:
        return None
    change = np.abs(given[1:].astype(np.int16) - given[:-1])
    return float(np.median(change.mean(axis=(1, 2, 3))))


def _show(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        import json

        typer.echo(json.dumps(report))
        return
    for path in report["out"]:
        typer.echo(path)
