"""Options that several commands share, and how what the user types is read; told before anything heavy is loaded."""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from videogan.errors import MissingPathError, UsageError

if TYPE_CHECKING:
    from videogan.export.files import Precision
    from videogan.video.pipe import PipeFormat

STDOUT = Path("-")
LARGEST_GRID = 100
SEED_DIGITS = 1000
LARGEST_FRAMES = 10**9

RunOption = Annotated[
    Path | None, typer.Option("--run", help="Run folder, checkpoint or weights file; by default the newest run.")
]
BestOption = Annotated[
    bool, typer.Option("--best", help="Of a run, the checkpoint of lowest kernel distance, not the newest.")
]
PURPOSES = {
    "cpu": "32x32x8, minutes on a CPU",
    "gpu64": "64x64x16, minutes to hours on a GPU",
    "gpu64-large": "64x64x16, days on a GPU",
    "gpu128": "128x128x16, longer on a GPU",
    "gpu256": "256x256x16, longer still on a GPU",
    "classic": "32x32x8, the textbook's loss, to compare",
    "wgan-gp": "32x32x8, Wasserstein distance, to compare",
}
"""What each preset learns, height x width x frames, and what it is made for; here, since help does not load presets."""
PRESET_LIST = "\b\n" + "\n".join(f"{name:11} {purpose}" for name, purpose in PURPOSES.items())
"""The presets as lines of a help text, which are not to be wrapped."""

