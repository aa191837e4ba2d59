"""What x264's speed costs: bytes, likeness and processor time of MP4s of one model's videos.

    python benchmarks/encoding.py                                   # the model that comes along
    python benchmarks/encoding.py --run runs/demo --scale 4 --as medium:18,veryfast:16

Videos of classes in turn, one after the other, are written with each speed and quality (``crf``). Told are kilobytes,
the peak signal-to-noise ratio of the RGB frames that are read back, and milliseconds of one core a frame for encoding.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np
from measuring import heading, table

import videogan
from videogan.device import pick_device
from videogan.errors import VideoganError
from videogan.video import VideoWriter

COLUMNS = ("x264", "crf", "kB", "PSNR dB", "ms a frame")


def read(path: Path) -> np.ndarray:
    """Return a video's frames (t h w c)."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def row(frames: np.ndarray, speed: str, crf: int) -> list[str]:
    """Write frames (t h w c) once, and tell what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.mp4"
        begin = time.process_time()
        with VideoWriter(path, preset=speed, crf=crf) as writer:
            writer.write(frames)
        spent = time.process_time() - begin
        error = np.mean((read(path).astype(np.float32) - frames) ** 2)
        psnr = 10 * np.log10(255**2 / error)
        return [speed, str(crf), f"{path.stat().st_size / 1e3:.0f}", f"{psnr:.2f}", f"{1e3 * spent / len(frames):.3f}"]


def main() -> None:
    """Make the videos, write them in every way, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="shipped", help="a run or a weights file")
    parser.add_argument("--videos", type=int, default=6)
    parser.add_argument("--frames", type=int, default=128, help="frames of each video")
    parser.add_argument("--scale", type=int, default=1, help="every pixel becomes a square of so many")
    parser.add_argument("--as", dest="ways", default="medium:18,faster:17,veryfast:18,veryfast:17,veryfast:16")
    arguments = parser.parse_args()
    model = videogan.load(arguments.run)
    videos = model.sample(arguments.frames, seeds=range(arguments.videos)).array()
    frames = videos.reshape(-1, *videos.shape[-3:])
    frames = frames.repeat(arguments.scale, axis=1).repeat(arguments.scale, axis=2)
    ways = [way.split(":") for way in arguments.ways.split(",")]
    rows = [row(frames, speed, int(crf)) for speed, crf in ways]
    print(f"{heading(pick_device())}; {len(frames)} frames of {arguments.run}\n\n{table(COLUMNS, rows)}")


if __name__ == "__main__":
    try:
        main()
    except VideoganError as error:
        sys.exit(f"error: {error}")
