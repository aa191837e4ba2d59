"""The training loop: one step after another, and a record of them at every tick."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from videogan.data.loader import ClipLoader
from videogan.errors import DivergedError
from videogan.signals import StopRequest, stop_request
from videogan.training.distributed import Process, in_any
from videogan.training.log import in_words
from videogan.training.recorder import Recorder
from videogan.training.state import TrainingState
from videogan.training.step import advance

LOOK_EVERY = 10
"""Steps between two looks at the losses, in which progress is shown; each look waits for the device."""

Progress = Callable[..., None]
"""Called with a task, how much of it is done, how much there is of it, and perhaps a few words."""
T = TypeVar("T")


@dataclass(frozen=True)
class Budget:
    """When a run ends: after ``steps``, or after ``minutes`` in all sessions together, whichever comes first."""

    steps: int
    minutes: float | None = None

    def share(self, state: TrainingState) -> float:
        """Return how much of it is spent, from 0 to 1 and above."""
        by_time = 0.0 if self.minutes is None else state.seconds / (self.minutes * 60)
        return max(state.step / self.steps, by_time)

    def spent(self, state: TrainingState) -> bool:
        """Tell whether the run is over."""
        return self.share(state) >= 1


class Tick:
    """What is measured from one tick to the next: losses, the rate, and the time spent waiting for clips."""

    def __init__(self, first_step: int) -> None:
        self.first_step = first_step
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._start = time.monotonic()
        self._waited = 0.0

    def wait_for(self, batches: Iterator[T]) -> T:
        """Return the next batch, and count the time until it comes as waiting."""
        start = time.monotonic()
        batch = next(batches)
        self._waited += time.monotonic() - start
        return batch

    def add(self, losses: dict[str, Tensor]) -> None:
        """Count one step's losses; they are summed on their device, so that no step waits for them."""
        known = [name for name in losses if name in self._sums]
        if known:
            torch._foreach_add_([self._sums[name] for name in known], [losses[name] for name in known])
        self._sums |= {name: value.clone() for name, value in losses.items() if name not in known}
        for name in losses:
            self._counts[name] = self._counts.get(name, 0) + 1

    def finite(self) -> bool:
        """Tell whether every loss so far was finite."""
        return not self._sums or bool(torch.stack(list(self._sums.values())).isfinite().all())

    def losses(self) -> dict[str, float]:
        """Return the means so far."""
        return {name: total.item() / self._counts[name] for name, total in self._sums.items()}

    def steps_per_second(self, step: int) -> float:
        """Return the steps up to ``step`` per second of the tick so far."""
        return (step - self.first_step) / (time.monotonic() - self._start)

    def waiting_share(self) -> float:
        """Return the share of the tick so far that was spent waiting, 0 to 1."""
        return self._waited / (time.monotonic() - self._start)


def run_training(
    state: TrainingState,
    loader: ClipLoader,
    budget: Budget,
    recorder: Recorder | None,
    *,
    process: Process | None = None,
    progress: Progress | None = None,
) -> StopRequest:
    """Train until the budget is spent or a signal asks to stop; the state and its record end at the same step.

    Args:
        state: where to begin; it changes in place.
        loader: gives the clips of every step.
        budget: when to end.
        recorder: keeps what a tick leaves behind; None in every process but the first.
        process: which of several processes this is.
        progress: called every LOOK_EVERY steps.

    Raises:
        DivergedError: a loss or a weight is not finite; the last checkpoint is from before that.
    """
    process, config = process or Process(), state.config
    device = next(state.networks.generator.parameters()).device
    start, seconds_before = time.monotonic(), state.seconds
    tick = Tick(state.step)
    with stop_request() as request, closing(loader.batches(state.step, device)) as batches:
        last = False
        while not last:
            tick.add(advance(state, tick.wait_for(batches), process))
            state.seconds = seconds_before + time.monotonic() - start

            last = _is_last(state, budget, request, process, device)
            ends = last or state.step % config.train.tick_steps == 0
            if ends or state.step % LOOK_EVERY == 0:
                if not tick.finite() or (ends and not state.finite()):
                    raise DivergedError(f"training diverged: a loss or a weight is not finite at step {state.step}")
                if progress is not None:
                    progress("training", budget.share(state), 1.0, in_words(row(tick, state, process)))
            if ends:
                if recorder is not None:
                    recorder.record(state, row(tick, state, process), last=last)
                tick = Tick(state.step)
    return request


def _is_last(
    state: TrainingState, budget: Budget, request: StopRequest, process: Process, device: torch.device
) -> bool:
    """Tell whether this was the last step; several processes agree on that, and look only now and then.

    A signal that reaches one of them stops all.
    """
    if process.world_size == 1:
        return budget.spent(state) or bool(request)
    if state.step % LOOK_EVERY and state.step < budget.steps:
        return False
    request.signal_number = in_any(request.signal_number, device)
    return bool(in_any(int(budget.spent(state)), device)) or bool(request)


def row(tick: Tick, state: TrainingState, process: Process) -> dict[str, float | int]:
    """Return what metrics.jsonl says of a tick: progress, rates, and the mean of everything that a step returns."""
    return {
        "step": state.step,
        "clips_seen": state.clips_seen,
        "seconds": state.seconds,
        "clips_per_second": tick.steps_per_second(state.step) * state.config.train.batch_size * process.world_size,
        "data_wait": tick.waiting_share(),
        **tick.losses(),
    }
