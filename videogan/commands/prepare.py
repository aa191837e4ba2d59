"""``videogan prepare``: a dataset, drawn or already fetched, into a folder of clean, cut, resized clips."""

import logging
import re
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
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Only share I of N, counted from 0, as OUT/clips-I.tar.")
    ] = None,
    by_look: Annotated[
        bool, typer.Option("--by-look", help="Classes are groups of clips that look alike, not the recipe's.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write into OUT even if it holds something.")] = False,
) -> None:
    """Make a folder of clips from a dataset recipe.

    moving-shapes and moving-digits are drawn on the spot. For the others, get the dataset first and name its folder
    by --from.

    With --by-look clips of several scenes, as a film's, get a class for each, look-01 being that of the most clips.
    Look at them, rename them, and move what is in the wrong one before you train.

    With --shard any number of machines do it together, as by sbatch --array=0-999 and --shard
    $SLURM_ARRAY_TASK_ID/1000. A shard that is finished is left as it is; one that was interrupted begins anew.
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
            shard=None if shard is None else _parse_shard(shard),
            by_look=by_look,
            overwrite=yes,
            progress=partial(show, "preparing"),
        )
    for path, reason in result.rejected:
        _log.warning("%s is left out: %s", printable(path), reason)
    if result.too_short:
        _log.warning("%d pieces were too short and are left out", result.too_short)
    classes = f" in {len(result.class_names)} classes" if result.class_names else ""
    if by_look and not result.class_names:
        _log.info("all clips look alike: they stay without classes")
    _log.info("%d clips%s, %d frames; `videogan train %s` learns them", result.clips, classes, result.frames, out)
    echo(printable(result.tar or out))


def _parse_shard(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)
    if match is None:
        raise videogan.UsageError(f"--shard {text}: must be I/N, such as 17/1000")
    return int(match[1]), int(match[2])
