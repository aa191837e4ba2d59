"""``videogan animate``: a photograph that moves."""

from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer

import videogan
from videogan.commands import folders, options
from videogan.commands.console import tell_model
from videogan.commands.progress import bars, counting

PictureArgument = Annotated[
    Path, typer.Argument(metavar="PICTURE", help="A photograph or drawing, or a folder of such: all of them.")
]
MotionOption = Annotated[Path | None, typer.Option(metavar="CLIP", help="A video whose motion the picture takes.")]
CountOption = Annotated[int, typer.Option(min=1, max=64, help="Videos; several get a number in their name.")]


def animate(
    picture: PictureArgument,
    out: options.OutArgument,
    run: options.RunOption = None,
    best: options.BestOption = False,
    frames: Annotated[int, typer.Option(min=1, help="Frames of the video.")] = 64,
    seed: options.FutureSeedOption = 0,
    count: CountOption = 1,
    motion: MotionOption = None,
    refine: options.RefineOption = 100,
    class_name: options.ClassOption = None,
    scale: options.ScaleOption = None,
    as_json: options.JsonOption = False,
    no_metadata: options.NoMetadataOption = False,
    yes: options.YesOption = False,
) -> None:
    """Let a picture move: its content, with the motion of a seed or of a given clip.

    Without --class, a model with classes takes the one of lowest error.
    """
    whole_folder = folders.holds_files(picture, out, count=count, overwrite=yes, pictures=True)
    if motion is not None:
        options.check_input(motion)
    model = videogan.load(run, best=best)
    clip = None if motion is None else model.read_clip(motion)

    def one(source: Path, target: Path) -> dict[str, Any]:
        paths = options.output_paths(target, count, overwrite=yes)
        with bars() as show:
            video = model.animate(
                model.read_picture(source),
                frames,
                seeds=range(seed, seed + count),
                motion=clip,
                refine=refine,
                class_name=class_name,
                progress=partial(show, "refining"),
            ).with_options(picture=source.name, motion=None if motion is None else motion.name)
            video = video.scaled(options.scale_of(scale, target))
            video.save(*paths, overwrite=yes, metadata=not no_metadata, progress=counting(show))
        return {"out": [str(path) for path in paths], "frames": frames, **video.figures}

    printed = itemgetter("out")
    folders.run(one, picture, out, printed, whole_folder=whole_folder, as_json=as_json, overwrite=yes, pictures=True)
    tell_model(model)
