"""``videogan interpolate``: one video that moves from stop to stop, seeds or given clips."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from videogan.commands.sample import ClassOption, FrameRateOption, NoMetadataOption, RunOption, YesOption

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from videogan.generation.morphing import Axis, Stop
    from videogan.model import Model

OutArgument = Annotated[Path, typer.Argument(help="What to write: .mp4 .webm .gif .webp .png, or a folder of frames.")]
SeedsOption = Annotated[str | None, typer.Option(help="Seeds to move through, such as 1,2,3.")]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="STOP", help="First stop: a seed, a video, or a latents file.")
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
TruncationOption = Annotated[float, typer.Option(min=0, max=1, help="Below 1: more typical content.")]
RefineOption = Annotated[int, typer.Option(min=0, help="Steps of optimisation for stops that are videos.")]
NOT_WITH_SWAP = ("axis", "ease", "hold", "loop")


@dataclass(frozen=True)
class Move:
    """How the video goes from stop to stop, in the words of the options."""

    axis: Axis
    swap: bool
    ease: bool
    hold: int
    loop: bool
    truncation: float

    def num_frames(self, stops: int) -> int:
        """Return how many frames there are where nobody says."""
        legs = stops if self.loop else stops - 1
        held = 0 if self.swap else self.hold * (stops if self.loop or stops > 1 else 0)
        return 64 if self.swap else max(1, legs) * 64 + held


def interpolate(
    context: typer.Context,
    out: OutArgument,
    seeds: SeedsOption = None,
    start: FromOption = None,
    end: ToOption = None,
    axis: AxisOption = "content",
    swap: SwapOption = False,
    run: RunOption = None,
    frames: FramesOption = None,
    frame_rate: FrameRateOption = None,
    ease: EaseOption = False,
    hold: HoldOption = 0,
    loop: LoopOption = False,
    class_name: ClassOption = None,
    truncation: TruncationOption = 1.0,
    refine: RefineOption = 100,
    no_metadata: NoMetadataOption = False,
    yes: YesOption = False,
) -> None:
    """Move through seeds, or from one clip to another, in one video.

    Seeds that --seeds names are of one class, --class or the first one's; clips are of the class of lowest error.
    """
    from videogan.commands.options import refuse_options
    from videogan.commands.stops import check_axis, check_swap, load_stops, parse_stops

    stops = parse_stops(seeds, start, end)
    move = Move(check_axis(axis), swap, ease, hold, loop, truncation)
    if swap:
        refuse_options(context, NOT_WITH_SWAP, "--swap shows every combination at once")
        check_swap(stops)
    from videogan.commands import rendering
    from videogan.video import as_frame_rate

    paths = rendering.numbered_paths(out, 1, overwrite=yes)
    rendering.refuse_stdout(out)
    rate = None if frame_rate is None else as_frame_rate(frame_rate)
    model = rendering.load_model(run)
    passed, described = load_stops(model, stops, class_name=class_name, refine=refine, one_class=seeds is not None)
    num_frames = frames or move.num_frames(len(stops))
    chunks = _chunks(model, passed, num_frames, move)
    options = {"stops": described, **asdict(move), "class_name": class_name, "frame_rate": frame_rate}
    numbers = [stop for stop in stops if isinstance(stop, int)]
    comment = rendering.recipe_text(model, "interpolate", seed=numbers or None, frames=num_frames, options=options)
    comments = None if no_metadata else [comment]
    rendering.write_videos(paths, chunks, frame_rate=rate or model.frame_rate, overwrite=yes, comments=comments)
    typer.echo(out)


def _chunks(model: Model, stops: Sequence[Stop], num_frames: int, move: Move) -> Iterator[Tensor]:
    from videogan.commands.rendering import side_by_side
    from videogan.generation import morphing

    if move.swap:
        cells = morphing.swap(model.generator, stops, num_frames=num_frames, truncation=move.truncation)
        return side_by_side(cells, len(stops))
    return morphing.morph(
        model.generator,
        stops,
        num_frames=num_frames,
        axis=move.axis,
        hold_frames=move.hold,
        ease=move.ease,
        loop=move.loop,
        truncation=move.truncation,
    )
