"""``videogan train``: a folder of clips in, a run folder out."""

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Literal

import typer

import videogan
from videogan.commands.console import echo
from videogan.commands.options import PRESET_LIST, parse_settings
from videogan.commands.progress import bars

PresetOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help=f"By default what fits this machine:\n\n{PRESET_LIST}"),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="MODEL",
        help="Start a new run from a run, checkpoint or weights file, from a model that comes along (starter or "
        "starter64, by default on a CPU; shipped), or from nothing (none).",
    ),
]
ClipsArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Folder of videos; its sub-folders, if any, are the classes. Also several, tar shards "
        "(clips-{000..099}.tar, s3://bucket/clips-*.tar), or a text file that lists them; by default those of --run."
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
    start_from: FromOption = None,
    log: Annotated[
        list[str] | None, typer.Option(metavar="tensorboard", help="Log figures and previews there too.")
    ] = None,
    studio: Annotated[bool, typer.Option("--studio", help="Show the run in the studio while it trains.")] = False,
    resume: Annotated[
        Literal["auto", "never"],
        typer.Option(help="auto: go on with an unfinished run of the same clips and settings."),
    ] = "auto",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done and how long it would take, and stop.")
    ] = False,
) -> None:
    """Learn a folder of video clips.

    Ctrl-C saves; the same command again goes on where it stopped.
    """
    changes = parse_settings(settings or [], preset, start_from)
    # Of several processes, started by torchrun or by Slurm, the first speaks for all.
    speaks = os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) == "0"
    with (
        videogan.serve_beside(run) if studio and speaks and not dry_run else nullcontext() as address,
        bars() as progress,
    ):
        if address is not None:
            echo(f"studio: {address}#watch", err=True)
        trained = videogan.train(
            clips or None,
            run=run,
            preset=preset,
            settings=changes,
            steps=steps,
            minutes=minutes,
            loggers=log or (),
            resume=resume == "auto",
            dry_run=dry_run,
            progress=progress,
        )
    if speaks:
        echo(*(trained.config.model_dump_json(indent=2).split("\n") if dry_run else [trained.path]))
