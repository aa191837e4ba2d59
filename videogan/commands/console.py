"""What a command says on stderr: log lines, and bars while it works."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

import typer

from videogan.errors import UsageError
from videogan.files import printable as printable

if TYPE_CHECKING:
    from videogan import Model


def echo(*lines: object, err: bool = False) -> None:
    """Print lines in which nothing but text is: no escape or newline of a name reaches the terminal.

    A reader that has seen enough, such as head, ends the command without a word.

    Raises:
        UsageError: they cannot be printed, for want of room or of a reader.
    """
    try:
        for line in lines:
            typer.echo(printable(str(line)), err=err)
    except OSError as error:
        # What is left in the buffer would fail once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), (sys.stderr if err else sys.stdout).fileno())
        if isinstance(error, BrokenPipeError):
            raise typer.Exit from None
        raise UsageError(f"{'stderr' if err else 'stdout'}: cannot be written ({error.strerror})") from None


def tell_model(model: "Model") -> None:
    """Say on stderr by which model a command has done its work: without --run that may be another than was meant."""
    echo(f"model: {model.description}", err=True)


class _Console(logging.StreamHandler[TextIO]):
    """Writes to what sys.stderr is at the moment, which a live progress bar replaces by itself."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(_Plain())

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class _Plain(logging.Formatter):
    """The message alone, after its level where that is not plain information."""

    def format(self, record: logging.LogRecord) -> str:
        message = printable(super().format(record))
        return message if record.levelno == logging.INFO else f"{record.levelname.lower()}: {message}"


@contextmanager
def console_log() -> Iterator[None]:
    """Show the log lines of videogan on stderr."""
    logger, handler = logging.getLogger("videogan"), _Console()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextmanager
def bars() -> Iterator[Callable[..., None]]:
    """Give a callback ``(task, done, total, words="")`` that moves a bar on stderr, where that is a terminal.

    Each task has its own bar; those before it disappear. Words stand where there is room for them, their beginning
    first; without any, the time that is left does.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, Task, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.table import Column
    from rich.text import Text

    class WordsOrTime(TimeRemainingColumn):
        """What a task says of itself, else how long it will take."""

        max_refresh = 0.0  # words come as often as they change

        def render(self, task: Task) -> Text:
            return Text(task.description) if task.description else super().render(task)

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.fields[what]}", table_column=Column(no_wrap=True)),
        BarColumn(bar_width=16),
        TaskProgressColumn(table_column=Column(no_wrap=True)),
        WordsOrTime(table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, transient=True, expand=True, disable=not console.is_terminal) as progress:

        def move(task: str, done: float, total: float, words: str = "") -> None:
            if task not in tasks:
                for earlier in tasks.values():
                    progress.update(earlier, visible=False)
                tasks[task] = progress.add_task("", what=task)
            with suppress(OSError):  # a terminal that is gone ends no training
                progress.update(tasks[task], completed=done, total=total, description=words)

        yield move
