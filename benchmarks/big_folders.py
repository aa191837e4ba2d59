"""What a folder of very many clips costs before the first step, and what of it stays when one clip comes to it.

    python benchmarks/big_folders.py [--clips 1000 10000] [--folder DIR] [--rows cold warm more inspect]

72 drawn clips of 40 frames at 64x64 in four class folders, hard-linked until there are enough: each link is probed,
decoded and stored as a file of its own. Rows are commands with preset ``cpu``, timed from outside with their peak
memory (other work on the machine takes from the seconds, hardly from those of the processor): ``cold`` trains one step
without probe index and cache, ``look`` is the dry run and ``warm`` the step with both, ``more`` the step after one more
clip, ``inspect`` with the index. ``cold-look`` is the dry run without either.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from videogan.data.probes import ProbeIndex
from videogan.data.walk import walk_folders
from videogan.preparation.synthetic import moving_shapes
from videogan.video import VideoWriter, probe

DISTINCT, CLASSES, FRAMES, SIZE = 72, 4, 40, 64
ROWS = ("cold-look", "cold", "look", "warm", "more", "inspect")


def main() -> None:
    """Print a line for each row and number of clips."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--folder", type=Path, help="where clips and caches are made, and removed again")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--assemble", action="store_true", help="the probe index is written, and not probed")
    arguments = parser.parse_args()
    print("| clips | command | seconds | of the processor | peak MiB | probe index MB | clip cache MB |")
    print("|---|---|---|---|---|---|---|")
    for count in arguments.clips:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
            make_clips(Path(name) / "clips", count)
            if arguments.assemble:
                assemble(Path(name) / "clips", Path(name) / "cache")
            for row in arguments.rows:
                seconds, cpu, peak = run(row, Path(name))
                sizes = [f"{megabytes(Path(name) / 'cache' / part):.1f}" for part in ("probes", "clips")]
                print(f"| {count} | {row} | {seconds:.1f} | {cpu:.1f} | {peak:.0f} | {' | '.join(sizes)} |", flush=True)


def make_clips(root: Path, count: int) -> None:
    """Draw the distinct clips, and link them until there are ``count``."""
    for number in range(count):
        path = root / f"class{number % CLASSES}" / f"clip-{number:07d}.mp4"
        if number < DISTINCT:
            path.parent.mkdir(parents=True, exist_ok=True)
            frames, _ = moving_shapes(number, size=SIZE, num_frames=FRAMES)
            with VideoWriter(path, frame_rate=25) as writer:
                writer.write(frames)
        else:
            first = number % DISTINCT
            os.link(root / f"class{first % CLASSES}" / f"clip-{first:07d}.mp4", path)


def assemble(clips: Path, cache: Path) -> None:
    """Write the probe index of a folder without probing more than the clips that are linked."""
    walk = walk_folders([clips])
    numbers = [int(path.stem[-7:]) % DISTINCT for path in walk.paths()]
    results = {}
    for row, number in enumerate(numbers):
        if number not in results:
            results[number] = probe(clips / os.fsdecode(walk.listing.name(row)))
        walk.listing.put(row, results[number])
    ProbeIndex(clips, cache).keep(walk.listing)


def run(row: str, folder: Path) -> tuple[float, float, float]:
    """Run the command of a row; return seconds, those of the processor, and peak memory in MiB."""
    clips, cache = folder / "clips", folder / "cache"
    if row.startswith("cold"):
        shutil.rmtree(cache, ignore_errors=True)
    if row == "more":
        os.link(clips / "class0" / "clip-0000000.mp4", clips / "class0" / "clip-0000000-more.mp4")
    train = ["train", clips, "--preset", "cpu", "--set", f"data.cache_dir={cache}"]
    once = [*train, "--steps", "1", "--run", folder / f"run-{row}", "--set", "train.compile=never"]
    command = {"inspect": ["inspect", clips, "--json"]}.get(row, once)
    if row in ("look", "cold-look"):
        command = [*train, "--dry-run"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "home")}
    start = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "videogan", *map(str, command)], env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{row} failed")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def megabytes(folder: Path) -> float:
    """Return what the files below a folder take."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


if __name__ == "__main__":
    main()
