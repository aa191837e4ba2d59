"""Which metric notices which fault: real clips are spoilt in known ways and measured against untouched ones.

    python benchmarks/sensitivity.py FOLDER [--features efficientnet-lite0]

FOLDER holds a folder of videos for every class; ``x-mirrored`` counts as the same person as ``x``. The reference is one
clip of 16 frames at 64 x 64 from the start of every video; the row ``none`` is another clip of the same videos, and the
rows below spoil that one. The arrow of time and the classifier learn from half of the persons and judge the other half;
the arrow of time then the other way round too, and its column is the mean.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from videogan.device import pick_threads
from videogan.metrics.distances import bootstrap, frechet_distance, kernel_distance
from videogan.metrics.diversity import class_accuracy, duplicate_share, precision_recall_density_coverage
from videogan.metrics.feature_net import FeatureNet
from videogan.metrics.features import load_features
from videogan.metrics.motion import ArrowOfTime, content_drift, frozen_share, motion_energy
from videogan.video import VideoReader, to_float

FRAMES, SIZE, SHIFT = 16, 64, 8
COLUMNS = ("kernel", "precision", "recall", "density", "coverage", "class", "energy", "arrow", "frozen", "duplicates")
EXPECTED = {
    "frame shuffle": ("kernel +", "energy +"),
    "time reversal": ("arrow -",),
    "freeze": ("frozen +", "energy -", "kernel +"),
    "speed x2": ("energy +", "kernel +"),
    "blur": ("kernel +", "precision -", "energy -"),
    "noise": ("kernel +", "precision -", "energy +"),
    "one person removed": ("recall -", "coverage -"),
    "one class removed": ("kernel +", "recall -", "coverage -"),
    "duplicates": ("duplicates +", "coverage -"),
}


@dataclass
class Clips:
    """Clips with their features, their class, and whether a person is among those learnt from."""

    clips: Tensor
    features: Tensor
    labels: Tensor
    people: Tensor

    def __getitem__(self, rows: Tensor) -> "Clips":
        return Clips(self.clips[rows], self.features[rows], self.labels[rows], self.people[rows])


def main() -> None:
    """Print the table, the checks of its signs, and the speeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--features", default="efficientnet-lite0")
    options = parser.parse_args()
    torch.set_num_threads(pick_threads()[0])
    net = load_features(options.features)
    videos, labels, people = read(options.folder)
    started = time.perf_counter()
    real = Clips(cut(videos, 0), net(cut(videos, 0)), labels, people)
    seconds = time.perf_counter() - started
    arrows = [
        ArrowOfTime().fit(every_start([v for v, person in zip(videos, people, strict=True) if person % 2 == half]))
        for half in (0, 1)
    ]
    print(f"| spoilt by | {' | '.join(COLUMNS)} |\n|---|{'---|' * len(COLUMNS)}")
    rows = {}
    for name, spoilt in corruptions(videos, labels, people, net):
        rows[name] = measure(real, spoilt, arrows)
        print(f"| {name} | {' | '.join(f'{rows[name][column]:.3f}' for column in COLUMNS)} |", flush=True)
    check(rows)
    speeds(real, len(videos) / seconds, arrows[0])


def read(folder: Path) -> tuple[list[Tensor], Tensor, Tensor]:
    """Every video (t c h w) of the classes, its class and its person."""
    files = sorted(file for kind in folder.iterdir() if kind.is_dir() for file in kind.iterdir())
    classes = sorted({file.parent.name for file in files})
    names = [file.stem.removesuffix("-mirrored") for file in files]
    people = sorted(set(names))
    videos = []
    for file in files:
        with VideoReader(file, size=(SIZE, SIZE)) as reader:
            videos.append(to_float(reader.read(range(len(reader)))))
    labels = torch.tensor([classes.index(file.parent.name) for file in files])
    return videos, labels, torch.tensor([people.index(name) for name in names])


def cut(videos: list[Tensor], start: int, stride: int = 1) -> Tensor:
    """One clip of every video; one that is too short starts earlier, or holds its last frame."""
    clips = []
    for video in videos:
        first = max(0, min(start, len(video) - 1 - (FRAMES - 1) * stride))
        clips.append(video[(first + torch.arange(FRAMES) * stride).clamp_max(len(video) - 1)])
    return torch.stack(clips)


