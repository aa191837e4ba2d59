"""``videogan sample``: new videos from a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from videogan.commands.options import given_options, refuse_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from videogan.artifacts.provenance import SampleOptions
    from videogan.model import Model
    from videogan.video.pipe import PipeFormat

RunOption = Annotated[
    Path | None,
    typer.Option("--run", help="Run folder, checkpoint or weights file; by default the newest run."),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Replace OUT if it exists.")]
ClassOption = Annotated[str | None, typer.Option("--class", help="Class of the video, by name.")]
NoMetadataOption = Annotated[bool, typer.Option("--no-metadata", help="Do not write the recipe into the file.")]

FramesOption = Annotated[str, typer.Option(metavar="N|inf", help="Frames of each video; inf: until Ctrl-C.")]
CountOption = Annotated[
    int, typer.Option(min=1, max=9999, help="Number of videos; several get a number in their name.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Seed of the first video; the next ones count up.")]
ClassesOption = Annotated[
    str | None, typer.Option("--class", help="Class by name, or several such as A,B: one after the other.")
]
TruncationOption = Annotated[float, typer.Option(min=0, max=1, help="Below 1: more typical, less diverse content.")]
SpeedOption = Annotated[float, typer.Option(min=0.05, max=8, help="Below 1: slower motion; above: faster.")]
FrameRateOption = Annotated[float | None, typer.Option(help="Frames per second; by default the clips'.")]
LoopOption = Annotated[bool, typer.Option("--loop", help="The last frame leads into the first.")]
GridOption = Annotated[
    str | None, typer.Option(metavar="ROWSxCOLUMNS", help="One video that shows several side by side, such as 4x4.")
]
LikeOption = Annotated[
    Path | None, typer.Option(help="A video of videogan sample's: make the same frames again, by its recipe.")
]
PipeFormatOption = Annotated[str | None, typer.Option("--format", help="For stdout: y4m or rawvideo (RGB).")]
LatentsOption = Annotated[
    Path | None, typer.Option(help="Make the video of saved latents; beyond the clip's frames it goes on by --seed.")
]
OutArgument = Annotated[
    Path, typer.Argument(help="What to write: .mp4 .webm .gif .webp .png, a folder of frames, or - for stdout.")
]
GOES_WITH_LIKE = {"out", "run", "like", "yes", "no_metadata", "pipe_format"}
NOT_WITH_LATENTS = ("count", "class_name", "truncation", "speed", "loop", "grid", "like")


def sample(
    context: typer.Context,
    out: OutArgument,
    run: RunOption = None,
    frames: FramesOption = "64",
    count: CountOption = 1,
    seed: SeedOption = 0,
    class_name: ClassesOption = None,
    truncation: TruncationOption = 1.0,
    speed: SpeedOption = 1.0,
    frame_rate: FrameRateOption = None,
    loop: LoopOption = False,
    grid: GridOption = None,
    like: LikeOption = None,
    latents: LatentsOption = None,
    pipe_format: PipeFormatOption = None,
    no_metadata: NoMetadataOption = False,
    yes: YesOption = False,
) -> None:
    """Make new videos.

    A seed means the same video whatever the count. Without --class, a labelled model takes its classes in turn.
    """
    from videogan.commands import rendering

    to_stdout = rendering.parse_pipe_format(pipe_format, out)
    paths = rendering.numbered_paths(out, count, overwrite=yes)
    if latents is not None:
        refuse_options(context, NOT_WITH_LATENTS, "--latents says what the video shows")
        as_long_as_clip = not given_options(context, ["frames"])
        from videogan.commands.sample_latents import write_latents_video

        write_latents_video(
            rendering.load_model(run),
            latents,
            paths[0],
            to_stdout,
            num_frames=0 if as_long_as_clip else rendering.parse_frames(frames),
            seed=seed,
            frame_rate=frame_rate,
            overwrite=yes,
            metadata=not no_metadata,
        )
    elif like is not None:
        _make_again(context, like, paths[0], run, to_stdout, overwrite=yes, metadata=not no_metadata)
    else:
        options = _options(frames, class_name, truncation, speed, loop, grid, frame_rate)
        _make(options, paths, run, to_stdout, seed, overwrite=yes, metadata=not no_metadata)
    for path in paths if out != rendering.STDOUT else ():
        typer.echo(path)


def _make(
    options: SampleOptions,
    paths: Sequence[Path],
    run: Path | None,
    to_stdout: PipeFormat,
    seed: int,
    *,
    overwrite: bool,
    metadata: bool,
) -> None:
    """Write the videos of the seeds from ``seed`` on, some at once."""
    from videogan.commands import rendering

    rows, columns = rendering.parse_grid(options.grid, len(paths))
    seeds = tuple(range(seed, seed + len(paths) * rows * columns))
    model = rendering.load_model(run)
    at_once = rendering.VIDEOS_AT_ONCE if options.grid is None else len(seeds)
    for first in range(0, len(seeds), at_once):
        some = slice(first, first + at_once)
        group = options.model_copy(update={"seeds": seeds[some]})
        _write(model, group, paths[some], to_stdout, overwrite=overwrite, metadata=metadata)


def _options(
    frames: str,
    class_names: str | None,
    truncation: float,
    speed: float,
    loop: bool,
    grid: str | None,
    frame_rate: float | None,
) -> SampleOptions:
    from videogan.artifacts.provenance import SampleOptions
    from videogan.commands.rendering import parse_frames
    from videogan.errors import UsageError
    from videogan.video import as_frame_rate

    num_frames = parse_frames(frames)
    if loop and num_frames is None:
        raise UsageError("a loop has an end: give --frames a number, not inf")
    if frame_rate is not None:
        as_frame_rate(frame_rate)
    return SampleOptions(
        frames=num_frames or "inf",
        class_names=class_names,
        truncation=truncation,
        speed=speed,
        loop=loop,
        grid=grid,
        frame_rate=frame_rate,
    )


def _make_again(
    context: typer.Context,
    like: Path,
    out: Path,
    run: Path | None,
    to_stdout: PipeFormat,
    *,
    overwrite: bool,
    metadata: bool,
) -> None:
    from videogan.artifacts.provenance import sample_options
    from videogan.commands import rendering
    from videogan.errors import CheckpointError, MissingPathError, UsageError
    from videogan.video import probe

    others = [name for name in context.params if name not in GOES_WITH_LIKE]
    refuse_options(context, others, "--like takes everything from the recipe")
    if not like.exists():
        raise MissingPathError(f"{like}: no such video")
    recipe, options = sample_options(like)
    model = rendering.load_model(run)
    if model.sha256 != recipe.model_sha256:
        raise CheckpointError(
            f"{like}: made by another model (sha256 {recipe.model_sha256[:12]}, step {recipe.step}) than {model.path} "
            f"({model.sha256[:12]}, step {model.card.step}); name the right one by --run"
        )
    # A video that was stopped early holds fewer frames than its recipe asks for; a PNG is one picture of all.
    held = recipe.frames if like.suffix.lower() == ".png" else probe(like).num_frames
    if held == "inf":
        raise UsageError(f"{like}: a picture of a video without an end cannot be made again")
    only = None if options.grid else options.seeds.index(int(str(recipe.seed)))
    _write(model, options, [out], to_stdout, overwrite=overwrite, metadata=metadata, num_frames=held, only=only)


def _write(
    model: Model,
    options: SampleOptions,
    paths: Sequence[Path],
    to_stdout: PipeFormat,
    *,
    overwrite: bool,
    metadata: bool,
    num_frames: int | None = None,
    only: int | None = None,
) -> None:
    """Write the videos of ``options``: all, or the ``only`` one, and at most ``num_frames`` frames."""
    from videogan.commands import rendering
    from videogan.generation.sampling import take
    from videogan.video import as_frame_rate

    frame_rate = as_frame_rate(options.frame_rate) if options.frame_rate is not None else model.frame_rate
    chunks = _chunks(model, options)
    if num_frames is not None:
        chunks = take(chunks, num_frames)
    if options.grid is not None:
        chunks = rendering.side_by_side(chunks, rendering.parse_grid(options.grid, 1)[0])
    if only is not None:
        chunks = (chunk[only : only + 1] for chunk in chunks)
    if rendering.STDOUT in paths:
        rendering.write_stdout(chunks, pipe_format=to_stdout, frame_rate=frame_rate)
        return
    seeds = options.seeds if only is None else options.seeds[only : only + 1]
    recipes = [
        rendering.recipe_text(
            model, "sample", seed=seed, frames=options.frames, options=options.model_dump(mode="json")
        )
        for seed, _ in zip(seeds, paths, strict=False)
    ]
    comments = recipes if metadata else None
    rendering.write_videos(paths, chunks, frame_rate=frame_rate, overwrite=overwrite, comments=comments)


def _chunks(model: Model, options: SampleOptions) -> Iterator[Tensor]:
    from videogan.generation.looping import stream_loop
    from videogan.generation.sampling import stream, take

    num_frames = None if options.frames == "inf" else options.frames
    labels = model.labels(options.class_names, options.seeds)
    classes = model.class_path(options.class_names, num_frames, cyclic=options.loop)
    if options.loop and num_frames is not None:
        return stream_loop(
            model.generator,
            options.seeds,
            labels,
            num_frames=num_frames,
            truncation=options.truncation,
            speed=options.speed,
            classes=classes,
        )
    chunks = stream(
        model.generator, options.seeds, labels, truncation=options.truncation, speed=options.speed, classes=classes
    )
    return chunks if num_frames is None else take(chunks, num_frames)
