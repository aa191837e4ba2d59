"""The table of goals: trains for some minutes, evaluates, measures speed, and prints goal, measured and peer.

    python benchmarks/quality.py                        # small: what a CPU can show, in a few minutes
    python benchmarks/quality.py --all --actions ACTIONS --peer MOCOGAN     # on a GPU: every row

``--actions`` is a folder of real videos in one folder a class, ``--peer`` one of clips that another program made of the
same videos; rows that need what is not given, or another device, say that they are unmeasured. All training is done by
the program's own commands, in ``--work``; a second call goes on with what is there. ``--minutes`` holds for each of the
runs, from the start of the process to its last step.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring import heading, table
from running import HERE, command, evaluated, trained

from videogan.device import pick_device
from videogan.metrics.report import Rows

UNMEASURED = "unmeasured"


@dataclass(frozen=True)
class Budget:
    """How long and how large."""

    preset: str
    minutes: float
    clips: int
    long_minutes: float


def share(rows: Rows, name: str) -> str:
    """Write a figure and what the real set has against itself."""
    row = rows.get(name)
    if row is None or row.value is None:
        return UNMEASURED
    floor = row.real_vs_real
    return f"{row.value:.3g}" + ("" if not floor else f" ({row.value / floor:.2f} of real against real)")


def shapes_rows(work: Path, budget: Budget) -> list[list[str]]:
    """Train on moving shapes; classes, recall, drift."""
    clips = work / "shapes"
    if not clips.exists():
        command("prepare", "moving-shapes", clips)
    run = work / "runs" / "shapes"
    speed = trained(clips, run, preset=budget.preset, minutes=budget.minutes)
    figures = evaluated(clips, work / "evaluation-shapes", clips=budget.clips, run=run)
    energy = [name for name in figures if name.startswith("motion_energy_ratio")]
    classes = [name for name in figures if name.startswith("class_accuracy")]
    return [
        ["moving-shapes: recall", "above 0.8 of real against real", share(figures, "recall"), "collapsed"],
        ["moving-shapes: coverage", "above 0.8 of real against real", share(figures, "coverage"), "collapsed"],
        *([f"moving-shapes: {name}", "every class present", share(figures, name), "-"] for name in classes),
        [
            "drift: late over early",
            "at most 1.1",
            share(figures, "kernel_distance_late_over_early"),
            "freeze or repeat",
        ],
        *([f"drift: {name}", "within 0.15 of 1", share(figures, name), "-"] for name in energy),
        ["training, clips/s", "at least 900", f"{speed['clips_per_second']:.3g}", "436-795"],
    ]


def actions_rows(work: Path, budget: Budget, actions: Path | None, peer: Path | None) -> list[list[str]]:
    """Train on the actions clips, every second frame, and compare with the peer's clips."""
    name = "actions: kernel distance"
    if actions is None:
        return [[name, "at most a quarter of the peer's", f"{UNMEASURED} (no --actions)", "-"]]
    settings = ("data.size=64", "data.frame_stride=2")
    trained(actions, work / "runs" / "actions", preset=budget.preset, minutes=budget.minutes, settings=settings)
    options: dict[str, Any] = {"clips": budget.clips, "frame_stride": 2, "metrics": ["kernel"]}
    run = work / "runs" / "actions"
    own = evaluated(actions, work / "evaluation-actions", run=run, **options)
    theirs = UNMEASURED
    if peer is not None:
        theirs = share(evaluated(actions, work / "evaluation-peer", generated=peer, **options), "kernel_distance")
    return [[name, "at most a quarter of the peer's", share(own, "kernel_distance"), theirs]]


def measured_by(script: str, file: Path, *options: str) -> list[dict[str, Any]]:
    """Return the JSON rows of another benchmark, none where it failed: one failure must not cost the whole table."""
    file.unlink(missing_ok=True)
    subprocess.run([sys.executable, str(HERE / script), "--json", str(file), *options], check=False)
    rows: list[dict[str, Any]] = json.loads(file.read_text()) if file.exists() else []
    return rows


