"""What it costs to make clips of videos, on a small sample, and so of 1,000 hours.

    python benchmarks/preparing.py [--folder DIR] [--size 64]

Videos as a hand-held camera would see them, 20 seconds of 240p and of 720p at 25 frames per second, or those of a
folder of one's own, through ``videogan.prepare`` with the recipe ``folder`` and one shard. Seconds are those of the
processor; scenes are looked for, so that every video is read twice.
"""

import argparse
import tempfile
import time
from pathlib import Path

from reading import write_video

import videogan
from videogan.video import probe


def main() -> None:
    """Print a row for each kind of video."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="of videos, in place of those that are made")
    parser.add_argument("--size", type=int, default=64)
    arguments = parser.parse_args()
    print("| videos | core-hours for 1,000 hours | GB of the videos | GB of the tars |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folders = (
            [arguments.folder] if arguments.folder else [made(Path(name), *size) for size in ((240, 320), (720, 1280))]
        )
        for number, folder in enumerate(folders):
            print(row(folder, Path(name) / f"out-{number}", arguments.size), flush=True)


def made(root: Path, height: int, width: int) -> Path:
    """Make a folder of one video."""
    folder = root / f"{width}x{height}"
    folder.mkdir()
    write_video(folder / "video.mp4", height, width, gop=250)
    return folder


def row(folder: Path, out: Path, size: int) -> str:
    """Make one shard of a folder; return what it costs, scaled to 1,000 hours."""
    videos = [path for path in folder.rglob("*") if path.is_file()]
    hours = sum(probe(path).duration_seconds for path in videos) / 3600
    begun = time.process_time()
    tar = videogan.prepare("folder", out, raw=folder, size=size, shard=(0, 1)).tar
    cost = time.process_time() - begun
    assert tar is not None
    figures = (cost / 3600, sum(path.stat().st_size for path in videos) / 1e9, tar.stat().st_size / 1e9)
    return f"| {folder.name} | {' | '.join(f'{1000 * figure / hours:.1f}' for figure in figures)} |"


if __name__ == "__main__":
    main()
