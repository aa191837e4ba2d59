"""How well predictions join their clips: the change across the join beside the changes inside.

    python benchmarks/joins.py --run runs/demo --refine 100 clips/*/000000.mp4

Changes are mean absolute differences of neighbouring frames in levels of 255, before any codec. The end of a
clip is cut off where ``--given`` names fewer frames than it has.
"""

import argparse
from pathlib import Path

import torch

from videogan import load
from videogan.video import to_float


def main() -> None:
    """Continue each clip and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--given", type=int, default=10**6)
    parser.add_argument("--refine", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    model = load(arguments.run)
    good = every = 0
    print("| clip | seed | join | median inside | median after |\n|---|---|---|---|---|")
    for path in arguments.clips:
        given = model.read_clip(path)[: arguments.given]
        clip = to_float(given)
        inside = _changes(clip).median()
        for seed in range(arguments.seeds):
            frames = to_float(model.predict(given, 32, seeds=[seed], refine=arguments.refine).array())
            changes = _changes(torch.cat([clip[-1:], frames]))
            print(f"| {path} | {seed} | {changes[0]:.2f} | {inside:.2f} | {changes[1:].median():.2f} |", flush=True)
            good, every = good + int(changes[0] <= inside), every + 1
    print(f"joins no larger than the median inside: {good} of {every}")


def _changes(clip: torch.Tensor) -> torch.Tensor:
    return (clip[1:] - clip[:-1]).abs().mean(dim=(1, 2, 3)) * 127.5


if __name__ == "__main__":
    main()
