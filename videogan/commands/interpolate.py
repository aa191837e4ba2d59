"""``videogan interpolate``: one video whose content morphs from seed to seed while its motion goes on."""

from pathlib import Path
from typing import Annotated

import typer

from videogan.commands.sample import ClassOption, RunOption, YesOption


def interpolate(
    out: Annotated[Path, typer.Argument(help="What to write: .mp4 .webm .gif .webp .png, or a folder of frames.")],
    seeds: Annotated[str, typer.Option(help="Seeds to morph through, such as 1,2,3.")],
    run: RunOption = None,
    frames: Annotated[int | None, typer.Option(min=1, help="Frames in all; by default 64 from seed to seed.")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Return to the first seed's content at the end.")] = False,
    class_name: ClassOption = None,
    truncation: Annotated[float, typer.Option(min=0, max=1, help="Below 1: more typical content.")] = 1.0,
    yes: YesOption = False,
) -> None:
    """Morph through the content of several seeds; the motion is the first seed's and goes on."""
    from videogan import sampling
    from videogan.commands.rendering import load_model, numbered_paths, parse_seeds, write_videos

    numbers = parse_seeds(seeds)
    paths = numbered_paths(out, 1, overwrite=yes)
    model = load_model(run)
    legs = len(numbers) if loop else len(numbers) - 1
    chunks = sampling.interpolate(
        model.generator,
        numbers,
        model.labels(class_name, numbers[:1]),
        num_frames=frames or max(1, legs) * 64,
        truncation=truncation,
        loop=loop,
    )
    write_videos(paths, chunks, frame_rate=model.frame_rate, overwrite=yes)
    typer.echo(out)
