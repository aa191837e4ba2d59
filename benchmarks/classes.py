"""Whether an independent classifier recognises the class of generated clips, beside real clips of people held out.

    python benchmarks/classes.py ACTIONS --held-out person8,person9 --minutes 25 --set data.frame_stride=2

``ACTIONS`` is a folder of real videos in one folder a class, whose file names begin with the person. The model and two
classifiers learn the other people's clips only: 3D convolutions (``clip_classifier.py``), and the logistic regression
on features of photographs that ``videogan evaluate`` uses. Both also judge the held-out clips blurred, which shows
whether a classifier sees what is done or how sharp it is. A second call goes on with what is in ``--work``;
``benchmarks/encoder.py`` with the same options uses the same run.
"""

import argparse
import math
from pathlib import Path

import torch
from clip_classifier import accuracies, fit
from measuring import heading, table
from running import Clips, clips_of, samples_of, split_by_person, trained
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

import videogan
from videogan.device import pick_device
from videogan.metrics.diversity import class_accuracy
from videogan.metrics.features import load_features


def arguments_of(description: str | None) -> argparse.ArgumentParser:
    """Return the options of a benchmark on people held out."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("actions", type=Path)
    parser.add_argument("--held-out", default="person8,person9")
    parser.add_argument("--preset", default="cpu")
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="GROUP.KEY=VALUE")
    parser.add_argument("--work", type=Path, default=Path("held-out"))
    return parser


def run_of(arguments: argparse.Namespace) -> tuple[Path, Path, Path, str]:
    """Split the people and train; return seen and held-out clips, the run, and a line about it."""
    seen, unseen = split_by_person(arguments.actions, arguments.work, arguments.held_out.split(","))
    run = arguments.work / "run"
    speed = trained(seen, run, preset=arguments.preset, minutes=arguments.minutes, settings=arguments.settings)
    about = f"preset {arguments.preset}, {arguments.minutes:g} minutes, {speed['steps']:.0f} steps, "
    return seen, unseen, run, f"{heading(pick_device())}; {about}{arguments.held_out} held out"


def by_features(training: Clips, sets: dict[str, Clips], precision: str) -> dict[str, dict[str, float]]:
    """Return set -> class -> accuracy of the classifier of ``videogan evaluate``."""
    net = load_features("efficientnet-lite0", device=pick_device(), precision=precision)
    classes = sorted(set(training.names))

    def numbers(names: list[str]) -> Tensor:
        return torch.tensor([classes.index(name) for name in names])

    features, labels = net(training.clips), numbers(training.names)
    accuracies = {}
    for title, one in sets.items():
        rows = class_accuracy(features, labels, net(one.clips), numbers(one.names), len(classes))
        accuracies[title] = {**{name: rows[str(number)] for number, name in enumerate(classes)}, "mean": rows["mean"]}
    return accuracies


def main() -> None:
    """Train, classify, and print the table."""
    parser = arguments_of(__doc__)
    parser.add_argument("--known", type=int, default=512, help="real clips that the classifiers learn")
    parser.add_argument("--count", type=int, default=256, help="clips of each set that is judged, at most")
    parser.add_argument("--precision", default="float32", help="of the features")
    arguments = parser.parse_args()
    seen, unseen, run, about = run_of(arguments)
    model = videogan.load(run)
    data = model.card.config.data
    training, real = clips_of(seen, data, arguments.known), clips_of(unseen, data, arguments.count)
    blur = [data.size / 32] * 2
    blurred = torch.stack([gaussian_blur(clip, [2 * (data.size // 8) + 1] * 2, blur) for clip in real.clips])
    sets = {
        "generated": samples_of(model, arguments.count),
        "held out": real,
        "held out, blurred": real._replace(clips=blurred),
    }
    network = fit(training, device=pick_device())
    by_judge = {
        "convolutions": {title: accuracies(network, one) for title, one in sets.items()},
        "features": by_features(training, sets, arguments.precision),
    }
    columns = [(f"{judge}: {title}", by_judge[judge][title]) for judge in by_judge for title in sets]
    rows = [
        [name, *(f"{values.get(name, math.nan):.2f}" for _, values in columns)]
        for name in (*network.class_names, "mean")
    ]
    print(f"{about}; {len(training.clips)} known clips, {len(real.clips)} held out, blurred by {blur[0]:g} pixels\n")
    print(table(("class", *(title for title, _ in columns)), rows))


if __name__ == "__main__":
    main()
