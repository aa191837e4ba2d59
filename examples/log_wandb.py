"""Trains with figures and previews in Weights & Biases too.

    pip install wandb
    python examples/log_wandb.py clips/

Anything that has these four methods can stand in ``loggers``.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import wandb

import videogan


class WandbLogger:
    """Figures and previews of a run, as wandb shows them."""

    def __init__(self, project: str) -> None:
        self.run = wandb.init(project=project)

    def begin(self, step: int) -> None:
        """Training goes on from this step."""

    def figures(self, row: Mapping[str, float | int]) -> None:
        """Take the figures of a tick."""
        self.run.log(dict(row), step=int(row["step"]))

    def video(self, step: int, name: str, path: Path) -> None:
        """Take a preview."""
        self.run.log({name: wandb.Video(str(path), format="mp4")}, step=step)

    def end(self) -> None:
        """Training has ended."""
        self.run.finish()


if __name__ == "__main__":
    videogan.train(sys.argv[1], loggers=[WandbLogger("videogan")])
