"""Which clips an evaluation is asked for, within bounds."""

from dataclasses import dataclass

from videogan.artifacts.provenance import LARGEST_SEED
from videogan.errors import UsageError

_RANGES = {
    "clips": (2, 16_384),  # a matrix of the distances between all pairs is then 2 GiB
    "seed": (0, LARGEST_SEED),
    "size": (8, 4_096),
    "num_frames": (2, 65_536),
    "frame_stride": (1, 65_536),
    "generated_stride": (1, 65_536),
}


@dataclass(frozen=True)
class ClipChoice:
    """Which clips are asked for, and how they are cut; None where the model, or the generated videos, decide.

    Raises:
        UsageError: a number is out of its range.
    """

    clips: int
    seed: int
    size: int | None
    num_frames: int | None
    frame_stride: int | None
    generated_stride: int

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise UsageError(f"{name} {value}: must be from {low} to {high}"[:200])
