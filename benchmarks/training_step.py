"""Clips per second of the training step by preset, where its time goes, and how cost grows with size, frames and batch.

    python benchmarks/training_step.py                          # preset cpu, or the gpu presets on a GPU
    python benchmarks/training_step.py --presets gpu64 --grow --plot growth.svg --json training.json

Clips are synthetic and lie on the device already. Each row is a process of its own, so that its peak memory and the
seconds before its first step, recording and compilation included, are its own. On a GPU the step is a CUDA graph where
it can be. Parts are told apart by hooks, operation by operation: the discriminators' update with the generator's
forward pass, the encoder's update, the generator's update (backward).
Several processes are started by torchrun, one a GPU; on a CPU they share its cores, one thread each where
``OMP_NUM_THREADS=1``. Each has a batch of its own, and clips/s are those of all.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from measuring import heading, spread, synchronise, table, write_plot

from videogan.config import Config
from videogan.data.loader import ClipBatch
from videogan.device import memory_gib, pick_device, pick_precision
from videogan.presets import change, preset
from videogan.training.distributed import process_group
from videogan.training.launch import Process, launch_from_environment
from videogan.training.rendezvous import joined
from videogan.training.state import TrainingState, new_state
from videogan.training.step import advance, update

PARTS = ("discriminators", "generator update", "encoder")
COLUMNS = (
    "preset",
    "size",
    "frames",
    "batch",
    "processes",
    "clips/s",
    *(f"{part}, ms" for part in PARTS),
    "peak GiB",
    "start, s",
)
NUM_CLASSES = 4
GROWTH = {
    "cpu": {"size": (32, 64), "frames": (8, 16, 32), "batch": (4, 16, 32), "processes": (1, 2)},
    "cuda": {"size": (64, 128, 256), "frames": (16, 32, 64), "batch": (16, 64, 128), "processes": (1, 2)},
}
KEYS = {"size": "data.size", "frames": "data.num_frames", "batch": "train.batch_size"}


class Parts:
    """Times the parts of each step by the moments at which networks and optimizers are done."""

    def __init__(self, state: TrainingState, device: torch.device) -> None:
        self._device, self._moments = device, [("begin", 0.0)]
        self.milliseconds: dict[str, list[float]] = {part: [] for part in PARTS}
        done = (state.optimizers.discriminators, state.optimizers.generator, state.optimizers.encoder)
        for part, optimizer in zip(PARTS, done, strict=True):
            optimizer.register_step_post_hook(lambda *_, part=part: self._note(part))

    def begin(self) -> None:
        """Begin a step."""
        self._moments = []
        self._note("begin")

    def end(self) -> None:
        """Add what this step's parts took."""
        for (_, before), (part, after) in zip(self._moments, self._moments[1:], strict=False):
            self.milliseconds[part].append(1000 * (after - before))

    def _note(self, part: str) -> None:
        synchronise(self._device)
        self._moments.append((part, time.perf_counter()))


def configured(name: str, settings: list[str], device: torch.device, *, compiled: bool) -> Config:
    """Return a preset as `videogan train` would run it on the device."""
    config = preset(name, settings)
    here = {"train.device": device.type, "train.precision": pick_precision(device)[0]}
    return change(config, {**here, "train.compile": "always" if compiled else "never"})


