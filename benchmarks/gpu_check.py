"""Everything that only a GPU can tell, in at most eight minutes, on a machine that has torch and some wheels.

    python benchmarks/gpu_check.py CLIPS                   # from the repository's root, which PYTHONPATH names
    python benchmarks/gpu_check.py CLIPS --rehearse        # the same on a CPU, tiny, in a minute or two
    python benchmarks/gpu_check.py CLIPS --only tests training samples --set train.batch_size=16

CLIPS is a folder of videos. The wheels are listed in ``gpu_check_wheels.txt``. Every part is a process of its own with
a time limit of its own, so that none can eat the rest, and writes what it knows into ``$OUT`` (or ``gpu-check/``) at
once: ``rows.jsonl`` and ``log.txt``; then ``samples.mp4``, 256 clips, and sheets of samples, the second at frame 1,000:
rows are classes, columns content codes. The slowest kernels, the run's metrics and the evaluation's report come last,
in ``more.tar``.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SECONDS = 480
RESERVE = 60
"""Seconds that training leaves for the samples, however long the parts before it took."""
RUN = "run"
VIDEOGAN = [sys.executable, "-c", "from videogan.cli import main; main()"]
TINY = (
    "data.num_frames=8",
    "generator.channels=[16,12,8,8]",
    "generator.hidden_dim=32",
    "generator.motion_dim=16",
    "frame_discriminator.channels=[8,8,16,16]",
    "clip_discriminator.channels=[8,12,16]",
    "encoder.channels=[8,12,16]",
    "train.batch_size=4",
    "train.tick_steps=50",
)
"""Settings of a rehearsal."""


def parts(
    clips: Path, out: Path, run_folder: Path, rehearse: bool, more: list[str]
) -> list[tuple[str, float, list[str]]]:
    """Return what is run, in order: name, limit in seconds, command. ``more`` settings are for the training."""
    this = [sys.executable, __file__, str(clips), *(["--rehearse"] if rehearse else []), "--run", str(run_folder)]
    this.append("--part")
    settings = [f"--set={setting}" for setting in (*(TINY if rehearse else ("data.frame_stride=2",)), *more)]
    preset, minutes = ("cpu", "0.2") if rehearse else ("gpu64", "4.25")
    run, model = [*VIDEOGAN, "train", str(clips), "--run", str(run_folder)], ["--run", str(run_folder)]
    tests = [sys.executable, "-m", "pytest", "-x", "-o", "filterwarnings=default", "tests/training/test_graph.py"]
    tests += ["tests/generation/test_chunks.py", "tests/data/test_transfer.py"]
    tests += ["-k", "places" if rehearse else "recorded_step or replayed_stream or to_a_gpu"]
    evaluate = [*VIDEOGAN, "evaluate", str(clips), *model, "--clips", "16" if rehearse else "256"]
    evaluate += ["--features", "pixels-16" if rehearse else "own", "--out", str(out / "evaluation")]
    nvenc = ["--codec", "h264_nvenc", "--yes", "-v", str(run_folder / "nvenc.mp4")]
    sampling = ["--rounds", "1", "--frames", "16"] if rehearse else ["--rounds", "2"]

    def speed_of(name: str, mode: str) -> tuple[str, float, list[str]]:
        limit = 110 if name == "gpu256" else 55  # whose first step alone takes most of a minute
        return f"speed {name} {mode}", limit, [*this, "speed", "--preset", name, "--mode", mode]

    return [
        ("tests", 45, tests),
        speed_of(preset, "graphed"),
        ("training", 310, [*run, "--preset", preset, "--minutes", minutes, *settings]),
        ("samples", 40, [*this, "samples"]),
        ("sampling", 40, [sys.executable, "benchmarks/sampling.py", *model, *sampling]),
        ("nvenc", 30, [*VIDEOGAN, "sample", *model, "--frames", "64" if rehearse else "4000", *nvenc]),
        speed_of("classic" if rehearse else "gpu128", "graphed"),
        speed_of("wgan-gp" if rehearse else "gpu256", "graphed"),
        # What the time no longer suffices for, --only measures in a call of its own. Features are learnt on one core.
        ("evaluation", 100, evaluate),
        speed_of(preset, "heuristics"),
        speed_of(preset, "eager"),
    ]


def run_part(name: str, command: list[str], limit: float, out: Path) -> dict[str, Any]:
    """Run a command to its end or its limit, where it is asked to end and then ended; its words go into a log."""
    begin = time.monotonic()
    with (out / "log.txt").open("ab") as log:
        log.write(f"\n== {name}: {' '.join(command)}\n".encode())
        log.flush()
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        try:
            code: int | str = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = "out of time"
            for number in (signal.SIGTERM, signal.SIGKILL):
                os.killpg(process.pid, number)
                try:
                    process.wait(12)
                    break
                except subprocess.TimeoutExpired:
                    continue
    return {"part": name, "exit": code, "seconds": round(time.monotonic() - begin, 1)}


def write_row(out: Path, row: dict[str, Any]) -> None:
    """Add a row to the table, on disk at once."""
    with (out / "rows.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    print(json.dumps(row), flush=True)


def prepared(preset_name: str, rehearse: bool) -> tuple[Any, Any]:
    """Return a fresh state on the device, and a batch of random clips there."""
    import torch

    from videogan.data.loader import ClipBatch
    from videogan.device import pick_device, pick_precision
    from videogan.presets import preset
    from videogan.training.decisions import set_up_torch
    from videogan.training.state import new_state

    device = pick_device()
    settings = [f"train.device={device.type}", f"train.precision={pick_precision(device)[0]}", "train.compile=never"]
    config = preset(preset_name, [*(TINY if rehearse else ()), *settings])
    set_up_torch(config)
    batch, frames, size = config.train.batch_size, config.data.num_frames, config.data.size
    clips = torch.randint(256, (batch, frames, size, size, 3), dtype=torch.uint8, device=device)
    return new_state(config, 4, device), ClipBatch(clips, torch.arange(batch, device=device) % 4)


def speed(preset_name: str, mode: str, rehearse: bool, out: Path) -> None:
    """Write the seconds to the first step, and the milliseconds of one."""
    import torch
    from measuring import synchronise

    from videogan.device import memory_gib
    from videogan.training.step import advance, update

    begin = time.monotonic()
    state, batch = prepared(preset_name, rehearse)
    device = batch.frames.device
    if mode == "heuristics":  # cuDNN's own choice of kernels, not the fastest of those that it tries
        torch.backends.cudnn.benchmark = False

    def eager(x: Any, updates: Any) -> Any:
        return update(state.networks, state.optimizers, x, updates, state.config)

    if mode == "eager":
        state.update = eager
    advance(state, batch)
    synchronise(device)
    first = time.monotonic() - begin
    times: list[float] = []
    blocks, steps = (2, 2) if rehearse else (5, 20)
    for _ in range(blocks + 1):
        start = time.monotonic()
        for _ in range(steps):
            advance(state, batch)
        synchronise(device)
        times.append((time.monotonic() - start) / steps)
    step = sorted(times[1:])[blocks // 2]
    row = {"preset": preset_name, "mode": mode, "first step, s": round(first, 1), "ms a step": round(1000 * step, 2)}
    row |= {"updates/s": round(1 / step, 1), "clips/s": round(len(batch.frames) / step), "GiB": memory_gib(device)}
    about = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    recorded = getattr(state.update, "recorded", False)
    write_row(out, row | {"recorded": recorded, "device": about, "torch": torch.__version__})
    if mode == "graphed":  # replayed, operations have no names
        state.update = eager
        kernels(state, batch, out / f"kernels-{preset_name}.txt")


def kernels(state: Any, batch: Any, file: Path) -> None:
    """Write the twenty operations that take the most time of a step."""
    from torch.profiler import ProfilerActivity, profile

    from videogan.training.step import advance

    on_gpu = batch.frames.device.type == "cuda"
    with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]) as profiler:
        advance(state, batch)
    order = "self_cuda_time_total" if on_gpu else "self_cpu_time_total"
    text = profiler.key_averages().table(sort_by=order, row_limit=20, max_name_column_width=80)
    file.write_text(text)


def samples(rehearse: bool, out: Path, run_folder: Path) -> None:
    """Write sheets of samples of the run, and a video of 256 clips side by side."""
    import imageio.v3 as imageio
    from einops import rearrange

    from videogan.artifacts.runs import find_weights
    from videogan.artifacts.weights import load_weights
    from videogan.device import pick_device

    weights = load_weights(find_weights(run_folder), pick_device())
    classes = max(1, len(weights.card.class_names))
    for first in (0, 1000):
        clips = clips_from(weights.generator, classes, 2 if rehearse else 16, first)
        sheet = rearrange(clips[:, -1], "(n m) c h w -> (n h) (m w) c", n=classes)
        imageio.imwrite(out / f"samples-frame-{first}.png", sheet.numpy())
    moments = rearrange(clips[: 8 * classes : 2, ::4], "b t c h w -> (b h) (t w) c")
    imageio.imwrite(out / "samples-in-time.png", moments.numpy())
    side = 2 if rehearse else 16
    clips = clips_from(weights.generator, classes, -(-(side**2) // classes), 0)[: side**2]
    grid = rearrange(clips, "(n m) t c h w -> t (n h) (m w) c", n=side)
    imageio.imwrite(out / "samples.mp4", grid.numpy(), plugin="pyav", codec="libx264", fps=12)


def pack(out: Path, run_folder: Path) -> None:
    """Put what else is worth keeping into one archive."""
    with tarfile.open(out / "more.tar", "w") as archive:
        for table in sorted(out.glob("kernels-*.txt")):
            archive.add(table, table.name)
            table.unlink()
        for file in (run_folder / "metrics.jsonl", run_folder / "config.json", out / "evaluation" / "report.json"):
            if file.exists():
                archive.add(file, f"{file.parent.name}-{file.name}")
    shutil.rmtree(out / "evaluation", ignore_errors=True)


def clips_from(generator: Any, classes: int, columns: int, first_frame: int) -> Any:
    """Return ``classes x columns`` clips of 16 frames from some frame on, uint8 ``b t c h w``; a column is one seed."""
    import torch

    from videogan.models.latents import LatentStream, content_code

    device, burn_in, context = next(generator.parameters()).device, 24, generator.context_steps
    stream = LatentStream(range(columns), content_dim=generator.content_dim, noise_dim=generator.noise_dim)
    noise = stream.motion_noise(1 + burn_in + context + first_frame // 4 + 4)
    with torch.inference_mode():
        noise, content = noise.to(device), content_code(stream.content_noise.to(device), generator.prior)
        rows = []
        for label in range(classes):
            labels = torch.full((columns,), label, device=device) if generator.num_classes else None
            state = generator.run_in(content, labels, noise[:, : 1 + burn_in])
            rest = noise[:, 1 + burn_in :]
            condition = generator.condition(content, labels)[:, None].expand(-1, rest.shape[1], -1)
            codes, _ = generator.dynamics(rest, condition, state)
            frames, _ = generator.decode(codes[:, -context - 4 :], condition[:, -context - 4 :])
            rows.append(((frames.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).cpu())
    return torch.cat(rows)


def main() -> None:
    """Run every part, or in its own process one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--rehearse", action="store_true", help="on a CPU, at a tenth of the size")
    parser.add_argument("--only", nargs="+", default=[], metavar="PART", help="parts, by name or its first word")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="more settings of the training")
    parser.add_argument("--run", type=Path, help="where the trained run stays; without, it is removed")
    parser.add_argument("--part", choices=("speed", "samples"), help=argparse.SUPPRESS)
    parser.add_argument("--preset", default="gpu64", help=argparse.SUPPRESS)
    parser.add_argument("--mode", default="graphed", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.clips.is_dir():
        parser.error(f"{arguments.clips}: no such folder of clips")
    out = Path(os.environ.get("OUT", "gpu-check")).resolve()
    out.mkdir(parents=True, exist_ok=True)
    run_folder = (arguments.run or out / RUN).resolve()
    if arguments.part == "speed":
        speed(arguments.preset, arguments.mode, arguments.rehearse, out)
    elif arguments.part == "samples":
        samples(arguments.rehearse, out, run_folder)
    else:
        begin, codes = time.monotonic(), []
        every = parts(arguments.clips.resolve(), out, run_folder, arguments.rehearse, arguments.set)
        names = {word for name, _, _ in every for word in (name, name.split()[0])}
        if unknown := sorted(set(arguments.only) - names):
            parser.error(f"there is no part {unknown[0]!r}; parts are {', '.join(sorted(names))}")
        for name, limit, command in every:
            if arguments.only and not {name, name.split()[0]} & set(arguments.only):
                continue
            left = SECONDS - (time.monotonic() - begin) - (RESERVE if name == "training" else 0)
            row = run_part(name, command, min(limit, left), out) if left > 5 else {"part": name, "exit": "no time left"}
            write_row(out, row)
            codes.append(row["exit"])
        pack(out, run_folder)
        if arguments.run is None:
            shutil.rmtree(run_folder, ignore_errors=True)
        if arguments.rehearse and any(code != 0 for code in codes):
            sys.exit(1)


if __name__ == "__main__":
    main()
