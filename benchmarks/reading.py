"""How fast random clips come out of video files: this project's reader beside others, and beside decoding alone.

    python benchmarks/reading.py [--rounds 5] [--clips 12] [--only ours,floor]

Makes four H.264 files with the project's writer (240p and 720p, a key frame every 12 and every 250 frames), then reads
random clips of 16 frames, scaled and cropped to a square. Every method reads the same clips in every round; the table
gives the median over the rounds of clips per second of CPU time, and their ratio to the floor, which seeks and decodes
but converts nothing. Readers that are not installed are left out.
"""

import argparse
import importlib.util
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path

import av
import numpy as np
import torch
from torch.nn import functional as F

from videogan.video import VideoReader, VideoWriter

NUM_FRAMES = 500
CLIP_FRAMES = 16

ClipReader = Callable[[int], object]


def write_video(path: Path, height: int, width: int, gop: int) -> None:
    """Write a video of a textured plane that moves, with a little noise, as a hand-held camera would see it."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.random((1, 3, 40, 60), np.float32))
    fine = torch.from_numpy(rng.random((1, 3, 300, 450), np.float32))
    size = (height * 3 // 2, width * 3 // 2)
    plane = sum(
        weight * F.interpolate(part, size, mode="bicubic")[0] for weight, part in ((0.75, coarse), (0.25, fine))
    )
    with VideoWriter(path, frame_rate=25, gop=gop, preset="faster", crf=23) as writer:
        for number in range(NUM_FRAMES):
            top = int(height / 4 * (1 + np.sin(number / 31)))
            left = int(width / 4 * (1 + np.cos(number / 47)))
            view = plane[:, top : top + height, left : left + width].permute(1, 2, 0).numpy()
            noise = rng.normal(0, 0.01, view.shape).astype(np.float32)
            writer.write((255 * (view + noise)).clip(0, 255).astype(np.uint8))


def floor(path: Path, size: int) -> ClipReader:
    """Seek to the key frame, leave out what nothing refers to, decode, and throw the pictures away."""
    container = av.open(str(path))
    stream = container.streams.video[0]
    stream.thread_count = 1
    unit = Fraction(1, 25) / stream.time_base

    def read(start: int) -> object:
        first, last = int(start * unit), int((start + CLIP_FRAMES - 1) * unit)
        container.seek(first, stream=stream)
        for packet in container.demux(stream):
            early = packet.pts is not None and packet.pts < first
            stream.codec_context.skip_frame = "NONREF" if early else "DEFAULT"
            for picture in packet.decode():
                if picture.pts >= last:
                    return picture
        return None

    return read


def ours(path: Path, size: int) -> ClipReader:
    """Read with VideoReader into a given array."""
    reader = VideoReader(path, size=(size, size))
    out = np.empty((CLIP_FRAMES, size, size, 3), np.uint8)
    assert len(reader.timestamps) == NUM_FRAMES
    return lambda start: reader.read(range(start, start + CLIP_FRAMES), out)


def resized(frames: torch.Tensor, size: int) -> torch.Tensor:
    """Scale uint8 frames t c h w so that they cover a square, and cut out its middle."""
    scale = size / min(frames.shape[-2:])
    height, width = (max(size, round(length * scale)) for length in frames.shape[-2:])
    scaled = F.interpolate(frames.float(), (height, width), mode="bilinear", antialias=True)
    top, left = (height - size) // 2, (width - size) // 2
    return scaled[..., top : top + size, left : left + size].round().to(torch.uint8)


def naive(path: Path, size: int) -> ClipReader:
    """Decode from the start with PyAV, make arrays, resize with torch."""

    def read(start: int) -> object:
        frames = []
        with av.open(str(path)) as container:
            container.streams.video[0].thread_count = 1
            for number, picture in enumerate(container.decode(video=0)):
                if number >= start:
                    frames.append(picture.to_ndarray(format="rgb24"))
                if len(frames) == CLIP_FRAMES:
                    break
        return resized(torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2), size)

    return read


def torchcodec(path: Path, size: int) -> ClipReader:
    """Read with torchcodec, its index kept, resize with torch."""
    from torchcodec.decoders import VideoDecoder

    decoder = VideoDecoder(path, num_ffmpeg_threads=1)
    return lambda start: resized(decoder.get_frames_in_range(start, start + CLIP_FRAMES).data, size)


def decord(path: Path, size: int) -> ClipReader:
    """Read with decord, scaled while decoding."""
    import decord

    with av.open(str(path)) as container:
        height, width = container.streams.video[0].height, container.streams.video[0].width
    scale = size / min(height, width)
    reader = decord.VideoReader(str(path), width=round(width * scale), height=round(height * scale), num_threads=1)
    return lambda start: reader.get_batch(range(start, start + CLIP_FRAMES)).asnumpy()


def opencv(path: Path, size: int) -> ClipReader:
    """Read with OpenCV: set the position, read, resize."""
    import cv2

    cv2.setNumThreads(1)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])

    def read(start: int) -> object:
        capture.set(cv2.CAP_PROP_POS_FRAMES, start)
        frames = []
        for _ in range(CLIP_FRAMES):
            frame = capture.read()[1]
            scale = size / min(frame.shape[:2])
            frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            left = (frame.shape[1] - size) // 2
            frames.append(cv2.cvtColor(frame[:size, left : left + size], cv2.COLOR_BGR2RGB))
        return np.stack(frames)

    return read


METHODS = {"floor": floor, "ours": ours, "torchcodec": torchcodec, "decord": decord, "opencv": opencv, "naive": naive}
MODULES = {"torchcodec": "torchcodec", "decord": "decord", "opencv": "cv2"}


def serve(name: str, path: Path, size: int, pipe: Connection) -> None:
    """Answer every list of clip starts with the CPU seconds that reading those clips took; an error with its text."""
    torch.set_num_threads(1)
    try:
        read = METHODS[name](path, size)
    except (ImportError, OSError, RuntimeError) as error:
        pipe.send(str(error).splitlines()[0])
        return
    pipe.send(None)
    for starts in iter(pipe.recv, None):
        begin = time.process_time()
        for start in starts:
            read(start)
        # Some readers go on decoding ahead in threads of their own; that is counted too.
        time.sleep(0.2)
        pipe.send(time.process_time() - begin)


def measure(names: list[str], path: Path, size: int, rounds: int, clips: int) -> dict[str, list[float]]:
    """Return clips per CPU second of each method in each round; all read the same clips, one method after the other.

    Each method has a process of its own, so that none pays for another's threads. One whose libraries do not load is
    left out.
    """
    context, pipes = multiprocessing.get_context("spawn"), {}
    for name in names:
        pipe, other = context.Pipe()
        context.Process(target=serve, args=(name, path, size, other), daemon=True).start()
        failure = pipe.recv()
        if failure is None:
            pipes[name] = pipe
        else:
            print(f"{name}: {failure}", file=sys.stderr)
    rng = np.random.default_rng(1)
    rates: dict[str, list[float]] = {name: [] for name in pipes}
    for _ in range(rounds):
        starts = rng.integers(0, NUM_FRAMES - CLIP_FRAMES, clips).tolist()
        for name, pipe in pipes.items():
            some = starts[: max(2, clips // 6)] if name == "naive" else starts
            pipe.send(some)
            rates[name].append(len(some) / pipe.recv())
    for pipe in pipes.values():
        pipe.send(None)
    return rates


def main() -> None:
    """Make the files, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clips", type=int, default=12, help="clips per round")
    parser.add_argument("--only", default=",".join(METHODS), help="methods, by comma; floor is always measured")
    options = parser.parse_args()
    torch.set_num_threads(1)
    methods = {"floor", *options.only.split(",")}
    names = [name for name in METHODS if name in methods and importlib.util.find_spec(MODULES.get(name, "av"))]
    print(f"{'file':<26}" + "".join(f"{name:>18}" for name in names) + "   clips/CPU-second (of the floor)")
    with tempfile.TemporaryDirectory() as folder:
        for height, width, size in ((240, 426, 64), (720, 1280, 128)):
            for gop in (12, 250):
                path = Path(folder) / f"{height}p-{gop}.mp4"
                write_video(path, height, width, gop)
                rates = measure(names, path, size, options.rounds, options.clips)
                cells = []
                for name in names:
                    if name not in rates:
                        cells.append("does not load")
                        continue
                    ratio = statistics.median(a / b for a, b in zip(rates[name], rates["floor"], strict=True))
                    cells.append(f"{statistics.median(rates[name]):>9.1f} ({ratio:>6.1%})")
                label = f"{height}p -> {size}, key {gop}"
                print(f"{label:<26}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
