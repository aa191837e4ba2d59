"""What clips cost that are read out of tar shards, beside the same clips as files.

    python benchmarks/shards.py [--clips 1000] [--rounds 5] [--folder DIR]

Clips of 40 frames at 64x64 in four class folders, and the same packed into one shard. First the seconds of the
processor to learn what is there: the walk through the folder, the headers of the shard, and what was kept of them. Then
clips per second of the processor: each opened, 16 frames read and closed again, in an order that every row of a round
shares, from files, from the shard, and by fsspec from the shard in its memory; the median over rounds.
"""

import argparse
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import fsspec
import numpy as np
from big_folders import FRAMES, SIZE, make_clips

from videogan.data.walk import Walk, walk_folders
from videogan.storage.places import as_place
from videogan.video import VideoReader

CLIP_FRAMES = 16

T = TypeVar("T")


def main() -> None:
    """Print a table for what is listed, and one for what is read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where clips are made, and removed again")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        root = Path(name)
        make_clips(root / "clips", arguments.clips)
        with tarfile.open(root / "clips.tar", "w", dereference=True) as tar:
            for path in sorted((root / "clips").rglob("*.mp4")):
                tar.addfile(tar.gettarinfo(path, str(path.relative_to(root / "clips"))), path.open("rb"))
        places = {"files": root / "clips", "shard": root / "clips.tar"}
        fsspec.filesystem("memory").pipe_file("/clips.tar", places["shard"].read_bytes())
        places["shard by fsspec"] = as_place("memory://clips.tar")
        read(listed(places, root / "cache"), arguments.rounds)


def listed(places: dict[str, Path], cache: Path) -> dict[str, Walk]:
    """Print what it costs to list the clips, at first and again; return what was listed."""
    print("| listed from | clips | seconds | again |\n|---|---|---|---|")
    walks = {}
    for name, place in places.items():
        first, walks[name] = timed(partial(walk_folders, [place], cache))
        again, _ = timed(partial(walk_folders, [place], cache))
        print(f"| {name} | {len(walks[name].listing)} | {first:.3f} | {again:.3f} |", flush=True)
    return walks


def read(walks: dict[str, Walk], rounds: int) -> None:
    """Print how many clips a second of the processor are read from each."""
    rates: dict[str, list[float]] = {name: [] for name in walks}
    out = np.empty((CLIP_FRAMES, SIZE, SIZE, 3), np.uint8)
    for number in range(rounds):
        for name, walk in walks.items():
            seconds, count = timed(partial(read_all, walk, number, out))
            rates[name].append(count / seconds)
    print("\n| read from | clips per second of the processor | lowest and highest |\n|---|---|---|")
    for name, each in rates.items():
        print(f"| {name} | {statistics.median(each):.0f} | {min(each):.0f} to {max(each):.0f} |")


def read_all(walk: Walk, seed: int, out: np.ndarray) -> int:
    """Read a clip of every video into an array, in an order and from starts drawn by a seed; return how many."""
    draw = np.random.default_rng(seed)
    rows = draw.permutation(len(walk.listing)).tolist()
    for row, start in zip(rows, draw.integers(FRAMES - CLIP_FRAMES, size=len(rows)).tolist(), strict=True):
        with VideoReader(walk.listing.source(walk.base, row)) as reader:
            reader.read(range(start, start + CLIP_FRAMES), out)
    return len(rows)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds of the processor that work takes, and what it gives."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


if __name__ == "__main__":
    main()
