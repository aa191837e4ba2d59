"""How long ``inspect`` takes to find clips that look alike among many of which none do, their decoding left out.

    python benchmarks/near_duplicates.py [--clips 1000 10000 100000] [--shapes]

Thumbnails of smooth random fields that change over time, or of drawn shapes. Seconds are those of the processor.
"""

import argparse
import time

import numpy as np

from videogan.data.duplicates import group_alike
from videogan.preparation.synthetic import moving_shapes


def main() -> None:
    """Print a row for each number of clips."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--shapes", action="store_true", help="drawn shapes in place of smooth fields")
    arguments = parser.parse_args()
    print("| clips | seconds | groups |")
    print("|---|---|---|")
    for count in arguments.clips:
        thumbnails = shapes(count) if arguments.shapes else fields(count)
        begun = time.process_time()
        groups = len(np.unique(group_alike(thumbnails)))
        print(f"| {count} | {time.process_time() - begun:.2f} | {groups} |", flush=True)


def fields(count: int) -> np.ndarray:
    """Return int16 (n, 3, 16, 16) in [0, 765]: enlarged noise of 4x4 points, in part the same at all moments."""
    rng = np.random.default_rng(0)
    at = (np.arange(16)[:, None] + 0.5) / 4 - 0.5
    taps = np.clip(1 - np.abs(at - np.arange(4)), 0, 1)
    taps /= taps.sum(1, keepdims=True)
    thumbnails = np.empty((count, 3, 16, 16), np.int16)
    for some in np.array_split(thumbnails, max(1, count // 10_000)):
        shape = len(some), 3, 4, 4
        coarse = 0.6 * rng.normal(size=shape) + 0.8 * rng.normal(size=(shape[0], 1, 4, 4))
        coarse += 0.6 * rng.normal(size=(shape[0], 1, 1, 1))
        smooth = np.einsum("yi,ntij,xj->ntyx", taps, coarse, taps, optimize=True)
        some[:] = (382 + 130 * smooth + 20 * rng.normal(size=smooth.shape)).clip(0, 765)
    return thumbnails


def shapes(count: int) -> np.ndarray:
    """Return the same of drawn shapes, eight frames apart."""
    moments = (moving_shapes(number, size=16, num_frames=33)[0][8::8][:3] for number in range(count))
    return np.stack([frames.sum(-1, dtype=np.int16) for frames in moments])


if __name__ == "__main__":
    main()
