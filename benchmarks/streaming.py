"""What decoding several clips together saves where no cache of frames fits: the loader's streaming, with and without.

    python benchmarks/streaming.py [--batches 48]

Videos of 240p and 500 frames, a key frame every 12 and every 250 frames; batches of 16 clips of 16 frames at 64 x 64.
Clips per second of CPU time over whole blocks of the shuffle buffer, its first filling included, beside the same number
of batches whose clips are each drawn and decoded by themselves.
"""

import argparse
import tempfile
import time
from pathlib import Path

from reading import write_video

from videogan.config import DataConfig
from videogan.data.cache import open_cache
from videogan.data.folder import scan_folder
from videogan.data.loader import ClipLoader

BATCH = 16


def main() -> None:
    """Print one row for each spacing of key frames."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=48, help="a multiple of 16, which is a block")
    batches = parser.parse_args().batches
    print("| key frame every | clip by clip | through the buffer |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for gop in (12, 250):
            root = Path(name) / f"every-{gop}"
            root.mkdir()
            for number in range(4):
                write_video(root / f"{number}.mp4", 240, 320, gop)
            alone, together = (
                clips_per_second(root, Path(name) / "cache", batches, buffer) for buffer in (False, True)
            )
            print(f"| {gop} | {alone:.1f} | {together:.1f} |", flush=True)


def clips_per_second(root: Path, cache_dir: Path, batches: int, buffer: bool) -> float:
    """Read batches one after the other; every file is opened and listed before the clock starts."""
    data = DataConfig(size=64, num_frames=16, cache_limit_gb=1e-9, cache_dir=str(cache_dir))
    cache = open_cache(scan_folder(root, cache_dir=cache_dir), data)
    loader = ClipLoader(cache, data, batch_size=BATCH, seed=0)
    loader.batch(batches)
    if not buffer:
        loader._buffer = None
    start = time.process_time()
    for step in range(batches):
        loader.batch(step)
    return batches * BATCH / (time.process_time() - start)


if __name__ == "__main__":
    main()
