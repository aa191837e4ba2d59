"""Whether an independent classifier recognises the class of generated clips, beside real clips of people held out.

    python benchmarks/classes.py ACTIONS --held-out person8,person9 --minutes 25 --set data.frame_stride=2

``ACTIONS`` is a folder of real videos in one folder a class, whose file names begin with the person. The model and the
classifier (logistic regression on the features of ``videogan evaluate``) learn the other people's clips only. A second
call goes on with what is in ``--work``; ``benchmarks/encoder.py`` with the same options uses the same run.
"""

import argparse
import math
from pathlib import Path
from typing import Any

from measuring import heading, table
from running import evaluated, split_by_person, trained

from videogan.device import pick_device
from videogan.presets import load_config


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
    found = trained(seen, run, preset=arguments.preset, minutes=arguments.minutes, settings=arguments.settings)
    about = f"preset {arguments.preset}, {arguments.minutes:g} minutes, {found['steps']:.0f} steps, "
    return seen, unseen, run, f"{heading(pick_device())}; {about}{arguments.held_out} held out"


def accuracies(rows: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return class -> accuracy, and mean."""
    found = {name.removeprefix("class_accuracy_"): row["value"] for name, row in rows.items() if "class_" in name}
    return {name: math.nan if value is None else value for name, value in found.items()}


def main() -> None:
    """Train, classify, and print the table."""
    parser = arguments_of(__doc__)
    parser.add_argument("--count", type=int, default=256, help="clips of each set")
    parser.add_argument("--precision", default="float32", help="of the features")
    arguments = parser.parse_args()
    seen, unseen, run, about = run_of(arguments)
    common = ("--metrics", "classes", "--precision", arguments.precision)
    made = evaluated(seen, arguments.work / "evaluation", clips=arguments.count, options=common, run=run)
    data = load_config(run / "config.json").data
    size, stride = data.size, data.frame_stride
    others = ("--generated", unseen, "--size", size, "--stride", stride, "--generated-stride", stride, *common)
    real = evaluated(seen, arguments.work / "evaluation-held-out", clips=arguments.count, options=others)
    of_made, of_real = accuracies(made), accuracies(real)
    rows = [[name, f"{of_made[name]:.2f}", f"{of_real.get(name, math.nan):.2f}"] for name in of_made]
    print(f"{about}\n")
    print(table(("class", "generated clips", "real clips of people held out"), rows))


if __name__ == "__main__":
    main()
