"""A run in words: the lines of its log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from videogan.artifacts.metrics_file import Row
from videogan.files import open_for_append, printable

_TIMED = logging.Formatter("%(asctime)s %(levelname)s %(message)s")


class LogFile(logging.StreamHandler[TextIO]):
    """Writes one line for one message, with its time, whatever names it holds; what finds no room is left out."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return printable(_TIMED.format(record))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Say nothing: what cannot be written ends training where it matters, at a checkpoint."""


def in_words(row: Row) -> str:
    """Return the rate and the sums of the generator's and the discriminators' losses."""
    generator = sum(value for name, value in row.items() if name.startswith("generator_"))
    discriminators = sum(value for name, value in row.items() if name.endswith("_loss"))
    parts = [f"{row['clips_per_second']:.1f} clips/s", f"generator {generator:.3f}"]
    parts.append(f"discriminators {discriminators:.3f}")
    if "reconstruction" in row:
        parts.append(f"reconstruction {row['reconstruction']:.3f}")
    return "  ".join(parts)


def duration(seconds: float) -> str:
    """Write seconds as ``1:02:03`` or ``4:05``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


@contextmanager
def log_file(path: Path) -> Iterator[None]:
    """Add the log lines of videogan to a file too, with their time."""
    logger = logging.getLogger("videogan")
    with open_for_append(path) as file:
        handler = LogFile(file)
        handler.setLevel(logging.INFO)
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)
