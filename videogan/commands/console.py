"""The process around a command: where its log lines go, and how a signal ends it."""

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TextIO

from videogan.errors import Interrupted


@contextmanager
def sigterm_unwinds() -> Iterator[None]:
    """Let SIGTERM end a ``with`` block as an error would, so that nothing is left half-written."""

    def stop(signal_number: int, frame: FrameType | None) -> None:
        raise Interrupted("terminated", signal_number)

    try:
        old = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # signals cannot be caught outside the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, old)


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
