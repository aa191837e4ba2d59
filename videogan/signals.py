"""Ctrl-C and SIGTERM: as a wish that a loop meets when its step is done, or as an error."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from videogan.errors import Interrupted


class StopWish:
    """Remembers the first signal; a second Ctrl-C does not wait."""

    def __init__(self) -> None:
        self.signal_number = 0

    def __bool__(self) -> bool:
        return self.signal_number != 0

    def raise_as(self, message: str) -> None:
        """Raise Interrupted with the exit code that the signal stands for."""
        raise Interrupted(message, self.signal_number)


@contextmanager
def stop_wish() -> Iterator[StopWish]:
    """Catch SIGINT and SIGTERM inside a ``with`` block; the old handlers return with its end.

    Outside the main thread signals cannot be caught, and the wish never comes.
    """
    wish = StopWish()

    def remember(signal_number: int, frame: FrameType | None) -> None:
        if wish and signal_number == signal.SIGINT:
            raise KeyboardInterrupt
        wish.signal_number = signal_number

    try:
        old = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:
        yield wish
        return
    try:
        yield wish
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


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
