"""Whether an independent classifier recognises the class of generated clips, beside real clips of people held out.

    python benchmarks/classes.py ACTIONS --held-out person8,person9 --minutes 25 --set data.frame_stride=2

``ACTIONS`` is a folder of real videos in one folder a class, whose file names begin with the person. The model and two
logistic regressions learn the other people's clips only, on features learnt on those very clips and on features of
photographs. Both also judge the held-out clips blurred, which shows
whether a classifier sees what is done or how sharp it is. A second call goes on with what is in ``--work``;
``benchmarks/encoder.py`` with the same options uses the same run.
"""

import argparse
import math
from pathlib import Path

from measuring import heading, table
from running import class_accuracies, clips_of, own_features, samples_of, split_by_person, trained

import videogan
from videogan.device import pick_device
from videogan.metrics.features import load_features
from videogan.metrics.references import blur


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
    known, real = clips_of(seen, data, arguments.known), clips_of(unseen, data, arguments.count)
    sigma = data.size / 32
    sets = {
        "generated": samples_of(model, arguments.count),
        "held out": real,
        "held out, blurred": real._replace(clips=blur(real.clips, sigma)),
    }
    photographs = load_features("efficientnet-lite0", precision=arguments.precision)
    judges = {"own features": own_features(known), "photographs": photographs}
    found = {
        judge: {title: class_accuracies(net, known, one) for title, one in sets.items()}
        for judge, net in judges.items()
    }
    columns = [(f"{judge}: {title}", found[judge][title]) for judge in found for title in sets]
    rows = [[name, *(f"{values.get(name, math.nan):.2f}" for _, values in columns)] for name in columns[0][1]]
    print(f"{about}; {len(known.clips)} known clips, {len(real.clips)} held out, blurred by {sigma:g} pixels\n")
    print(table(("class", *(title for title, _ in columns)), rows))


if __name__ == "__main__":
    main()
