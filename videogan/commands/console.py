"""What a command says: results on stdout, and on stderr as many lines of the log as are asked for."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import typer

from videogan.errors import UsageError
from videogan.files import printable as printable

if TYPE_CHECKING:
    from videogan import Model

LIBRARIES = ("py.warnings", "torch", "PIL", "imageio")
"""Who else has something to say that is only worth it with --verbose."""

_log = logging.getLogger(__name__)


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
    """Say by which model a command has done its work: without --run that may be another than was meant."""
    _log.info("model: %s", model.description)


class _Console(logging.StreamHandler[TextIO]):
    """Writes to what sys.stderr is at the moment, which a live progress bar replaces by itself."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setLevel(logging.INFO)
        self.setFormatter(_Plain())

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class _Plain(logging.Formatter):
    """The message alone, after its level where that is not plain information; when it came, if ``timed``."""

    def __init__(self, *, timed: bool = False) -> None:
        super().__init__()
        self._timed = timed

    def format(self, record: logging.LogRecord) -> str:
        message = super().format(record)
        if record.name == "py.warnings":  # the line of code that follows says nothing to a user
            message = message.splitlines()[0]
        message = printable(message)
        if record.levelno >= logging.WARNING:
            message = f"{record.levelname.lower()}: {message}"
        return f"{record.relativeCreated / 1000:7.2f} s  {message}" if self._timed else message


@contextmanager
def console_log() -> Iterator[None]:
    """Show the log lines of videogan on stderr; what its libraries warn of is shown by :func:`say_more` only."""
    logger, handler = logging.getLogger("videogan"), _Console()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        for name in ("videogan", *LIBRARIES):
            logging.getLogger(name).removeHandler(handler)
        logger.setLevel(level)


def say_less() -> None:
    """Show results and errors only, no notices, warnings or bars."""
    for handler in _consoles():
        handler.setLevel(logging.ERROR)


def say_more() -> None:
    """Show when everything happens, what is decided and why, and what libraries warn of."""
    logging.getLogger("videogan").setLevel(logging.DEBUG)
    warnings.simplefilter("default")
    for handler in _consoles():
        handler.setLevel(logging.DEBUG)
        handler.setFormatter(_Plain(timed=True))
        for name in LIBRARIES:
            logging.getLogger(name).addHandler(handler)


def is_quiet() -> bool:
    """Tell whether nothing but results and errors is wanted."""
    return any(handler.level > logging.INFO for handler in _consoles())


def _consoles() -> list[logging.Handler]:
    return [handler for handler in logging.getLogger("videogan").handlers if isinstance(handler, _Console)]
