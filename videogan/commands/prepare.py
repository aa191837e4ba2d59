"""``videogan prepare``: a dataset, drawn or already fetched, into a folder of clean, cut, resized clips."""

import logging
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import videogan
from videogan.commands.console import echo, printable
from videogan.commands.progress import bars

_log = logging.getLogger(__name__)


def prepare(
    recipe: Annotated[str, typer.Argument(help="Recipe by name, such as moving-shapes, or a .toml file.")],
    out: Annotated[Path, typer.Argument(help="Folder for the clips; each class gets a sub-folder.")],
    raw: Annotated[Path | None, typer.Option("--from", help="The dataset, unpacked; nothing is downloaded.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Number of videos to draw, or to take at most.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of drawn videos.")] = 0,
    size: Annotated[int | None, typer.Option(min=8, max=4096, help="Height and width, if not the recipe's.")] = None,
    split: Annotated[str | None, typer.Option(help="Only this split of the dataset, such as train.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write into OUT even if it holds something.")] = False,
) -> None:
    """Make a folder of clips from a dataset recipe.

    moving-shapes and moving-digits are drawn on the spot. For the others, get the dataset first and name its folder
    by --from.
    """
    with bars() as show:
        result = videogan.prepare(
            recipe,
            out,
            raw=raw,
            count=count,
            seed=seed,
            size=size,
            split=split,
            overwrite=yes,
            progress=partial(show, "preparing"),
        )
    for path, reason in result.rejected:
        _log.warning("%s is left out: %s", printable(path), reason)
    if result.too_short:
        _log.warning("%d pieces were too short and are left out", result.too_short)
    classes = f" in {len(result.class_names)} classes" if result.class_names else ""
    _log.info("%d clips%s, %d frames; `videogan train %s` learns them", result.clips, classes, result.frames, out)
    echo(printable(out))
