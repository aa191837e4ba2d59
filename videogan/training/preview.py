"""Preview videos: a grid of samples with fixed latents, and one of real clips to hold beside it."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor

from videogan.generation.sampling import stream, take
from videogan.models.generator import Generator
from videogan.video import VideoWriter, to_uint8

ROWS = 4
COLUMNS = 4


def write_samples(path: Path, generator: Generator, *, num_classes: int, num_frames: int, frame_rate: Fraction) -> None:
    """Write a grid of the videos of seeds 0 to 15, classes in turn, ``num_frames`` frames each."""
    device = next(generator.parameters()).device
    count = ROWS * COLUMNS
    labels = (torch.arange(count, device=device) % num_classes) if num_classes else None
    chunks = take(stream(generator, range(count), labels), num_frames)
    write_grid(path, chunks, frame_rate)


def write_grid(path: Path, chunks: Iterator[Tensor], frame_rate: Fraction) -> None:
    """Write chunks of 16 videos ``(16 t c h w)`` in [-1, 1] as one grid video."""
    with VideoWriter(path, frame_rate=frame_rate, preset="veryfast", overwrite=True) as writer:
        for chunk in chunks:
            grid = rearrange(chunk, "(rows columns) t c h w -> t c (rows h) (columns w)", rows=ROWS)
            writer.write(to_uint8(grid.cpu()))
