"""``videogan translate``: a clip of one class shown as another."""

from typing import Annotated

import typer

import videogan
from videogan.commands import options
from videogan.commands.console import echo


def translate(
    clip: options.InArgument,
    out: options.OutArgument,
    class_name: Annotated[str, typer.Option("--class", help="Class that the clip is shown as, by name.")],
    run: options.RunOption = None,
    no_metadata: options.NoMetadataOption = False,
    yes: options.YesOption = False,
) -> None:
    """Show a clip of one class as another, its content and motion kept; of any length, in constant memory."""
    options.check_input(clip)
    (path,) = options.output_paths(out, overwrite=yes)
    video = videogan.load(run).translate(clip, class_name).with_options(clip=clip.name)
    video.save(path, overwrite=yes, metadata=not no_metadata)
    echo(path)
