"""Some real steps before a training: how large its networks are, what memory it takes, and how long it will last."""

import logging
import time
from dataclasses import dataclass

import torch

from videogan import presets
from videogan.config import Config
from videogan.data.loader import ClipBatch
from videogan.data.transfer import Packed
from videogan.device import memory_gib
from videogan.files import TaskProgress
from videogan.training.decisions import set_up_torch
from videogan.training.log import duration
from videogan.training.loop import Budget
from videogan.training.memory import least_bytes
from videogan.training.state import TrainingState, new_state
from videogan.training.step import advance

SECONDS = 10.0
"""How long steps are tried; one that has begun is ended."""
MOST_STEPS = 24
FEW_CLIPS = 2
"""Clips of the first steps on a CPU, which tell whether a whole batch would take too long."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trial:
    """What was measured: ``steps`` of ``batch_size`` clips each, in ``seconds``; numbers in the weights by network.

    ``whole`` tells whether that is the batch of the configuration; memory of fewer clips is counted, not measured, and
    is the least that a whole batch needs.
    """

    parameters: dict[str, int]
    steps: int
    batch_size: int
    seconds: float
    memory_gib: float
    whole: bool

    @property
    def clips_per_second(self) -> float:
        """Clips per second, without the time for reading them."""
        return self.steps * self.batch_size / self.seconds

    def lines(self, config: Config, budget: Budget) -> list[str]:
        """Say in words what was measured, and what follows from it for a training of its own."""
        numbers = ", ".join(f"{name} {count:,}" for name, count in self.parameters.items())
        per_step = config.train.batch_size / self.clips_per_second
        how = f"{self.steps} steps of {self.batch_size} clips of noise took {self.seconds:.1f} s"
        if not self.whole:
            how += f"; one of {config.train.batch_size} would take longer than {SECONDS:g} s"
        lines = [
            f"parameters: {sum(self.parameters.values()):,} ({numbers})",
            f"memory: {'' if self.whole else 'at least '}{self.memory_gib:.1f} GiB",
            f"speed: {self.clips_per_second:.3g} clips/s, without reading them ({how})",
        ]
        if budget.minutes is not None and budget.minutes * 60 < budget.steps * per_step:
            return [*lines, f"time: {budget.minutes:g} minutes, about {budget.minutes * 60 / per_step:,.0f} steps"]
        return [*lines, f"time: {duration(budget.steps * per_step)} for {budget.steps:,} steps, without previews"]


def tell_trial(config: Config, num_classes: int, budget: Budget, progress: TaskProgress | None = None) -> Trial:
    """Try some steps, say what they tell, and return it."""
    trial = try_steps(config, num_classes, progress)
    for line in trial.lines(config, budget):
        _log.info("%s", line)
    return trial


def try_steps(config: Config, num_classes: int, progress: TaskProgress | None = None) -> Trial:
    """Train for some seconds on noise, at the full size of the frames, and forget it."""
    device, batch_size = set_up_torch(config), config.train.batch_size
    until = time.monotonic() + SECONDS
    seconds: list[float] = []
    if device.type == "cpu" and batch_size > FEW_CLIPS:
        state, batch = _beginning(config, num_classes, FEW_CLIPS, device)
        few = _step_seconds(state, batch)
        if time.monotonic() < until:  # the first one loads what torch needs for it
            few = _step_seconds(state, batch)
        if time.monotonic() + few * batch_size / FEW_CLIPS > until:
            batch_size, seconds = FEW_CLIPS, [few]
    if not seconds:
        state, batch = _beginning(config, num_classes, batch_size, device)
    while len(seconds) < MOST_STEPS and (time.monotonic() < until or not seconds):
        seconds.append(_step_seconds(state, batch))
        if progress is not None:
            progress("trying steps", len(seconds), MOST_STEPS)
    counted = seconds[len(seconds) // 4 :]  # the first ones make room and choose algorithms
    whole = batch_size == config.train.batch_size
    networks = state.networks.named()
    del networks["ema_generator"]  # an average of the generator, no network more
    return Trial(
        {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()},
        len(counted),
        batch_size,
        sum(counted),
        memory_gib(device) if whole else least_bytes(config, num_classes) / 2**30,
        whole,
    )


def _beginning(
    config: Config, num_classes: int, batch_size: int, device: torch.device
) -> tuple[TrainingState, ClipBatch]:
    state = new_state(presets.change(config, {"train.batch_size": batch_size}), num_classes, device)
    state.step = max(config.train.grow_at, default=0)
    shape = (batch_size, config.data.num_frames, config.data.size, config.data.size, 3)
    labels = torch.arange(batch_size) % num_classes if num_classes else None
    batch = ClipBatch(torch.randint(0, 256, shape, dtype=torch.uint8), labels)
    return state, Packed(batch, pinned=False).to(device)


def _step_seconds(state: TrainingState, batch: ClipBatch) -> float:
    start = time.monotonic()
    losses = advance(state, batch)
    float(torch.stack(list(losses.values())).sum())  # waits for the device
    return time.monotonic() - start
