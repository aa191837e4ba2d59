"""``videogan predict``: what may come after a given clip."""

from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer

import videogan
from videogan.commands import folders, options
from videogan.commands.console import tell_model
from videogan.commands.progress import bars, counting


def predict(
    clip: options.InArgument,
    out: options.OutArgument,
    run: options.RunOption = None,
    best: options.BestOption = False,
    frames: Annotated[int, typer.Option(min=1, help="New frames.")] = 64,
    seed: options.FutureSeedOption = 0,
    count: Annotated[int, typer.Option(min=1, max=64, help="Futures; several get a number in their name.")] = 1,
    refine: options.RefineOption = 100,
    class_name: options.ClassOption = None,
    new_only: Annotated[bool, typer.Option("--new-only", help="Write the new frames without the clip's own.")] = False,
    as_json: options.JsonOption = False,
    scale: options.ScaleOption = None,
    no_metadata: options.NoMetadataOption = False,
    yes: options.YesOption = False,
) -> None:
    """Continue a clip: its own frames, then new ones; each seed is another future.

    Without --class, a model with classes takes the one of lowest error.
    """
    whole_folder = folders.holds_files(clip, out, count=count, overwrite=yes)
    model = videogan.load(run, best=best)

    def one(source: Path, target: Path) -> dict[str, Any]:
        paths = options.output_paths(target, count, overwrite=yes)
        given, seeds = model.read_clip(source), range(seed, seed + count)
        with bars() as show:
            future = model.predict(
                given, frames, seeds=seeds, refine=refine, class_name=class_name, progress=partial(show, "refining")
            ).with_options(clip=source.name, new_only=new_only)
            shown = (future if new_only else future.after(given)).scaled(options.scale_of(scale, target))
            shown.save(*paths, overwrite=yes, metadata=not no_metadata, progress=counting(show))
        return {
            "out": [str(path) for path in paths],
            "given_frames": len(given),
            "new_frames": frames,
            "class": future.figures["class"],
            "median_change_inside": future.figures["median_change"],
            "change_at_join": future.figures["change_at_join"],
        }

    folders.run(one, clip, out, itemgetter("out"), whole_folder=whole_folder, as_json=as_json, overwrite=yes)
    tell_model(model)
