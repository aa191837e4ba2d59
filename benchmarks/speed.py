"""How ``--speed`` changes the motion: the mean change from frame to frame, beside that at speed 1.

    python benchmarks/speed.py --run runs/demo

Eight seeds, 320 frames each; changes are mean absolute differences of neighbouring frames in levels of 255.
"""

import argparse
from pathlib import Path

import torch

from videogan import load

SPEEDS = (1.0, 0.25, 0.5, 2.0, 4.0)


def main() -> None:
    """Print a table with one row per speed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path)
    model = load(parser.parse_args().run)
    seeds = range(8)
    print("| speed | change from frame to frame | share of speed 1 |\n|---|---|---|")
    normal = 0.0
    for speed in SPEEDS:
        chunks = model.sample(320, seeds=seeds, speed=speed).make()
        frames = (torch.cat(list(chunks), dim=1) + 1) * 127.5
        change = float((frames[:, 1:] - frames[:, :-1]).abs().mean())
        normal = normal or change
        print(f"| {speed:g} | {change:.2f} | {change / normal:.2f} |")


if __name__ == "__main__":
    main()
