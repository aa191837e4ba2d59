"""What grouping by look brings to clips of several scenes: trained without classes, and with a class for each look.

    python benchmarks/by_look.py FOLDER --minutes 12 --set data.size=64

FOLDER holds films, or clips of them. ``videogan prepare folder`` cuts it with and without ``--by-look``, and for each
seed a run learns the clips as they are, one their groups, and one their groups as often as they have clips
(``data.class_balanced=false``). Generated videos, of groups in the proportion of their clips, are judged by
EfficientNet-Lite2, by which no model is trained: a scene is found where the nearest clip of some generated video is
one of its clips, and nearer to it than clips of other scenes are; told are too the mean cosine distances from the
scenes to their nearest generated videos and from generated videos to their nearest clips, and what ``videogan
evaluate`` says beside the clips without classes. A second call goes on with what is in ``--work``.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from measuring import heading, table
from running import command, evaluated, trained

from videogan import load
from videogan.data.folder import scan_folder
from videogan.device import pick_device
from videogan.metrics.sources import labels_in_proportion
from videogan.models.efficientnet import LITE2
from videogan.preparation.grouping import looks
from videogan.video import VideoWriter

FRAMES = 16
FIGURES = {
    "kernel distance": "kernel_distance",
    "recall": "recall",
    "variance": "variance_within_class_ratio",
    "motion energy": "motion_energy_ratio",
    "sharpness": "sharpness_ratio",
}
"""What is told of generated videos besides, and the names of these rows in a report."""
WAYS = {"no classes": (), "by look": (), "by look, as often": ("data.class_balanced=false",)}
"""How a run learns, and its settings."""


class Scenes(NamedTuple):
    """Real clips: features ``n d`` of length 1, and the number of each one's scene, ``n``."""

    features: np.ndarray
    numbers: np.ndarray


def generated(run: Path, name: str, grouped: Path, count: int) -> Path:
    """Return the folder of a run's videos, of its classes in the proportion of the clips in ``grouped``."""
    out, model = run / f"videos-{name}", load(run)
    folder = scan_folder(grouped, labels="folders")
    classes: list[str | None] = [None] * count
    if model.class_names:
        real = torch.from_numpy(folder.videos.labels)
        labels = labels_in_proportion(real, folder.class_names, model.class_names, count)
        assert labels is not None
        classes = [model.class_names[label] for label in labels.tolist()]
    out.mkdir(exist_ok=True)
    for seed, label in enumerate(classes):
        path = out / f"{seed:04d}.mp4"
        if not path.exists():
            with VideoWriter(path, frame_rate=25, crf=12) as writer:
                writer.write(model.sample(FRAMES, seeds=[seed], classes=label).array())
    return out


def found(real: Scenes, videos: Path) -> tuple[int, float, float]:
    """Return how many scenes are found, and the distances from scenes and from generated videos to their nearest."""
    made = looks(sorted(videos.glob("*.mp4")), network_name=LITE2)
    distances = 1 - made @ real.features.T
    nearest, number = real.numbers[distances.argmin(axis=1)], 0
    from_scenes = []
    for scene in np.unique(real.numbers):
        own = real.numbers == scene
        from_scenes.append(distances[:, own].min())
        others = (1 - real.features[own] @ real.features[~own].T).min()
        number += int((distances[nearest == scene].min(axis=1, initial=np.inf) < others).any())
    return number, float(np.mean(from_scenes)), float(distances.min(axis=1).mean())


def judged(run: Path, name: str, plain: Path, grouped: Path, real: Scenes, count: int) -> list[str]:
    """Return the cells of a run's row: scenes found, both distances, and FIGURES."""
    videos, options = generated(run, name, grouped, count), {"size": load(run).generator.size, "num_frames": FRAMES}
    metrics = ["kernel", "precision", "variety", "motion"]
    report = evaluated(plain, run / f"evaluation-{name}", clips=count, generated=videos, metrics=metrics, **options)
    scenes, *distances = found(real, videos)
    cells = [f"{scenes} of {len(np.unique(real.numbers))}", *(f"{distance:.3f}" for distance in distances)]
    return [*cells, *(f"{report[figure].value:.2f}" for figure in FIGURES.values())]


def main() -> None:
    """Cut, group, train, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="films, or clips of them")
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--count", type=int, default=54, help="videos that are judged")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="GROUP.KEY=VALUE")
    parser.add_argument("--work", type=Path, default=Path("by-look"))
    arguments = parser.parse_args()
    plain, grouped = arguments.work / "plain", arguments.work / "grouped"
    for out, options in ((plain, ()), (grouped, ("--by-look",))):
        if not out.exists():
            command("prepare", "folder", out, "--from", arguments.folder, *options)
    folder = scan_folder(grouped, labels="folders")
    if not folder.class_names:
        sys.exit(f"{arguments.folder}: all clips look alike, so that there are no groups to compare with")
    real = Scenes(looks([video.path for video in folder.videos], network_name=LITE2), folder.videos.labels)
    rows = []
    for way, own in WAYS.items():
        for seed in range(arguments.seeds):
            run = arguments.work / f"{way.replace(' ', '-').replace(',', '')}-{seed}"
            settings, source = [f"train.seed={seed}", *own, *arguments.settings], grouped
            if way == "no classes":
                settings, source = [*settings, "data.labels=none"], plain
            steps = trained(source, run, preset=None, minutes=arguments.minutes, settings=settings)["steps"]
            cells = judged(run, f"{arguments.minutes:g}", plain, grouped, real, arguments.count)
            rows.append([way, seed, f"{steps:.0f}", *cells])
    print(f"{heading(pick_device())}; {len(folder.videos)} clips\n")
    print(table(("learnt", "seed", "updates", "scenes found", "to scenes", "to clips", *FIGURES), rows))


if __name__ == "__main__":
    main()
