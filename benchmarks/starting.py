"""What it gains to start from a model: growing beside training at full size, and the shipped model beside nothing.

    python benchmarks/starting.py growth CLIPS --minutes 20
    python benchmarks/starting.py shipped CLIPS [CLIPS ...] --minutes 6.5 --seeds 3 --set data.labels=none

``growth`` trains at 64 pixels for so many minutes, and for half of them at 32 and then, grown, for the other half, and
judges both at every quarter. ``shipped`` trains each folder from nothing with the preset ``cpu`` and from the model
that comes along, as ``videogan train`` would; ``other-shapes`` in place of a folder are rings and crosses that are
drawn here. Every figure is the kernel distance of generated videos to the folder at 64 pixels, as ``videogan evaluate``
measures it; a second call goes on with what is in ``--work``.
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
        path.parent.mkdir(parents=True, exist_ok=True)
        with VideoWriter(path, frame_rate=25, crf=12) as writer:
            writer.write((20 + (colour - 20) * cover).astype(np.uint8))
    return folder


def distance(clips: Path, run: Path, name: str, count: int) -> float:
    """Return the kernel distance of a run's videos to its clips, both at SIZE pixels."""
    videos = run / f"videos-{name}"
    if not videos.exists():
        videos.mkdir()
        command("sample", "--run", run, "--count", count, "--frames", FRAMES, "--scale", 1, videos / "v.mp4")
    out = run / f"evaluation-{name}"
    rows = evaluated(clips, out, clips=count, generated=videos, size=SIZE, num_frames=FRAMES, metrics=["kernel"])
    value = rows["kernel_distance"].value
    assert value is not None
    return value


def growth(clips: Path, work: Path, minutes: float, count: int, settings: list[str]) -> str:
    """Return the table of quality over minutes, from scratch and grown."""
    full, small, large = (work / name for name in ("full-size", "small", "grown"))
    rows = []
    trained(clips, small, preset="cpu", minutes=minutes / 2, settings=settings)
    for quarter in (1, 2, 3, 4):
        spent = minutes * quarter / 4
        trained(clips, full, preset="cpu", minutes=spent, settings=[f"data.size={SIZE}", *settings])
        cells = [f"{spent:g}", f"{distance(clips, full, f'{spent:g}', count):.3g}", ""]
        if quarter <= 2:
            trained(clips, work / f"small-{quarter}", preset="cpu", minutes=spent, settings=settings)
            cells[2] = f"{distance(clips, work / f'small-{quarter}', f'{spent:g}', count):.3g} (32 pixels)"
        else:
            options = [f"data.size={SIZE}"]
            trained(clips, large, preset=None, minutes=spent - minutes / 2, settings=options, start_from=small)
            cells[2] = f"{distance(clips, large, f'{spent:g}', count):.3g}"
        rows.append(cells)
    return table(("minutes", f"{SIZE} pixels from scratch", "32 pixels, then grown"), rows)


def shipped(folders: list[str], work: Path, minutes: float, count: int, settings: list[str], seeds: int) -> str:
    """Return the table of training from nothing and from the shipped model, a mean over seeds with every value."""
    rows = []
    for name in folders:
        clips = draw_other_shapes(work / OTHER_SHAPES) if name == OTHER_SHAPES else Path(name)
        cells = [clips.name]
        for model, preset in (("none", "cpu"), ("shipped", None)):
            values = []
            for seed in range(seeds):
                run, options = work / f"{clips.name}-{model}-{seed}", [f"train.seed={seed}", *settings]
                trained(clips, run, preset=preset, minutes=minutes, settings=options, start_from=model)
                values.append(distance(clips, run, f"{minutes:g}", count))
            cells.append(f"{mean(values):.3g} ({', '.join(f'{value:.3g}' for value in values)})")
        rows.append(cells)
    return table(("clips", "from nothing", "from the shipped model"), rows)


def main() -> None:
    """Train, judge, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("growth", "shipped"))
    parser.add_argument("clips", nargs="+", help=f"folders of clips; {OTHER_SHAPES}: drawn here")
    parser.add_argument("--minutes", type=float, default=6.5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--count", type=int, default=128, help="videos that are judged")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="GROUP.KEY=VALUE")
    parser.add_argument("--work", type=Path, default=Path("starting"))
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    common = (arguments.work, arguments.minutes, arguments.count, arguments.settings)
    if arguments.what == "growth":
        text = growth(Path(arguments.clips[0]), *common)
    else:
        text = shipped(arguments.clips, *common, arguments.seeds)
    print(f"{heading(pick_device())}; {arguments.minutes:g} minutes, {arguments.count} videos\n\n{text}")


if __name__ == "__main__":
    main()