YesOption = Annotated[bool, typer.Option("--yes", help="Replace OUT if it exists.")]
ClassOption = Annotated[str | None, typer.Option("--class", help="Class of the video, by name.")]
NoMetadataOption = Annotated[bool, typer.Option("--no-metadata", help="Do not write the recipe into the file.")]
FrameRateOption = Annotated[float | None, typer.Option(help="Frames per second; by default the clips'.")]
ScaleOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=32,
        help="Enlarge every frame so many times, by Lanczos' filter; 1 is the model's size. By default .mp4 .webm .gif "
        ".webp are made 256 pixels high and wide at least, and .png, folders and pipes keep the model's size.",
    ),
]
LoopOption = Annotated[bool, typer.Option("--loop", help="The last frame leads into the first.")]
TruncationOption = Annotated[float, typer.Option(min=0, max=1, help="Below 1: more typical, less diverse content.")]
RefineOption = Annotated[int, typer.Option(min=0, help="Steps of optimisation after the encoder.")]
FutureSeedOption = Annotated[int, typer.Option(min=0, help="Of the first video; the next ones count up.")]
InArgument = Annotated[
    Path, typer.Argument(metavar="IN", help="A video, a folder of numbered images, or a folder of videos: all of them.")
]
OutArgument = Annotated[
    Path, typer.Argument(metavar="OUT", help="What to write: .mp4 .webm .gif .webp .png, or a folder of frames.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def given_options(context: typer.Context, names: Iterable[str]) -> list[str]:
    """Return those of the parameters ``names`` that stand on the command line, as the user writes them."""
    given = []
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            given.append("--" + {"pipe_format": "format", "class_name": "class"}.get(name, name).replace("_", "-"))
    return given


def refuse_options(context: typer.Context, names: Iterable[str], why: str) -> None:
    """Raise UsageError if one of the parameters ``names`` is given; ``why`` begins the message."""
    given = given_options(context, names)
    if given:
        raise UsageError(f"{why}; leave out {', '.join(given)}")


def check_input(path: Path) -> None:
    """Raise MissingPathError where a video or a picture to be read is not there."""
    if not os.path.lexists(path):
        raise MissingPathError(f"{path}: no such file")


def check_clips(path: Path) -> None:
    """Raise UsageError where what is named as a folder of videos, or as shards of them, is not there."""
    from videogan.data.paths import named_paths

    named_paths(path)


def parse_settings(settings: Sequence[str], preset: str | None, start_from: str | None = None) -> dict[str, Any]:
    """Read ``group.key=value`` settings, with the model to start from among them.

    A wrong preset, key or value is told here, before torch is loaded.

    Raises:
        UsageError: with the nearest that there is.
    """
    from videogan import presets

    changes = dict(map(presets.parse_setting, settings))
    if start_from is not None:
        changes["start.model"] = start_from
    if preset is not None:
        presets.change(presets.preset(preset), changes)
    return changes


def output_paths(
    out: Path, count: int = 1, *, overwrite: bool, stdout: bool = False, codec: str | None = None
) -> list[Path]:
    """Return the paths of ``count`` videos: OUT itself, or OUT with -000, -001 ... before its suffix.

    Raises:
        UsageError: one of them exists already, or cannot be written, or not by the codec that is asked for.
    """
    from videogan.video.writer import check_codec, check_output_path

    if codec is not None:
        check_codec(codec, out)
    if out == STDOUT:
        if not stdout:
            raise UsageError("only `videogan sample` writes to stdout; name a file such as out.mp4")
        if count != 1:
            raise UsageError("one video goes to stdout; leave out --count, or use --grid")
        return [out]
    width = max(3, len(str(count - 1)))
    paths = [out] if count == 1 else [out.with_name(f"{out.stem}-{i:0{width}d}{out.suffix}") for i in range(count)]
    for path in paths:
        check_output_path(path, overwrite=overwrite)
    return paths


def scale_of(scale: int | None, out: Path) -> int | None:
    """Return how often frames are enlarged; None, for players, as often as lets them look good."""
    return 1 if scale is None and (out == STDOUT or out.suffix.lower() in ("", ".png")) else scale


def check_latents_out(path: Path | None, *, overwrite: bool) -> None:
    """Raise UsageError where latents are asked for and cannot be written to ``path``."""
    if path is not None:
        from videogan.artifacts.latents_file import check_latents_path

        check_latents_path(path, overwrite=overwrite)


def check_export_out(path: Path, *, precision: "Precision", for_training: bool, overwrite: bool) -> None:
    """Raise UsageError where a model cannot be exported to ``path``."""
    from videogan.export.files import check_export

    check_export(path, precision=precision, for_training=for_training, overwrite=overwrite)


def check_frame_rate(frame_rate: float | None) -> None:
    """Raise UsageError unless a frame rate can be used, where one is given."""
    if frame_rate is not None:
        from videogan.video import as_frame_rate

        as_frame_rate(frame_rate)


def parse_seeds(text: str) -> list[int]:
    """Read ``1,2,3``, or raise UsageError."""
    parts = text.split(",")
    if not all(re.fullmatch(rf"\s*\d{{1,{SEED_DIGITS}}}\s*", part, re.ASCII) for part in parts):
        raise UsageError(
            f"--seeds takes whole numbers from 0 on with commas between, such as 1,2,3, not {text[:100]!r}"
        )
    return [int(part) for part in parts]


def parse_stops(seeds: str | None, start: str | None, end: str | None) -> list[int | Path]:
    """Read ``--seeds``, or ``--from`` and ``--to``: whole numbers are seeds, all else are files.

    Raises:
        UsageError: neither, or both, or half of them are given, or a seed is none.
        MissingPathError: there is no such file.
    """
    if seeds is not None:
        if start is not None or end is not None:
            raise UsageError("--seeds and --from, --to name stops twice; leave one out")
        return list(parse_seeds(seeds))
    if start is None or end is None:
        raise UsageError("name the stops: --seeds 1,2,3, or --from STOP --to STOP")
    stops: list[int | Path] = []
    for text in (start, end):
        if re.fullmatch(rf"\d{{1,{SEED_DIGITS}}}", text, re.ASCII):
            stops += parse_seeds(text)
        elif os.path.lexists(text):
            stops.append(Path(text))
        else:
            raise MissingPathError(f"{text}: no such video or latents file, and no seed")
    return stops


def parse_grid(text: str | None, count: int) -> tuple[int, int]:
    """Read ``4x4`` as rows and columns; None is one of each.

    Raises:
        UsageError: it is not two whole numbers, makes too large a grid, or is given together with a count.
    """
    if text is None:
        return 1, 1
    sides = re.fullmatch(r"([1-9]\d?)x([1-9]\d?)", text)
    if sides is None or int(sides[1]) * int(sides[2]) > LARGEST_GRID:
        raise UsageError(f"--grid takes rows x columns up to {LARGEST_GRID} videos, such as 4x4, not {text!r}")
    if count != 1:
        raise UsageError("--grid says how many videos there are; leave out --count")
    return int(sides[1]), int(sides[2])


def parse_frames(text: str) -> int | None:
    """Read a number of frames from 1 on; None for ``inf``. Raises UsageError where it is neither."""
    if text == "inf":
        return None
    if re.fullmatch(r"[1-9]\d{0,9}", text) is None or int(text) > LARGEST_FRAMES:
        raise UsageError(f"--frames takes a whole number from 1 on, or inf, not {text[:100]!r}")
    return int(text)


def parse_pipe_format(text: str | None, out: Path) -> "PipeFormat":
    """Read what is written to stdout; Y4M by default.

    Raises:
        UsageError: there is no such format, or OUT is a file, whose suffix says the format.
    """
    if text is not None and out != STDOUT:
        raise UsageError(f"--format is for stdout (OUT -); the suffix of {out} says its format")
    formats: tuple[PipeFormat, ...] = ("y4m", "rawvideo")
    for name in formats:
        if (text or formats[0]) == name:
            return name
    raise UsageError(f"--format takes {' or '.join(formats)}, not {text!r}")
