"""The process around a command: where its log lines go, and how far it is."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from videogan.data.files import printable as printable


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
        message = super().format(record)
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
def log_file(path: Path) -> Iterator[None]:
    """Add the log lines of videogan to a file too, with their time."""
    logger, handler = logging.getLogger("videogan"), logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


@contextmanager
def reading_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a callback ``(done, total)`` that moves a bar on stderr, where that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
