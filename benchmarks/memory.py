"""Resident memory of ``videogan sample`` while it writes a long video.

    python benchmarks/memory.py --run runs/demo --frames 100000

Prints one row per count of frames, and the growth after the first 1,000. The video is written by the command's own
code, to a temporary folder.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from videogan import load

MARKS = (16, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)


def resident_mb() -> float:
    """Return the resident memory of this process in megabytes (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def watched(chunks: Iterator[Tensor], num_frames: int, rows: list[tuple[int, float, float]]) -> Iterator[Tensor]:
    """Pass chunks on, and note (frames, megabytes, seconds) at every mark and at the end."""
    begin, done = time.monotonic(), 0
    marks = [mark for mark in MARKS if mark < num_frames] + [num_frames]
    for chunk in chunks:
        yield chunk
        done += chunk.shape[1]
        while marks and done >= marks[0]:
            rows.append((marks.pop(0), resident_mb(), time.monotonic() - begin))


def main() -> None:
    """Write the video and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--frames", type=int, default=100_000)
    arguments = parser.parse_args()
    model = load(arguments.run)
    rows: list[tuple[int, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        stream = model.sample(arguments.frames)
        chunks = watched(stream.make(), arguments.frames, rows)
        replace(stream, make=lambda: chunks).save(Path(folder) / "long.mp4")
    print("| frames | resident MB | seconds |\n|---|---|---|")
    for frames, megabytes, seconds in rows:
        print(f"| {frames:,} | {megabytes:.1f} | {seconds:.1f} |")
    later = [megabytes for frames, megabytes, _ in rows if frames >= 1_000]
    if later:
        print(f"growth after 1,000 frames: {max(later) - later[0]:.1f} MB")


if __name__ == "__main__":
    main()
