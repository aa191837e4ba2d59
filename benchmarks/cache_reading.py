"""How fast the clip cache fills batches, beside the machine's own limit, and how long a training step waits for data.

    python benchmarks/cache_reading.py [--seconds 2]

Clips have 16 frames, batches 32 clips, all read by one thread; rates are per second of its processor time. Frames lie
in the system's file cache, as they do after the first pass over a data set that fits into memory. ``memcpy`` copies the
same number of bytes from memory. The last rows sleep for 30 ms in place of a training step (which leaves the processor
free, as with a GPU) or compute for 30 ms.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from videogan.config import DataConfig
from videogan.data.cache.clip_cache import ClipCache, open_cache
from videogan.data.folder import scan_folder
from videogan.data.loader import ClipLoader
from videogan.preparation.synthetic import moving_shapes
from videogan.video import VideoWriter

NUM_FRAMES, BATCH_SIZE, STEP_SECONDS = 16, 32, 0.03


def main() -> None:
    """Print one row a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2, help="time for each measurement")
    seconds = parser.parse_args().seconds
    torch.set_num_threads(1)
    print(f"{'size':>4}  {'stride':>6}  {'clips/s':>9}  {'memcpy':>9}  {'share':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for size in (64, 128):
            cache = make_cache(Path(folder), size)
            for stride in (1, 2):
                loader = make_loader(cache, stride)
                ours, limit = reading(loader, seconds), copying(size, seconds)
                print(f"{size:>4}  {stride:>6}  {ours:>9,.0f}  {limit:>9,.0f}  {ours / limit:>6.1%}")
        print(f"\n{'step of 30 ms':<16}  wait for data (median, 99th percentile, share of the time)")
        for name, work in (("sleeping", sleep), ("computing", compute)):
            waits = waiting(make_loader(make_cache(Path(folder), 64), 1), work, seconds)
            share = sum(waits) / (sum(waits) + STEP_SECONDS * len(waits))
            middle, late = statistics.median(waits) * 1e3, np.quantile(waits, 0.99) * 1e3
            print(f"{name:<16}  {middle:.3f} ms  {late:.3f} ms  {share:.2%}")


def make_cache(folder: Path, size: int, videos: int = 64) -> ClipCache:
    """A cache of ``videos`` moving shapes of 96 frames."""
    clips = folder / f"clips-{size}"
    clips.mkdir(exist_ok=True)
    for index in range(videos):
        path = clips / f"{index}.mp4"
        if not path.exists():
            with VideoWriter(path, preset="veryfast") as writer:
                writer.write(moving_shapes(index, size=size, num_frames=96)[0])
    data = DataConfig(size=size, cache_dir=str(folder / "cache"))
    return open_cache(scan_folder(clips, cache_dir=folder / "cache"), data)


def make_loader(cache: ClipCache, stride: int) -> ClipLoader:
    """A loader of the batches that are timed."""
    data = DataConfig(num_frames=NUM_FRAMES, frame_stride=stride)
    return ClipLoader(cache, data, batch_size=BATCH_SIZE, seed=0)


def reading(loader: ClipLoader, seconds: float) -> float:
    """Clips per second from the cache into one batch buffer."""
    size = loader.cache.height
    frames = torch.zeros(BATCH_SIZE, NUM_FRAMES, size, size, 3, dtype=torch.uint8)
    return BATCH_SIZE * rate(lambda step: loader.fill(step, frames), seconds)


def copying(size: int, seconds: float) -> float:
    """Clips per second from memory to memory, one clip after the other as the loader takes them."""
    source = np.ones((64, 96, size, size, 3), np.uint8)
    target = np.ones((BATCH_SIZE, NUM_FRAMES, size, size, 3), np.uint8)
    rng = np.random.default_rng(0)
    clips = [(int(v), int(s)) for v, s in zip(rng.integers(0, 64, 4096), rng.integers(0, 80, 4096), strict=True)]

    def copy(step: int) -> None:
        for row in range(BATCH_SIZE):
            video, start = clips[(step * BATCH_SIZE + row) % len(clips)]
            np.copyto(target[row], source[video, start : start + NUM_FRAMES])

    return BATCH_SIZE * rate(copy, seconds)


def rate(work: Callable[[int], object], seconds: float) -> float:
    """Calls per second of processor time, the median of five stretches, after a warm-up."""
    work(0)
    rates = []
    step = 1
    for _ in range(5):
        begin = time.process_time()
        first = step
        while time.process_time() - begin < seconds / 5:
            work(step)
            step += 1
        rates.append((step - first) / (time.process_time() - begin))
    return statistics.median(rates)


def waiting(loader: ClipLoader, work: Callable[[], object], seconds: float) -> list[float]:
    """Seconds for which each step waited for its batch."""
    stream = loader.batches(0)
    next(stream)
    waits = []
    for _ in range(max(20, int(seconds / STEP_SECONDS))):
        work()
        begin = time.perf_counter()
        next(stream)
        waits.append(time.perf_counter() - begin)
    stream.close()
    return waits


def sleep() -> None:
    """A step on another device."""
    time.sleep(STEP_SECONDS)


def compute() -> None:
    """A step on this processor."""
    end = time.perf_counter() + STEP_SECONDS
    matrix = np.ones((256, 256), np.float32)
    while time.perf_counter() < end:
        matrix = matrix @ matrix * 1e-3


if __name__ == "__main__":
    main()
