"""``videogan train``: a folder of clips in, a run folder out."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

import videogan
from videogan.commands.console import bars, echo
from videogan.commands.options import parse_settings

PresetOption = Annotated[
    str | None,
    typer.Option(help="cpu, gpu64, gpu64-large, gpu128, gpu256, classic or wgan-gp; by default what fits here."),
]
ClipsArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Folder of videos; its sub-folders, if any, are the classes. Also several, or a text file that lists "
        "them; by default those of --run."
    ),
]


def train(
    clips: ClipsArgument = None,
    run: Annotated[Path | None, typer.Option(help="Run folder; by default a new numbered one under runs/.")] = None,
    preset: PresetOption = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="GROUP.KEY=VALUE", help="Change one setting; repeatable.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Train for so many steps in all.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Train for so many minutes in all.")] = None,
    resume: Annotated[
        Literal["auto", "never"],
        typer.Option(help="auto: go on with an unfinished run of the same clips and settings."),
    ] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")] = False,
) -> None:
    """Learn a folder of video clips.

    Ctrl-C saves; the same command again goes on where it stopped.
    """
    changes = parse_settings(settings or [], preset)
    with bars() as progress:
        trained = videogan.train(
            clips or None,
            run=run,
            preset=preset,
            settings=changes,
            steps=steps,
            minutes=minutes,
            resume=resume == "auto",
            dry_run=dry_run,
            progress=progress,
        )
    if os.environ.get("RANK", "0") == "0":  # of several processes the first speaks for all
        echo(*(trained.config.model_dump_json(indent=2).split("\n") if dry_run else [trained.path]))
