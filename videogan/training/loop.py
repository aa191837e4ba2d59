"""The training loop: one step after another, and a record of them at every tick."""

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from videogan.data.loader import ClipLoader
from videogan.errors import DivergedError, UsageError
from videogan.files import TaskProgress
from videogan.signals import StopRequest, stop_request
from videogan.training.distributed import in_any
from videogan.training.draws import draw_ahead
from videogan.training.launch import Process
from videogan.training.log import duration, in_words
from videogan.training.recorder import Recorder
from videogan.training.rendezvous import Rendezvous
from videogan.training.state import TrainingState
from videogan.training.step import advance

_log = logging.getLogger(__name__)

LOOK_EVERY = 10
"""Steps between two looks at whether all is finite; each look waits for the device."""
SHOW_EVERY = 1.0
"""Seconds between two lines of progress."""

T = TypeVar("T")


@dataclass(frozen=True)
class Budget:
    """When a run ends: after ``steps``, or after ``minutes`` in all sessions together, whichever comes first."""

    steps: int
    minutes: float | None = None

    def __post_init__(self) -> None:
        """Refuse a time that is none."""
        if self.minutes is not None and not self.minutes > 0:
            raise UsageError(f"minutes {self.minutes}: must be above 0")

    def share(self, state: TrainingState) -> float:
        """Return how much of it is spent, from 0 to 1 and above."""
        by_time = 0.0 if self.minutes is None else state.seconds / (self.minutes * 60)
        return max(state.step / self.steps, by_time)

    def spent(self, state: TrainingState) -> bool:
        """Tell whether the run is over."""
        return self.share(state) >= 1

    def seconds_left(self, state: TrainingState, steps_per_second: float) -> float:
        """Return how long it will take at this rate: never more than the clock allows."""
        by_steps = (self.steps - state.step) / max(steps_per_second, 1e-9)
        return by_steps if self.minutes is None else min(by_steps, self.minutes * 60 - state.seconds)

    def option_for_more(self, state: TrainingState) -> str:
        """Name the option, with a value, that lets a run whose budget is spent go on."""
        if state.step >= self.steps:
            return f"--steps {2 * self.steps}"
        return f"--minutes {2 * (self.minutes or 0):g}"


