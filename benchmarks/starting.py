"""What it gains to start from a model: growing beside training at full size, and models that come along beside nothing.

    python benchmarks/starting.py growth CLIPS --minutes 20
    python benchmarks/starting.py models CLIPS [CLIPS ...] --minutes 6.5 --models none,starter,shipped
    python benchmarks/starting.py models CLIPS --set data.size=64 --size 64

``growth`` trains at 64 pixels for so many minutes, and for half of them at 32 and then, grown, for the other half, and
judges both after each half. ``models`` trains each folder from nothing with the preset ``cpu`` and from models as
``videogan train --from`` does; ``other-shapes`` in place of a folder are rings and crosses that are
drawn here. Told are the kernel distance of generated videos to the folder, the share of its clips that they cover, as
``videogan evaluate`` measures them on features learnt on the folder, and how much they differ within a class and move
beside it, ``growth`` at 64 pixels and ``models`` at 32 or ``--size``; each as a mean over the seeds, and each seed's. A
second call goes on with what is in ``--work``.
"""

import argparse
from pathlib import Path
from statistics import mean

import numpy as np
from measuring import heading, table
from running import command, evaluated, trained

from videogan.device import pick_device
from videogan.video import VideoWriter

SIZE, FRAMES = 64, 16
OTHER_SHAPES = "other-shapes"
FIGURES = {
    "kernel distance": "kernel_distance",
    "coverage": "coverage",
    "variance within a class": "variance_within_class_ratio",
    "motion energy": "motion_energy_ratio",
}
"""What is told of generated videos, and the names of these rows in a report."""


def draw_other_shapes(folder: Path, count: int = 120, num_frames: int = 48) -> Path:
    """Write videos of rings and crosses of one colour each, which go round in circles; the shipped model knows none."""
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    for index in range(count):
        source = np.random.default_rng(index)
        name, colour = ("ring", "cross")[index % 2], source.uniform(60, 255, 3)
        phase, speed, reach = source.uniform(0, 2 * np.pi), source.uniform(0.05, 0.12), source.uniform(6, 18)
        angle = phase + speed * np.arange(num_frames)[:, None, None]
        down, across = np.abs(y - 32 - reach * np.sin(angle)), np.abs(x - 32 - reach * np.cos(angle))
        distance = np.abs(np.hypot(down, across) - 10) - 3
        if name == "cross":
            distance = np.maximum(np.minimum(down, across) - 3, np.maximum(down, across) - 12)
        cover = np.clip(0.5 - distance, 0, 1)[..., None]
        path = folder / name / f"{index:04d}.mp4"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with VideoWriter(path, frame_rate=25, crf=12) as writer:
            writer.write((20 + (colour - 20) * cover).astype(np.uint8))
    return folder


def figures(clips: Path, run: Path, name: str, count: int, size: int) -> list[float]:
    """Return what a run's videos are like beside its clips, both at ``size`` pixels: the values of FIGURES."""
    videos = run / f"videos-{name}"
    if not videos.exists():
        videos.mkdir()
        command("sample", "--run", run, "--count", count, "--frames", FRAMES, "--scale", 1, videos / "v.mp4")
    out, metrics = run / f"evaluation-{name}", ["kernel", "precision", "variety", "motion"]
    rows = evaluated(clips, out, clips=count, generated=videos, size=size, num_frames=FRAMES, metrics=metrics)
    values = [rows[figure].value for figure in FIGURES.values()]
    return [value for value in values if value is not None]


def told(values: list[list[float]]) -> list[str]:
    """Return a cell for each figure: the mean over seeds, and each seed's."""
    return [
        f"{mean(column):.3g} ({', '.join(f'{value:.3g}' for value in column)})" for column in zip(*values, strict=True)
    ]


def growth(clips: Path, work: Path, minutes: float, count: int, settings: list[str], seeds: int) -> str:
    """Return the table of quality over minutes, from scratch and grown after half of them."""
    cells: dict[tuple[float, str], list[list[float]]] = {}
    for seed in range(seeds):
        full, small, large = (work / f"{name}-{seed}" for name in ("full-size", "small", "grown"))
        options = [f"train.seed={seed}", *settings]
        for half in (1, 2):
            spent = minutes * half / 2
            trained(clips, full, preset="cpu", minutes=spent, settings=[f"data.size={SIZE}", *options])
            run = small if half == 1 else large
            if run == small:
                trained(clips, small, preset="cpu", minutes=spent, settings=options)
            else:
                grown = [f"data.size={SIZE}", f"train.seed={seed}"]
                trained(clips, large, preset=None, minutes=minutes / 2, settings=grown, start_from=small)
            for judged, title in ((full, f"{SIZE} from nothing"), (run, "32" if half == 1 else f"32, then {SIZE}")):
                cells.setdefault((spent, title), []).append(figures(clips, judged, f"{spent:g}", count, SIZE))
    rows = [[f"{spent:g}", title, *told(values)] for (spent, title), values in cells.items()]
    return table(("minutes", "pixels", *FIGURES), rows)


def models(
    folders: list[str],
    work: Path,
    minutes: float,
    count: int,
    settings: list[str],
    seeds: int,
    names: list[str],
    size: int,
) -> str:
    """Return the table of training from nothing and from models."""
    rows = []
    for folder in folders:
        clips = draw_other_shapes(work / OTHER_SHAPES) if folder == OTHER_SHAPES else Path(folder)
        for model in names:
            values, steps = [], []
            for seed in range(seeds):
                run, options = work / f"{clips.name}-{model}-{seed}", [f"train.seed={seed}", *settings]
                preset = "cpu" if model == "none" else None
                done = trained(clips, run, preset=preset, minutes=minutes, settings=options, start_from=model)
                steps.append(f"{done['steps']:.0f}")
                values.append(figures(clips, run, f"{minutes:g}", count, size))
            rows.append([clips.name, model, ", ".join(steps), *told(values)])
    return table(("clips", "from", "updates", *FIGURES), rows)


def main() -> None:
    """Train, judge, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("growth", "models"))
    parser.add_argument("clips", nargs="+", help=f"folders of clips; {OTHER_SHAPES}: drawn here")
    parser.add_argument("--minutes", type=float, default=6.5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--count", type=int, default=128, help="videos that are judged")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="GROUP.KEY=VALUE")
    parser.add_argument("--models", default="none,starter", help="what runs start from")
    parser.add_argument("--size", type=int, default=SIZE // 2, help="pixels at which runs from models are judged")
    parser.add_argument("--work", type=Path, default=Path("starting"))
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    common = (arguments.work, arguments.minutes, arguments.count, arguments.settings, arguments.seeds)
    if arguments.what == "growth":
        text = growth(Path(arguments.clips[0]), *common)
    else:
        text = models(arguments.clips, *common, arguments.models.split(","), arguments.size)
    print(f"{heading(pick_device())}; {arguments.minutes:g} minutes, {arguments.count} videos\n\n{text}")


if __name__ == "__main__":
    main()
