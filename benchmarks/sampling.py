"""How fast videos are made: many at once, one stream, the first frame, one stream into an MP4 on disk.

    python benchmarks/sampling.py                        # preset cpu at 32 and 64, or gpu64 to gpu256 on a GPU
    python benchmarks/sampling.py --run runs/demo        # a trained model
    python benchmarks/sampling.py --presets gpu256 --modes eager graphs --json sampling.json

Frames end as uint8 on the device. Networks of presets have random weights, which take the same time. Modes: ``eager``
makes everything kernel by kernel in float32, as `videogan sample` does on a CPU; ``contiguous`` has channels outermost;
``bfloat16`` is autocast; ``compiled`` compiles the decoder's stages. On a GPU besides: ``float16`` decodes in that;
``float32 graphs`` replays what has come nine times as a CUDA graph; ``graphs`` does both, as `videogan sample` does
there; ``searched graphs`` lets cuDNN try three kernels for each convolution first.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from fractions import Fraction
from functools import partial
from itertools import count
from pathlib import Path

import torch
from measuring import heading, seconds, spread, synchronise, table
from torch import Tensor

from videogan.artifacts.runs import find_weights
from videogan.artifacts.weights import load_weights
from videogan.device import pick_device
from videogan.errors import VideoganError
from videogan.generation.chunks import GRAPH_AFTER, Replays
from videogan.generation.sampling import stream, take
from videogan.generation.video_stream import VideoStream
from videogan.models.build import build_generator
from videogan.models.generator import Generator
from videogan.presets import preset
from videogan.training.decisions import KERNELS_TRIED

MODES = ("eager", "contiguous", "bfloat16", "float16", "float32 graphs", "graphs", "searched graphs", "compiled")
COLUMNS = ("model", "mode", "16 x 16 frames/s", "1 stream frames/s", "first frame ms", "MP4 frames/s")

NewChunks = Callable[[int, int | None], Iterator[Tensor]]
"""Begins some videos, in chunks of some latent steps; None is what `videogan sample` takes."""


def pixels(frames: Tensor) -> Tensor:
    """Turn frames in [-1, 1] into uint8 on their device."""
    return frames.add(1).mul(127.5).round().to(torch.uint8)


def replays_of(generator: Generator, mode: str) -> Replays:
    """Return what the videos of one mode share."""
    lowered = mode in ("float16", "graphs", "searched graphs")
    return Replays(generator, graphs=mode.endswith("graphs"), lowered=lowered)


def chunks(generator: Generator, videos: int, chunk_steps: int | None, mode: str, replays: Replays) -> Iterator[Tensor]:
    """Yield chunks of some videos in one mode."""
    device = next(generator.parameters()).device
    labels = torch.zeros(videos, dtype=torch.long, device=device) if generator.num_classes else None
    autocast = torch.autocast(device.type, torch.bfloat16) if mode == "bfloat16" else nullcontext()
    frames = stream(generator, range(videos), labels, chunk_steps=chunk_steps, replays=replays)
    for _ in count():
        with autocast:
            chunk = next(frames)
        yield chunk


def prepared(generator: Generator, mode: str) -> Generator:
    """Return the generator as a mode wants it."""
    if mode == "contiguous":
        return generator.to(memory_format=torch.contiguous_format)
    generator = generator.to(memory_format=torch.channels_last_3d)
    if mode == "compiled":
        torch._dynamo.config.recompile_limit = 64
        for stage in generator.stages:
            stage.compile(dynamic=False)
    return generator


def frames_per_second(generator: Generator, new: NewChunks, rounds: int, num_frames: int) -> list[float]:
    """Return the steady speed of one stream in each round."""
    device = next(generator.parameters()).device
    frames = new(1, None)
    made = []

    def work() -> None:
        made.append(0)
        while made[-1] < num_frames:
            made[-1] += pixels(next(frames)).shape[1]

    times = seconds(work, device, rounds=rounds)
    return [total / taken for total, taken in zip(made[-rounds:], times, strict=True)]


def to_disk(
    generator: Generator, new: NewChunks, rounds: int, num_frames: int, frame_rate: Fraction, preset: str
) -> list[float]:
    """Return the frames per second of one video from latents to a closed MP4."""
    rates = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            begin = time.perf_counter()
            frames = take(new(1, None), num_frames)
            size = (generator.size, generator.size)
            VideoStream(partial(iter, frames), size, frame_rate, None).save(Path(folder) / "a.mp4", preset=preset)
            rates.append(num_frames / (time.perf_counter() - begin))
    return rates


def measure(name: str, generator: Generator, mode: str, arguments: argparse.Namespace) -> dict[str, object]:
    """Return one row: all figures of a generator in one mode."""
    device = next(generator.parameters()).device
    generator = prepared(generator, mode)
    torch.backends.cudnn.benchmark = mode == "searched graphs"
    torch.backends.cudnn.benchmark_limit = KERNELS_TRIED
    rounds, few, frames = arguments.rounds, max(1, arguments.rounds // 3), arguments.frames
    # A graph is captured once; what is measured of it goes on from there.
    new = partial(chunks, generator, mode=mode, replays=replays_of(generator, mode))
    before = GRAPH_AFTER + 2 if mode.endswith("graphs") else 2
    many = seconds(lambda: pixels(next(new(16, 4))), device, rounds=rounds, warm_up=before)
    first = seconds(lambda: pixels(next(new(1, 1))), device, rounds=rounds, warm_up=before)
    row = {
        "model": name,
        "mode": mode,
        "many": spread([256 / taken for taken in many]),
        "stream": spread(frames_per_second(generator, new, rounds, frames)),
        "first": spread([1000 * taken for taken in first]),
        "mp4": spread(to_disk(generator, new, few, frames, Fraction(25), arguments.x264)),
    }
    synchronise(device)
    return row


def models(arguments: argparse.Namespace, device: torch.device) -> Iterator[tuple[str, Generator]]:
    """Yield the named run's generator, or those of the presets that suit the device."""
    if arguments.run is not None:
        yield str(arguments.run.name), load_weights(find_weights(arguments.run), device).generator
        return
    named = {name: name for name in arguments.presets} or {"cpu": "cpu", "cpu, 64": "cpu"}
    if device.type == "cuda" and not arguments.presets:
        named |= {"gpu64": "gpu64", "gpu128": "gpu128", "gpu256": "gpu256"}
    for name, base in named.items():
        torch.manual_seed(0)
        config = preset(base, ["data.size=64"] if name == "cpu, 64" else [])
        yield name, build_generator(config, 4).to(device).eval().requires_grad_(False)


def main() -> None:
    """Print the table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--frames", type=int, default=640, help="of the stream and the MP4, in each round")
    parser.add_argument("--presets", nargs="+", default=[], help="networks of these, with random weights")
    parser.add_argument("--modes", nargs="+", default=[], choices=MODES, help="all but compiled, where none is named")
    parser.add_argument("--x264", default="veryfast", help="x264's speed for the MP4")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    device = pick_device(arguments.device)
    modes = arguments.modes or MODES[: -1 if device.type == "cuda" else 3]
    print(heading(device))
    rows = [
        measure(name, generator, mode, arguments) for name, generator in models(arguments, device) for mode in modes
    ]
    print(table(COLUMNS, [list(row.values()) for row in rows]))
    if arguments.json is not None:
        plain = [{key: getattr(value, "median", value) for key, value in row.items()} for row in rows]
        arguments.json.write_text(json.dumps(plain, indent=2) + "\n")


if __name__ == "__main__":
    try:
        main()
    except VideoganError as error:
        sys.exit(f"error: {error}")
