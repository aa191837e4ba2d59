"""How well loops close: the change from the last frame to the first beside the changes inside.

    python benchmarks/seams.py --run runs/demo --frames 64 --seeds 16

Changes are mean absolute differences of neighbouring frames in levels of 255, before any codec.
"""

import argparse
from pathlib import Path

import torch

from videogan import load


def main() -> None:
    """Make one loop per seed and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=16)
    arguments = parser.parse_args()
    model = load(arguments.run)
    seeds = range(arguments.seeds)
    chunks = model.sample(arguments.frames, seeds=seeds, loop=True).make()
    frames = (torch.cat(list(chunks), dim=1).cpu() + 1) * 127.5
    inside = (frames[:, 1:] - frames[:, :-1]).abs().mean(dim=(2, 3, 4))
    seam = (frames[:, 0] - frames[:, -1]).abs().mean(dim=(1, 2, 3))
    median = inside.median(dim=1).values
    print("| seed | seam | median inside | largest inside |\n|---|---|---|---|")
    for seed in seeds:
        print(f"| {seed} | {seam[seed]:.2f} | {median[seed]:.2f} | {inside[seed].max():.2f} |")
    print(f"seams no larger than the median inside: {int((seam <= median).sum())} of {len(seam)}")


if __name__ == "__main__":
    main()
