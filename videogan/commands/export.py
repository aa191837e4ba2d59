"""``videogan export``: a trained model as one file for other programs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

import videogan
from videogan.commands import options
from videogan.commands.console import echo, tell_model
from videogan.commands.progress import bars


def export(
    out: Annotated[Path, typer.Argument(help="What to write: .safetensors (weights), .onnx or .pt2 (streaming step).")],
    run: options.RunOption = None,
    best: options.BestOption = False,
    precision: Annotated[
        Literal["float32", "float16"] | None,
        typer.Option(help="Of the weights in a .safetensors file; float16 halves it, float32 is the default."),
    ] = None,
    for_training: Annotated[
        bool, typer.Option("--for-training", help="With the discriminators, so that others can train on: --from OUT.")
    ] = False,
    yes: options.YesOption = False,
) -> None:
    """Write a model for sharing, or its streaming step for programs without videogan."""
    options.check_export_out(out, precision=precision, for_training=for_training, overwrite=yes)
    model = videogan.load(run, "cpu", best=best)
    with bars() as show:
        show("exporting", 0, 0)
        model.export(out, precision=precision, for_training=for_training, overwrite=yes)
    tell_model(model)
    echo(out)