def every_start(videos: list[Tensor]) -> Tensor:
    """Clips of all videos at every second start."""
    return torch.cat([video.unfold(0, FRAMES, 2).permute(0, 4, 1, 2, 3) for video in videos])


def corruptions(videos: list[Tensor], labels: Tensor, people: Tensor, net: FeatureNet):  # type: ignore[no-untyped-def]
    """Yield a name and the clips spoilt in that way; what only leaves out or repeats clips takes no network."""
    draw = torch.Generator().manual_seed(0)
    clips = cut(videos, SHIFT)
    order = torch.stack([torch.randperm(FRAMES, generator=draw) for _ in clips])
    changed: dict[str, Tensor] = {
        "none": clips,
        "frame shuffle": torch.stack([clip[numbers] for clip, numbers in zip(clips, order, strict=True)]),
        "time reversal": clips.flip(1),
        "freeze": torch.cat(
            (clips[:, : FRAMES // 2], clips[:, FRAMES // 2 : FRAMES // 2 + 1].expand_as(clips[:, 8:])), 1
        ),
        "speed x2": cut(videos, SHIFT, 2),
        "blur": torch.stack([gaussian_blur(clip, [9, 9], [2.0, 2.0]) for clip in clips]),
        "noise": (clips + 0.1 * torch.randn(clips.shape, generator=draw)).clamp(-1, 1),
    }
    whole = None
    for name, spoilt in changed.items():
        variant = Clips(spoilt, net(spoilt), labels, people)
        whole = whole or variant
        yield name, variant
    assert whole is not None
    yield "one person removed", whole[people != people.max()]
    yield "one class removed", whole[labels != labels.max()]
    yield "duplicates", whole[torch.arange(len(labels)) // 4 * 4]


def measure(real: Clips, fake: Clips, arrows: list[ArrowOfTime]) -> dict[str, float]:
    """Every column of the table."""
    seen, judged = real[real.people % 2 == 0], fake[fake.people % 2 == 1]
    classes = int(real.labels.max()) + 1
    accuracy = class_accuracy(seen.features, seen.labels, judged.features, judged.labels, classes)
    return {
        "kernel": kernel_distance(real.features, fake.features),
        **precision_recall_density_coverage(real.features, fake.features),
        "class": accuracy["mean"],
        "energy": float(motion_energy(fake.clips).mean() / motion_energy(real.clips).mean()),
        "arrow": sum(arrow.accuracy(fake.clips[fake.people % 2 != half]) for half, arrow in enumerate(arrows)) / 2,
        "frozen": frozen_share(fake.clips),
        "duplicates": duplicate_share(fake.features, 1e-4),
    }


def check(rows: dict[str, dict[str, float]]) -> None:
    """Say of every expectation whether it holds against the row ``none``."""
    print("\n| spoilt by | expected | held |\n|---|---|---|")
    for name, expectations in EXPECTED.items():
        for text in expectations:
            column, sign = text.split()
            change = rows[name][column] - rows["none"][column]
            print(f"| {name} | {text} | {'yes' if change * (1 if sign == '+' else -1) > 0 else 'NO'} ({change:+.3f}) |")


def speeds(real: Clips, network: float, arrow: ArrowOfTime) -> None:
    """Print clips/s of each metric once the features are there, and of the features."""
    x, clips = real.features, real.clips
    metrics: dict[str, Callable[[], object]] = {
        "Frechet distance": lambda: frechet_distance(x, x),
        "kernel distance": lambda: kernel_distance(x, x),
        "precision to coverage": lambda: precision_recall_density_coverage(x, x),
        "interval (200 resamples)": lambda: bootstrap(kernel_distance, x, x),
        "class accuracy": lambda: class_accuracy(x, real.labels, x, real.labels, int(real.labels.max()) + 1),
        "duplicates, nearest": lambda: duplicate_share(x, 1e-4),
        "motion energy": lambda: motion_energy(clips),
        "content drift": lambda: content_drift(clips),
        "arrow of time": lambda: arrow.accuracy(clips),
    }
    print(f"\n| metric | clips/s |\n|---|---|\n| features | {network:.1f} |")
    for name, metric in metrics.items():
        seconds = []
        for _ in range(4):  # the first call loads what it needs
            started = time.perf_counter()
            metric()
            seconds.append(time.perf_counter() - started)
        print(f"| {name} | {len(clips) / statistics.median(seconds[1:]):,.0f} |")


if __name__ == "__main__":
    main()
