"""``videogan sample``: new videos from a trained model."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import videogan
from videogan.commands import options
from videogan.commands.console import echo, tell_model
from videogan.commands.progress import bars, counting
from videogan.errors import UsageError

VIDEOS_AT_ONCE = 16
"""Videos that are made together; more would need more memory and be no faster."""

FramesOption = Annotated[str, typer.Option(metavar="N|inf", help="Frames of each video; inf: until Ctrl-C.")]
CountOption = Annotated[
    int, typer.Option(min=1, max=9999, help="Number of videos; several get a number in their name.")
]
SeedOption = Annotated[
    int, typer.Option(min=0, help="Seed of the first video, any whole number from 0 on; the next ones count up.")
]
ClassesOption = Annotated[
    str | None, typer.Option("--class", help="Class by name, or several such as A,B: one after the other.")
]
SpeedOption = Annotated[float, typer.Option(min=0.05, max=8, help="Below 1: slower motion; above: faster.")]
GridOption = Annotated[
    str | None, typer.Option(metavar="ROWSxCOLUMNS", help="One video that shows several side by side, such as 4x4.")
]
LikeOption = Annotated[
    Path | None, typer.Option(help="A video of videogan sample's: make the same frames again, by its recipe.")
]
PipeFormatOption = Annotated[str | None, typer.Option("--format", help="For stdout: y4m or rawvideo (RGB).")]
CodecOption = Annotated[
    str, typer.Option(help="Of an MP4: libx264, or a GPU's h264_nvenc or hevc_nvenc, where it opens.")
]
LatentsOption = Annotated[
    Path | None, typer.Option(help="Make the video of saved latents; beyond the clip's frames it goes on by --seed.")
]
OutArgument = Annotated[
    Path, typer.Argument(help="What to write: .mp4 .webm .gif .webp .png, a folder of frames, or - for stdout.")
]
GOES_WITH_LIKE = {"out", "run", "best", "like", "yes", "no_metadata", "pipe_format", "codec", "quiet", "verbose"}
NOT_WITH_LATENTS = ("count", "class_name", "truncation", "speed", "loop", "grid", "like")


def sample(
    context: typer.Context,
    out: OutArgument,
    run: options.RunOption = None,
    best: options.BestOption = False,
    frames: FramesOption = "64",
    count: CountOption = 1,
    seed: SeedOption = 0,
    class_name: ClassesOption = None,
    truncation: options.TruncationOption = 1.0,
    speed: SpeedOption = 1.0,
    frame_rate: options.FrameRateOption = None,
    loop: options.LoopOption = False,
    grid: GridOption = None,
    like: LikeOption = None,
    latents: LatentsOption = None,
    pipe_format: PipeFormatOption = None,
    scale: options.ScaleOption = None,
    codec: CodecOption = "libx264",
    no_metadata: options.NoMetadataOption = False,
    yes: options.YesOption = False,
) -> None:
    """Make new videos.

    A seed means the same video whatever the count. Without --class, a labelled model takes its classes in turn.
    """
    to_stdout = options.parse_pipe_format(pipe_format, out)
    paths = options.output_paths(out, count, overwrite=yes, stdout=True, codec=codec)
    options.check_frame_rate(frame_rate)

    num_frames = options.parse_frames(frames)
    streams: Iterable[videogan.VideoStream]
    if latents is not None:
        options.refuse_options(context, NOT_WITH_LATENTS, "--latents says what the video shows")
        model = videogan.load(run, best=best)
        streams = [_of_latents(model, latents, _length(context, num_frames), seed)]
    elif like is not None:
        others = [name for name in context.params if name not in GOES_WITH_LIKE]
        options.refuse_options(context, others, "--like takes everything from the recipe")
        options.check_input(like)
        model = videogan.load(run, best=best)
        streams = [model.again(like)]
    else:
        if loop and num_frames is None:
            raise UsageError("a loop has an end: give --frames a number, not inf")
        rows, columns = options.parse_grid(grid, count)
        model, videos = videogan.load(run, best=best), count * rows * columns
        common: dict[str, Any] = {"classes": class_name, "truncation": truncation, "speed": speed, "loop": loop}
        seeds, at_once = range(seed, seed + videos), VIDEOS_AT_ONCE if grid is None else videos
        parts = (seeds[first : first + at_once] for first in range(0, videos, at_once))
        made = (model.sample(num_frames, seeds=part, **common) for part in parts)
        streams = made if grid is None else (stream.grid(rows) for stream in made)
    shown_scale = 1 if like is not None else options.scale_of(scale, out)
    streams = (stream.with_frame_rate(frame_rate).scaled(shown_scale) for stream in streams)
    if out != options.STDOUT:
        _save(streams, paths, overwrite=yes, metadata=not no_metadata, codec=codec)
        tell_model(model)
        echo(*paths)
    elif next(streams).pipe(sys.__stdout__.fileno() if sys.__stdout__ else 1, to_stdout):
        tell_model(model)  # but a reader that has seen enough of a pipe is left in peace


def _save(streams: Iterable[videogan.VideoStream], paths: list[Path], **options: Any) -> None:
    """Save the videos of all streams, one after the other, each to the next of the paths."""
    before = 0

    def progress(done: int, total: int) -> None:
        count(before * total + len(some) * done, len(paths) * total)

    with bars() as show:
        count = counting(show)
        for stream in streams:
            some = paths[before : before + stream.num_videos]
            stream.save(*some, progress=progress, **options)
            before += len(some)


def _length(context: typer.Context, num_frames: int | None) -> int | Literal["inf"] | None:
    """Return how long the video of latents becomes; None is as long as their clip."""
    return (num_frames or "inf") if options.given_options(context, ["frames"]) else None


def _of_latents(
    model: videogan.Model, file: Path, length: int | Literal["inf"] | None, seed: int
) -> videogan.VideoStream:
    # Not as sample's own: --like cannot make it again without the latents.
    stream = model.decode(model.load_latents(file), length, seed=seed)
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    return stream.with_options(latents=file.name, latents_sha256=sha256)
