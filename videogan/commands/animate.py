"""``videogan animate``: a photograph that moves."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import videogan
from videogan.commands import options
from videogan.commands.console import bars, echo

PictureArgument = Annotated[Path, typer.Argument(metavar="PICTURE", help="A photograph or drawing.")]
MotionOption = Annotated[Path | None, typer.Option(metavar="CLIP", help="A video whose motion the picture takes.")]
CountOption = Annotated[int, typer.Option(min=1, max=64, help="Videos; several get a number in their name.")]


def animate(
    picture: PictureArgument,
    out: options.OutArgument,
    run: options.RunOption = None,
    frames: Annotated[int, typer.Option(min=1, help="Frames of the video.")] = 64,
    seed: options.FutureSeedOption = 0,
    count: CountOption = 1,
    motion: MotionOption = None,
    refine: options.RefineOption = 100,
    class_name: options.ClassOption = None,
    as_json: options.JsonOption = False,
    no_metadata: options.NoMetadataOption = False,
    yes: options.YesOption = False,
) -> None:
    """Let a picture move: its content, with the motion of a seed or of a given clip.

    Without --class, a model with classes takes the one of lowest error.
    """
    for path in (picture, motion):
        if path is not None:
            options.check_input(path)
    paths = options.output_paths(out, count, overwrite=yes)
    model = videogan.load(run)
    with bars() as show:
        video = model.animate(
            model.read_picture(picture),
            frames,
            seeds=range(seed, seed + count),
            motion=None if motion is None else model.read_clip(motion),
            refine=refine,
            class_name=class_name,
            progress=partial(show, "refining"),
        ).with_options(picture=picture.name, motion=None if motion is None else motion.name)
    video.save(*paths, overwrite=yes, metadata=not no_metadata)
    report = {"out": [str(path) for path in paths], "frames": frames, **video.figures}
    echo(*([json.dumps(report)] if as_json else report["out"]))
