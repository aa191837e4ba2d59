"""``videogan sample``: new videos from a trained model."""

from pathlib import Path
from typing import Annotated

import typer

RunOption = Annotated[
    Path | None, typer.Option("--run", help="Run folder, checkpoint or weights file; by default the newest run.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Replace OUT if it exists.")]
ClassOption = Annotated[str | None, typer.Option("--class", help="Class of the video, by name.")]


def sample(
    out: Annotated[Path, typer.Argument(help="What to write: .mp4 .webm .gif .webp .png, or a folder of frames.")],
    run: RunOption = None,
    frames: Annotated[int, typer.Option(min=1, help="Frames of each video; any number.")] = 64,
    count: Annotated[
        int, typer.Option(min=1, max=9999, help="Number of videos; several get a number in their name.")
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first video; the next ones count up.")] = 0,
    class_name: ClassOption = None,
    truncation: Annotated[float, typer.Option(min=0, max=1, help="Below 1: more typical, less diverse content.")] = 1.0,
    grid: Annotated[
        str | None, typer.Option(metavar="ROWSxCOLUMNS", help="One video that shows several side by side, such as 4x4.")
    ] = None,
    yes: YesOption = False,
) -> None:
    """Make new videos.

    A seed means the same video whatever the count. Without --class, a labelled model takes its classes in turn.
    """
    from videogan.commands import rendering
    from videogan.sampling import stream, take

    rows, columns = rendering.parse_grid(grid, count)
    paths = rendering.numbered_paths(out, count, overwrite=yes)
    model = rendering.load_model(run)
    seeds = range(seed, seed + count * rows * columns)
    labels = model.labels(class_name, seeds)
    at_once = rendering.VIDEOS_AT_ONCE if grid is None else len(seeds)
    for first in range(0, len(seeds), at_once):
        some = slice(first, first + at_once)
        some_labels = None if labels is None else labels[some]
        chunks = take(stream(model.generator, seeds[some], some_labels, truncation=truncation), frames)
        if grid is not None:
            chunks = rendering.side_by_side(chunks, rows)
        rendering.write_videos(paths[some], chunks, frame_rate=model.frame_rate, overwrite=yes)
    for path in paths:
        typer.echo(path)