class Tick:
    """What is measured from one tick to the next: losses, the rate, and the time spent waiting for clips."""

    def __init__(self, first_step: int) -> None:
        self.first_step = first_step
        self._sums: dict[tuple[str, ...], Tensor] = {}
        self._start = time.monotonic()
        self._waited = 0.0

    def wait_for(self, batches: Iterator[T]) -> T:
        """Return the next batch, and count the time until it comes as waiting."""
        start = time.monotonic()
        batch = next(batches)
        self._waited += time.monotonic() - start
        return batch

    def add(self, losses: dict[str, Tensor]) -> None:
        """Count the finite losses of one step; they are summed on their device, so that no step waits for them."""
        names, values = tuple(losses), torch.stack([value.detach() for value in losses.values()])
        finite = values.isfinite()
        new = torch.stack([values.where(finite, torch.zeros_like(values)), finite.to(values)])
        # Steps that train the encoder have more losses than those that do not.
        self._sums[names] = self._sums[names] + new if names in self._sums else new

    def losses(self) -> dict[str, float]:
        """Return the means so far of what was finite."""
        sums: dict[str, float] = {}
        counts: dict[str, float] = {}
        for names, both in self._sums.items():
            for name, value, count in zip(names, *both.tolist(), strict=True):
                sums[name], counts[name] = sums.get(name, 0.0) + value, counts.get(name, 0.0) + count
        return {name: value / counts[name] for name, value in sums.items() if counts[name]}

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
    rendezvous: Rendezvous | None = None,
    progress: TaskProgress | None = None,
) -> StopRequest:
    """Train until the budget is spent or a signal asks to stop; the state and its record end at the same step.

    Args:
        state: where to begin; it changes in place.
        loader: gives the clips of every step.
        budget: when to end.
        recorder: keeps what a tick leaves behind; None in every process but the first.
        rendezvous: the processes that train together, where there are several.
        progress: called after the first step, and then about once a second.

    Raises:
        DivergedError: a weight is not finite, or no step since the last look was; what was recorded is from before.
    """
    rendezvous, config = rendezvous or Rendezvous(), state.config
    process = rendezvous.process
    device = next(state.networks.generator.parameters()).device
    start, seconds_before = time.monotonic(), state.seconds
    tick, health, shown = Tick(state.step), Health(), -SHOW_EVERY
    draw = partial(draw_ahead, config, state.networks.generator, rank=process.rank)
    inputs = loader.batches_with(draw, state.step, device)
    with stop_request("saving ...") as request, closing(inputs) as batches:
        last = False
        while not last:
            batch, draws = tick.wait_for(batches)
            losses = advance(state, batch, process, draws)
            tick.add(losses)
            health.add(losses, state.optimizers.skipped())
            state.seconds = seconds_before + time.monotonic() - start

            last = _is_last(state, budget, request, process, device)
            ends = last or state.step % config.train.tick_steps == 0 or _is_to_save(state, request, process, device)
            if ends or state.step % LOOK_EVERY == 0:
                _check(health.verdict(), state, device, weights=ends)
                health = Health()
            if progress is not None and time.monotonic() - shown >= SHOW_EVERY:
                shown = time.monotonic()
                progress("training", budget.share(state), 1.0, _words(tick, state, process, budget))
            if ends:
                with rendezvous.goes_ahead():  # however long an evaluation takes, nobody waits for it in an exchange
                    if recorder is not None:
                        recorder.record(state, row(tick, state, process), last=last)
                tick = Tick(state.step)
            elif recorder is not None:
                recorder.show_in_time(state)
    return request


class Health:
    """Which steps since the last look had losses and gradients that were all finite."""

    def __init__(self) -> None:
        self._bad: list[Tensor] = []
        self._names: list[str] = []
        self._last = torch.zeros(0, dtype=torch.bool)

    def add(self, losses: dict[str, Tensor], skipped: dict[str, Tensor]) -> None:
        """Note one step; nothing waits for the device."""
        self._names = [*losses, *(f"the gradient of {name}" for name in skipped)]
        bad = torch.stack([value.detach() for value in losses.values()]).isfinite().logical_not()
        self._last = torch.cat([bad, torch.stack(list(skipped.values())) > 0]) if skipped else bad
        self._bad.append(self._last.any())

    def verdict(self) -> str:
        """Name what was not finite at the last step where every step was bad, and warn of single ones."""
        bad = int(torch.stack(self._bad).sum()) if self._bad else 0
        if bad and bad < len(self._bad):
            _log.warning("%d of %d steps were skipped: a loss or a gradient was not finite", bad, len(self._bad))
        if not bad or bad < len(self._bad):
            return ""
        return self._names[self._last.tolist().index(True)]


def _check(culprit: str, state: TrainingState, device: torch.device, *, weights: bool) -> None:
    """Raise DivergedError in every process where one of them has something that is not finite."""
    culprit = culprit or (state.not_finite() if weights else "")
    if in_any(int(bool(culprit)), device):
        raise DivergedError(
            f"training diverged: {culprit or 'a loss of another process'} is not finite at step {state.step}"
        )


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


def _is_to_save(state: TrainingState, request: StopRequest, process: Process, device: torch.device) -> bool:
    """Tell whether a signal asked to save and go on; several processes agree on that, and look only now and then."""
    if process.world_size > 1:
        if state.step % LOOK_EVERY:
            return False
        request.save = bool(in_any(int(request.save), device))
    save, request.save = request.save, False
    return save


def _words(tick: Tick, state: TrainingState, process: Process, budget: Budget) -> str:
    left = duration(budget.seconds_left(state, tick.steps_per_second(state.step)))
    return f"{left} left  step {state.step}  {in_words(row(tick, state, process))}"


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