def speed_rows(work: Path, device: str) -> list[list[str]]:
    """Measure sampling and the training step by their own benchmarks."""
    file = work / "sampling.json"
    rows = {(row["model"], row["mode"]): row for row in measured_by("sampling.py", file)}

    def best(model: str, key: str, *, low: bool = False) -> str:
        by_mode = {mode: row[key] for (name, mode), row in rows.items() if name == model}
        if not by_mode:
            return UNMEASURED if device == "cuda" else f"{UNMEASURED} (needs a GPU)"
        mode = (min if low else max)(by_mode, key=lambda mode: by_mode[mode])
        return f"{by_mode['eager']:,.4g} as shipped, {by_mode[mode]:,.4g} {mode}"

    return [
        [
            "2 CPU cores, 32 x 32, frames/s",
            "at least 200",
            best("cpu", "stream") if device == "cpu" else UNMEASURED,
            "-",
        ],
        ["the same, 64 x 64", "at least 60", best("cpu, 64", "stream") if device == "cpu" else UNMEASURED, "-"],
        ["sampling 64 x 64, 16 x 16, frames/s", "at least 120,000", best("gpu64", "many"), "65,000-78,000"],
        ["sampling 64 x 64, 1 stream, frames/s", "at least 10,000", best("gpu64", "stream"), "5,000-9,500"],
        ["first frame, warm, ms", "at most 2", best("gpu64", "first", low=True), "0.9-1.4"],
        ["one stream at 256 x 256 into an MP4, frames/s", "at least 240", best("gpu256", "mp4"), "24-30"],
    ]


def step_rows(work: Path, device: str, *, whole: bool) -> list[list[str]]:
    """Measure the seconds before the first step, and print parts and, for the whole table, growth."""
    options = ["--plot", str(work / "growth.svg"), *(["--grow"] if whole else [])]
    rows = measured_by("training_step.py", work / "training.json", *options)
    if not rows:
        return [["seconds before the first step", "at most 20", UNMEASURED, "42-184 in an earlier study"]]
    first = rows[0]["cells"]
    measured = first[-1] if device == "cuda" else f"{first[-1]}, eager on a CPU; {UNMEASURED} on a GPU"
    return [["seconds before the first step", "at most 20", measured, "42-184 in an earlier study"]]


def large_rows(work: Path, budget: Budget, clips: Path, device: str) -> list[list[str]]:
    """Train the large presets."""
    rows = []
    for name in ("gpu128", "gpu256"):
        measured = f"{UNMEASURED} (needs a GPU)"
        if device == "cuda":
            run = work / "runs" / name
            speed = trained(clips, run, preset=name, minutes=budget.long_minutes)
            command("sample", "--run", run, "--grid", "4x4", "--yes", run / "grid.png")
            measured = f"{speed['clips_per_second']:.3g} clips/s; {run / 'grid.png'}"
        rows.append([f"{name}, {budget.long_minutes:g} minutes", "trains stably", measured, "-"])
    return rows


def main() -> None:
    """Measure what this machine can, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="the full budget: presets, minutes and clips of the goals")
    parser.add_argument("--minutes", type=float, help="of each run; by default 2, or 4.25 with --all")
    parser.add_argument("--actions", type=Path)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--work", type=Path, default=Path("quality"))
    arguments = parser.parse_args()
    device = pick_device()
    budget = Budget(
        preset="gpu64" if device.type == "cuda" else "cpu",
        minutes=arguments.minutes or (4.25 if arguments.all else 2),
        clips=256 if arguments.all else 64,
        long_minutes=8,
    )
    arguments.work.mkdir(parents=True, exist_ok=True)
    rows = shapes_rows(arguments.work, budget) + actions_rows(arguments.work, budget, arguments.actions, arguments.peer)
    rows += speed_rows(arguments.work, device.type) + step_rows(arguments.work, device.type, whole=arguments.all)
    rows += large_rows(arguments.work, budget, arguments.work / "shapes", device.type)
    text = f"{heading(device)}; preset {budget.preset}, {budget.minutes:g} minutes\n\n"
    text += table(("what", "goal (one H100)", "measured", "peer"), rows)
    (arguments.work / "table.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