def measure(
    name: str, settings: list[str], arguments: argparse.Namespace, process: Process, device: torch.device
) -> dict[str, Any]:
    """Return one row; this process has done nothing else."""
    begin = time.perf_counter()
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    config = configured(name, settings, device, compiled=arguments.compile)
    state = new_state(config, NUM_CLASSES, device)
    if config.train.compile == "always":
        state.networks.compile()
    batch, size, frames = config.train.batch_size, config.data.size, config.data.num_frames
    labels = torch.arange(batch, device=device) % NUM_CLASSES
    clips = ClipBatch(torch.randint(256, (batch, frames, size, size, 3), dtype=torch.uint8, device=device), labels)
    advance(state, clips, process)  # a step that trains the encoder too: all that is compiled, is compiled in it
    advance(state, clips, process)
    synchronise(device)
    start = time.perf_counter() - begin
    times = []
    while len(times) < arguments.steps:
        synchronise(device)
        before = time.perf_counter()
        advance(state, clips, process)
        synchronise(device)
        times.append(time.perf_counter() - before)
    state.update = lambda x, updates: update(state.networks, state.optimizers, x, updates, config)
    parts = Parts(state, device)
    for _ in range(arguments.steps):
        parts.begin()
        advance(state, clips, process)
        parts.end()
    # Steps with the encoder's update are slower; a period of both is one value.
    interval = max(1, min(config.encoder.interval, len(times)))
    periods = [times[at : at + interval] for at in range(0, len(times) - interval + 1, interval)]
    rate = spread([process.world_size * batch * len(period) / sum(period) for period in periods])
    return {
        "heading": heading(device),
        "cells": [name, size, frames, batch, process.world_size, str(rate)]
        + [str(spread(times)) if times else "-" for times in parts.milliseconds.values()]
        + [f"{memory_gib(device):.2f}", f"{start:.1f}"],
        "rate": rate.median,
    }


def in_own_process(
    name: str, settings: list[str], arguments: argparse.Namespace, processes: int = 1
) -> dict[str, Any] | None:
    """Measure one row in processes of its own; None, with what they said, where it failed (mostly of memory)."""
    start = [sys.executable]
    if processes > 1:
        start += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), "--"]
    command = [*start, __file__, "--one", name, "--device", arguments.device, "--steps", str(arguments.steps)]
    command += [part for setting in settings for part in ("--set", setting)] + ["--compile"] * arguments.compile
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["?"])[-1]
        print(f"{name} {' '.join(settings)}: {last}", file=sys.stderr)
        return None
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def grow(name: str, arguments: argparse.Namespace, device: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return a row for each value of each axis, and seconds per clip by axis for a plot."""
    rows: list[dict[str, Any]] = []
    series: dict[str, list[tuple[float, float]]] = {}
    for axis in arguments.grow.split(","):
        for value in GROWTH[device][axis]:
            if axis == "processes" and device == "cuda" and value > torch.cuda.device_count():
                continue
            settings = [f"{KEYS[axis]}={value}"] if axis in KEYS else []
            processes = 1 if axis in KEYS else value
            row = in_own_process(name, [*arguments.set, *settings], arguments, processes)
            if row is not None:
                rows.append(row)
                series.setdefault(axis, []).append((value, 1 / row["rate"]))
    return rows, series


def main() -> None:
    """Print the tables, and write JSON and a plot where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", help="with commas between; by default what suits the device")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--set", action="append", default=[], metavar="GROUP.KEY=VALUE")
    parser.add_argument("--compile", action="store_true", help="compile the networks")
    parser.add_argument(
        "--grow",
        nargs="?",
        const="size,frames,batch,processes",
        metavar="AXES",
        help="measure growth with size, frames, batch and processes, or with some of them",
    )
    parser.add_argument("--plot", type=Path, help="SVG of that growth")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        device = pick_device(arguments.device)
        train = configured(arguments.one, arguments.set, device, compiled=False).train
        with joined(launch_from_environment()) as rendezvous, process_group(rendezvous, train):
            measured = measure(arguments.one, arguments.set, arguments, rendezvous.process, device)
        if rendezvous.process.first:
            print(json.dumps(measured))
        return
    device = pick_device(arguments.device).type
    names = (arguments.presets or ("gpu64,gpu128,gpu256" if device == "cuda" else "cpu")).split(",")
    rows = [row for name in names if (row := in_own_process(name, arguments.set, arguments)) is not None]
    if not rows:
        sys.exit("no row could be measured")
    print(rows[0]["heading"])
    print(table(COLUMNS, [row["cells"] for row in rows]))
    if arguments.grow:
        grown, series = grow(names[0], arguments, device)
        print("\n" + table(COLUMNS, [row["cells"] for row in grown]))
        if arguments.plot is not None:
            write_plot(arguments.plot, f"preset {names[0]}", series, "seconds per clip")
        rows += grown
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
