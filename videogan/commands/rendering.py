"""What the commands that make videos share: finding the model, naming outputs, writing streams to files."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor

from videogan.checkpoint import Card, load_weights
from videogan.device import pick_device
from videogan.errors import UsageError, did_you_mean
from videogan.models.generator import Generator
from videogan.runs import find_weights
from videogan.training.interrupt import stop_wish
from videogan.video import VideoWriter, to_uint8
from videogan.video.writer import check_output_path

VIDEOS_AT_ONCE = 16
"""Videos that are made together; more would need more memory and be no faster."""
LARGEST_GRID = 100


@dataclass(frozen=True)
class Model:
    """A trained generator and what its card says."""

    generator: Generator
    card: Card
    device: torch.device

    @property
    def frame_rate(self) -> Fraction:
        """Frames per second of its videos."""
        return self.card.frame_rate

    def labels(self, class_name: str | None, seeds: Sequence[int]) -> Tensor | None:
        """Return the label of each seed's video: the named class, or the classes in turn by seed.

        Raises:
            UsageError: there is no such class, or the model has no classes.
        """
        names = self.card.class_names
        if class_name is None:
            return torch.tensor([seed % len(names) for seed in seeds], device=self.device) if names else None
        if not names:
            raise UsageError(f"--class {class_name}: this model was trained without classes")
        if class_name not in names:
            hint = did_you_mean(class_name, names)
            raise UsageError(f"there is no class {class_name!r}{hint}; classes are {', '.join(names)}")
        return torch.full((len(seeds),), names.index(class_name), device=self.device)


def load_model(run: Path | None) -> Model:
    """Load the model that ``--run`` names, or the newest, onto the GPU if there is one."""
    device = pick_device()
    weights = load_weights(find_weights(run), device)
    return Model(weights.generator, weights.card, device)


def numbered_paths(out: Path, count: int, *, overwrite: bool) -> list[Path]:
    """Return the paths of ``count`` videos: OUT itself, or OUT with -000, -001 ... before its suffix.

    Raises:
        UsageError: one of them exists already, or cannot be written.
    """
    width = max(3, len(str(count - 1)))
    paths = [out] if count == 1 else [out.with_name(f"{out.stem}-{i:0{width}d}{out.suffix}") for i in range(count)]
    for path in paths:
        check_output_path(path, overwrite=overwrite)
    return paths


def parse_seeds(text: str) -> list[int]:
    """Read ``1,2,3``.

    Raises:
        UsageError: it is not a list of whole numbers from 0 on.
    """
    try:
        seeds = [int(part) for part in text.split(",")]
    except ValueError:
        seeds = [-1]
    if min(seeds) < 0:
        raise UsageError(f"--seeds takes whole numbers from 0 on with commas between, such as 1,2,3, not {text!r}")
    return seeds


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


def side_by_side(chunks: Iterator[Tensor], rows: int) -> Iterator[Tensor]:
    """Lay the videos of each chunk ``(b t c h w)`` out as one, ``(1 t c rows*h columns*w)``."""
    for chunk in chunks:
        yield rearrange(chunk, "(rows columns) t c h w -> 1 t c (rows h) (columns w)", rows=rows)


def write_videos(paths: Sequence[Path], chunks: Iterator[Tensor], *, frame_rate: Fraction, overwrite: bool) -> None:
    """Write chunks ``(b t c h w)`` in [-1, 1], one video per path, as they come.

    Raises:
        Interrupted: by Ctrl-C or SIGTERM; the files hold the frames so far.
    """
    with stop_wish() as wish:
        with ExitStack() as stack:
            writers = [
                stack.enter_context(VideoWriter(path, frame_rate=frame_rate, overwrite=overwrite)) for path in paths
            ]
            written = 0
            for chunk in chunks:
                for writer, frames in zip(writers, to_uint8(chunk.cpu()), strict=True):
                    writer.write(frames)
                written += chunk.shape[1]
                if wish:
                    break
        if wish:
            wish.raise_as(f"stopped; {paths[0]} holds the {written} frames so far")
