"""What a run says while it trains: a bar on a terminal, and metrics.jsonl."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from torch import Tensor

from videogan.files import write_text


class LossMeter:
    """Means of named losses over a tick, summed on their device so that no step waits for them."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, losses: dict[str, Tensor]) -> None:
        """Count one step's losses."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value.detach()
            self._counts[name] = self._counts.get(name, 0) + 1

    def finite(self) -> bool:
        """Tell whether every loss so far was finite."""
        return not self._sums or bool(torch.stack(list(self._sums.values())).isfinite().all())

    def means(self) -> dict[str, float]:
        """Return the means so far."""
        return {name: total.item() / self._counts[name] for name, total in self._sums.items()}


class Stopwatch:
    """Seconds since it was made, on the clock that never jumps."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def seconds(self) -> float:
        """Return the seconds so far."""
        return time.monotonic() - self._start


class Tick:
    """What is measured from one tick to the next: losses, the rate, and the time spent waiting for clips."""

    def __init__(self, first_step: int) -> None:
        self.losses = LossMeter()
        self.first_step = first_step
        self._clock = Stopwatch()
        self._waited = 0.0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time of a ``with`` block as waiting."""
        clock = Stopwatch()
        yield
        self._waited += clock.seconds()

    def steps_per_second(self, step: int) -> float:
        """Return the steps up to ``step`` per second of the tick so far."""
        return (step - self.first_step) / self._clock.seconds()

    def waited_share(self) -> float:
        """Return the share of the tick so far that was spent waiting, 0 to 1."""
        return self._waited / self._clock.seconds()


class ProgressLine:
    """Shows how far a run is: a live bar on a terminal; elsewhere nothing."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=1.0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, share: float, news: str | None = None) -> None:
        """Move the bar to a share of the run, 0 to 1; ``news`` stands beside it until the next."""
        self._bar.update(self._task, completed=share, description=news)


def append_metrics(path: Path, row: dict[str, float | int]) -> None:
    """Add one JSON line to a metrics file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({name: round(value, 6) for name, value in row.items()}) + "\n")


def read_metrics(path: Path) -> list[dict[str, float]]:
    """Return the rows of a metrics.jsonl, oldest first."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:  # the last line of a process that was killed while writing it
            continue
    return rows


def drop_metrics_after(path: Path, step: int) -> None:
    """Remove rows beyond ``step``: they were written after the checkpoint that training resumes from."""
    if not path.exists():
        return
    write_text(path, "".join(json.dumps(row) + "\n" for row in read_metrics(path) if row["step"] <= step))


def duration(seconds: float) -> str:
    """Write seconds as ``1:02:03`` or ``4:05``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
