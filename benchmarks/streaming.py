"""What decoding several clips together saves where no cache of frames fits: the loader's streaming, with and without.

    python benchmarks/streaming.py [--batches 48] [--hours 2]

Videos of 240p and 500 frames, a key frame every 12 and every 250 frames; batches of 16 clips of 16 frames at 64 x 64.
Clips per second of CPU time over whole blocks of the shuffle buffer, its first filling included, beside the same number
of batches whose clips are each drawn and decoded by themselves.

With ``--hours`` the same for one video of that length (64 x 64, 25 fps, a key frame every 12),
with a cache that was opened before.
"""

import argparse
import tempfile
import time
from pathlib import Path

import av
from reading import write_video

from videogan.config import DataConfig
from videogan.data.cache.clip_cache import open_cache
from videogan.data.folder import scan_folder
from videogan.data.loader import ClipLoader

BATCH = 16


def main() -> None:
    """Print one row for each spacing of key frames, or that of a long video."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=48, help="a multiple of 16, which is a block")
    parser.add_argument("--hours", type=float, help="of one long video in place of the short ones")
    arguments = parser.parse_args()
    if arguments.hours:
        long_video(arguments.hours, arguments.batches)
    else:
        short_videos(arguments.batches)


def short_videos(batches: int) -> None:
    """Print one row for each spacing of key frames."""
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


def long_video(hours: float, batches: int) -> None:
    """Print the rate of clips of one long video."""
    with tempfile.TemporaryDirectory() as name:
        root, cache_dir = Path(name) / "clips", Path(name) / "cache"
        root.mkdir()
        write_video(Path(name) / "short.mp4", 64, 64, 12)
        repeat_packets(Path(name) / "short.mp4", root / "long.mp4", hours)
        clips_per_second(root, cache_dir, 1, buffer=True)
        rate = clips_per_second(root, cache_dir, batches, buffer=True, warm=False)
        print(f"{hours:g} hours: {rate:.1f} clips per second of the processor, the first opening included")


def repeat_packets(source: Path, target: Path, hours: float) -> None:
    """Write the packets of a video again and again, one after the other, until they last for so long."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        stream = given.streams.video[0]
        copy = made.add_stream_from_template(stream)
        packets = [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in given.demux(stream) if p.size]
        length = int(len(packets) / stream.average_rate / stream.time_base)
        for number in range(round(hours * 3600 / (length * stream.time_base))):
            for data, pts, dts, key in packets:
                packet = av.Packet(data)
                packet.stream, packet.time_base, packet.is_keyframe = copy, stream.time_base, key
                packet.pts, packet.dts = pts + number * length, dts + number * length
                made.mux(packet)


def clips_per_second(root: Path, cache_dir: Path, batches: int, buffer: bool, *, warm: bool = True) -> float:
    """Read batches one after the other; if ``warm``, every file is opened and listed before the clock starts."""
    data = DataConfig(size=64, num_frames=16, cache_limit_gb=1e-9, cache_dir=str(cache_dir))
    cache = open_cache(scan_folder(root, cache_dir=cache_dir), data)
    loader = ClipLoader(cache, data, batch_size=BATCH, seed=0)
    if warm:
        loader.batch(batches)
    if not buffer:
        loader._buffer = None
    start = time.process_time()
    for step in range(batches):
        loader.batch(step)
    return batches * BATCH / (time.process_time() - start)


if __name__ == "__main__":
    main()
