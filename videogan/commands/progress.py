"""How far a command is, as a bar on stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import TYPE_CHECKING

from videogan.commands.console import is_quiet
from videogan.files import Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Display
    from rich.progress import TaskID

AFTER = 1.0
"""Seconds of work after which a bar is shown."""


@contextmanager
def bars(after: float = AFTER) -> Iterator[Callable[..., None]]:
    """Give a callback ``(task, done, total, words="", unit="")`` that moves a bar.

    There is one where stderr is a terminal, --quiet is not asked for, and the work takes longer than ``after`` seconds.
    Each task has its own; those before it disappear. Words stand where there is room for them, their beginning first;
    without any, the time that is left does, after the rate where things of some ``unit`` are counted. A total of 0 is
    one that nobody knows.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal or is_quiet():
        yield lambda *_, **__: None
        return
    display, begun = _display(console), time.monotonic()
    tasks: dict[str, TaskID] = {}
    timers: list[Timer] = []

    def move(task: str, done: float, total: float, words: str = "", unit: str = "") -> None:
        if not timers:
            timers.append(Timer(max(0.0, begun + after - time.monotonic()), display.start))
            timers[0].start()
        if task not in tasks:
            for earlier in tasks.values():
                display.update(earlier, visible=False)
            tasks[task] = display.add_task("", total=None, what=task, unit=unit)
        with suppress(OSError):  # a terminal that is gone ends no training
            display.update(tasks[task], completed=done, total=total or None, description=words)

    try:
        yield move
    finally:
        for timer in timers:
            timer.cancel()
            timer.join()
        with suppress(OSError):
            display.stop()


def counting(show: Callable[..., None], task: str = "writing", unit: str = "frames") -> Progress:
    """Return a callback ``(done, total)`` that moves the bar of a task in which things are counted."""
    return lambda done, total: show(task, done, total, unit=unit)


def _display(console: "Console") -> "Display":
    from rich.progress import BarColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Display
    from rich.table import Column
    from rich.text import Text

    class WordsOrTime(TimeRemainingColumn):
        """What a task says of itself, else how fast it goes and how long it will take."""

        max_refresh = 0.0  # words come as often as they change

        def render(self, task: Task) -> Text:
            if task.description:
                return Text(task.description)
            unit, rate = task.fields["unit"], task.finished_speed or task.speed
            text = f"{rate:.1f} {unit}/s  " if unit and rate else ""
            if task.total is None:
                return Text(text + (f"{task.completed:.0f} {unit}" if unit else ""))
            return Text(text) + super().render(task) + Text(" left")

    return Display(
        TextColumn("{task.fields[what]}", table_column=Column(no_wrap=True)),
        BarColumn(bar_width=16),
        TaskProgressColumn(table_column=Column(no_wrap=True)),
        WordsOrTime(table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
        console=console,
        transient=True,
        expand=True,
    )
