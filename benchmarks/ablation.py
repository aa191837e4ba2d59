"""What each term of the objective is worth: the same clips and the same minutes, with one thing changed.

    python benchmarks/ablation.py CLIPS --minutes 2.5 --seeds 0,1

``CLIPS`` is a folder of real videos in one folder a class. Every row is trained by ``videogan train`` and measured by
``videogan.metrics``, once for each seed; a second call goes on with what is in ``--work``, so that two calls with one
seed each can run side by side and a third with both prints the table. ``--set`` changes all rows alike, ``--only``
names some rows. Classes are recognised as in ``classes.py``.
"""

import argparse
import json
import re
from pathlib import Path
from statistics import mean
from typing import Any

from measuring import heading, table
from running import Clips, class_accuracies, clips_of, evaluated, own_features, samples_of, trained

import videogan
from videogan.device import pick_device
from videogan.metrics import load_features
from videogan.metrics.feature_net import FeatureNet
from videogan.presets import PRESETS, preset

ROWS: dict[str, tuple[str, ...]] = {
    "default": (),
    "no encoder terms": (
        "encoder.reconstruction_weight=0",
        "encoder.feature_weight=0",
        "encoder.latent_cycle_weight=0",
    ),
    "encoder terms do not reach the generator": ("encoder.generator_weight=0",),
    "a tenth of them reaches it": ("encoder.generator_weight=0.1",),
    "non-saturating": ("adversarial.kind=non-saturating",),
    "hinge": ("adversarial.kind=hinge",),
    "least-squares": ("adversarial.kind=least-squares",),
    "no auxiliary classifier": ("adversarial.auxiliary_weight=0", "adversarial.generator_auxiliary_weight=0"),
    "no classes": ("data.labels=none",),
    "no r1_penalty": ("penalty.r1_weight=0",),
    "no r2_penalty": ("penalty.r2_weight=0",),
    "no penalty": ("penalty.kind=none",),
    "no augmentation": ("augment.probability=0",),
    "learning rate stays": ("optimizer.decay_steps=0",),
    "with joint discriminator": ("joint_discriminator.weight=1",),
    "no centring": ("adversarial.centring_weight=0",),
    "no reconstruction": ("encoder.reconstruction_weight=0", "encoder.feature_weight=0"),
    "no feature term": ("encoder.feature_weight=0",),
    "no latent cycle": ("encoder.latent_cycle_weight=0",),
    "with clip cycle": ("encoder.clip_cycle_weight=1",),
}
ROWS |= {
    f"{game} (as preset {name})": tuple(f"{key}={json.dumps(value)}" for key, value in PRESETS[name].items())
    for game, name in (("wasserstein", "wgan-gp"), ("textbook", "classic"))
}
BY_OWN, BY_FEATURES = "classes by own features", "by photographs"
COLUMNS = {
    "kernel distance": "kernel_distance",
    "pairwise distance": "pairwise_distance",
    BY_FEATURES: "class_accuracy_mean",
}


def measured(name: str, seed: int, known: Clips, features: FeatureNet, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train and evaluate one row with one seed; ``known`` clips are real, ``features`` describe clips."""
    folder = arguments.work / f"{re.sub('[^a-z0-9]+', '-', name)}-{seed}"
    settings = (*arguments.settings, *ROWS[name], f"train.seed={seed}")
    budget = {"preset": arguments.preset, "minutes": arguments.minutes}
    speed = trained(arguments.clips, folder / "run", settings=settings, said=False, **budget)
    rows = evaluated(
        arguments.clips,
        folder / "evaluation",
        clips=arguments.count,
        run=folder / "run",
        metrics=("kernel", "classes", "diversity"),
        features=features,
    )
    # A model that knows no classes makes clips of none: its accuracy means nothing.
    model = videogan.load(folder / "run")
    columns = {
        title: key for title, key in COLUMNS.items() if key in rows and (model.class_names or "class" not in key)
    }
    values = {title: rows[key].value for title, key in columns.items()}
    floors = {title: rows[key].real_vs_real for title, key in columns.items()}
    if model.class_names:
        values[BY_OWN] = class_accuracies(own_features(known), known, samples_of(model, arguments.count))["mean"]
    return {"values": values, "floors": floors, "speed": speed["clips_per_second"], "steps": speed["steps"]}


def cell(values: list[float]) -> str:
    """Write the mean over seeds, and what each gave."""
    if not values:
        return "-"
    return f"{mean(values):.3g}" + (f" ({', '.join(f'{value:.3g}' for value in values)})" if len(values) > 1 else "")


def main() -> None:
    """Train and measure all rows, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--preset", default="cpu")
    parser.add_argument("--minutes", type=float, default=2.5)
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="GROUP.KEY=VALUE")
    parser.add_argument("--only", action="append", choices=ROWS, default=[])
    parser.add_argument("--count", type=int, default=128, help="clips of each set that are compared")
    parser.add_argument("--known", type=int, default=512, help="real clips that own features are learnt on")
    parser.add_argument("--precision", default="float32", help="of the features")
    parser.add_argument("--work", type=Path, default=Path("ablation"))
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    data = preset(arguments.preset, arguments.settings).data
    known = clips_of(arguments.clips, data, arguments.known)
    features = load_features("efficientnet-lite0", precision=arguments.precision)
    titles = (*COLUMNS, BY_OWN)
    rows: list[list[str]] = []
    floors: dict[str, float] = {}
    for name in arguments.only or ROWS:
        results = [measured(name, seed, known, features, arguments) for seed in seeds]
        cells = [cell([row["values"][title] for row in results if title in row["values"]]) for title in titles]
        steps = f"{mean(row['steps'] for row in results):,.0f}"
        rows.append([name, *cells, cell([row["speed"] for row in results]), steps])
        floors |= results[0]["floors"]
        print(*rows[-1], sep=" | ", flush=True)
    real = [f"{floors[title]:.3g}" if title in floors else "-" for title in titles]
    rows.append(["real against real", *real, "-", "-"])
    print(f"\n{heading(pick_device())}; {arguments.minutes:g} minutes each, seeds {arguments.seeds}\n")
    print(table(("changed", *titles, "clips/s", "steps"), rows))


if __name__ == "__main__":
    main()
