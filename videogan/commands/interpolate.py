"""``videogan interpolate``: one video that moves from stop to stop, seeds or given clips."""

from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer

import videogan
from videogan.commands import folders, options
from videogan.commands.console import tell_model
from videogan.commands.progress import bars, counting

NOT_WITH_SWAP = ("axis", "ease", "hold", "loop")
SeedsOption = Annotated[str | None, typer.Option(help="Seeds to move through, such as 1,2,3.")]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="STOP",
        help="First stop: a seed, a video, a latents file, or a folder: each video.",
    ),
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="STOP", help="Last stop.")]
AxisOption = Annotated[str, typer.Option(help="What moves: content, motion or both; the rest stays the first stop's.")]
SwapOption = Annotated[
    bool, typer.Option("--swap", help="A grid of every content (rows) with every motion (columns) instead.")
]
FramesOption = Annotated[int | None, typer.Option(min=1, help="Frames in all; by default 64 from stop to stop.")]
EaseOption = Annotated[bool, typer.Option("--ease", help="Begin and end every move gently.")]
HoldOption = Annotated[int, typer.Option(min=0, help="Frames to stay at each stop.")]
LoopOption = Annotated[bool, typer.Option("--loop", help="Return to the first stop; the last frame leads into it.")]


def interpolate(
    context: typer.Context,
    out: options.OutArgument,
    seeds: SeedsOption = None,
    start: FromOption = None,
    end: ToOption = None,
    axis: AxisOption = "content",
    swap: SwapOption = False,
    run: options.RunOption = None,
    best: options.BestOption = False,
    frames: FramesOption = None,
    frame_rate: options.FrameRateOption = None,
    ease: EaseOption = False,
    hold: HoldOption = 0,
    loop: LoopOption = False,
    class_name: options.ClassOption = None,
    truncation: options.TruncationOption = 1.0,
    refine: options.RefineOption = 100,
    scale: options.ScaleOption = None,
    no_metadata: options.NoMetadataOption = False,
    yes: options.YesOption = False,
) -> None:
    """Move through seeds, or from one clip to another, in one video.

    Seeds are of one class, --class or the first one's; clips are of the class of lowest error.
    """
    stops = options.parse_stops(seeds, start, end)
    if swap:
        options.refuse_options(context, NOT_WITH_SWAP, "--swap shows every combination at once")
    first, *others = stops
    whole_folder = False
    if isinstance(first, Path):
        whole_folder = folders.holds_files(first, out, overwrite=yes)
    else:
        options.output_paths(out, overwrite=yes)
    options.check_frame_rate(frame_rate)
    model = videogan.load(run, best=best)

    def one(source: int | Path, target: Path) -> dict[str, Any]:
        with bars() as show:
            common: dict[str, Any] = {"truncation": truncation, "classes": class_name, "refine": refine}
            common["progress"] = partial(show, "refining")
            if swap:
                stream = model.swap([source, *others], frames or 64, **common)
            else:
                move: dict[str, Any] = {"axis": axis, "hold": hold, "ease": ease, "loop": loop}
                stream = model.interpolate([source, *others], frames, **move, **common)
            stream = stream.with_frame_rate(frame_rate).scaled(options.scale_of(scale, target))
            if swap:
                names = [stop.stem if isinstance(stop, Path) else str(stop) for stop in (source, *others)]
                stream = stream.labelled(names)
            stream.save(target, overwrite=yes, metadata=not no_metadata, progress=counting(show))
        return {"out": [str(target)]}

    folders.run(one, first, out, itemgetter("out"), whole_folder=whole_folder, overwrite=yes)
    tell_model(model)
