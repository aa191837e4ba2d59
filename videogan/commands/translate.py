"""``videogan translate``: a clip of one class shown as another."""

from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer

import videogan
from videogan.commands import folders, options
from videogan.commands.console import tell_model
from videogan.commands.progress import bars, counting


def translate(
    clip: options.InArgument,
    out: options.OutArgument,
    class_name: Annotated[str, typer.Option("--class", help="Class that the clip is shown as, by name.")],
    run: options.RunOption = None,
    best: options.BestOption = False,
    scale: options.ScaleOption = None,
    no_metadata: options.NoMetadataOption = False,
    yes: options.YesOption = False,
) -> None:
    """Show a clip of one class as another, its content and motion kept; of any length, in constant memory."""
    whole_folder = folders.holds_files(clip, out, overwrite=yes)
    model = videogan.load(run, best=best)

    def one(source: Path, target: Path) -> dict[str, Any]:
        video = model.translate(source, class_name).with_options(clip=source.name)
        video = video.scaled(options.scale_of(scale, target))
        with bars() as show:
            video.save(target, overwrite=yes, metadata=not no_metadata, progress=counting(show))
        return {"out": [str(target)]}

    folders.run(one, clip, out, itemgetter("out"), whole_folder=whole_folder, overwrite=yes)
    tell_model(model)
