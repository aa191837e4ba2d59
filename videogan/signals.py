"""Ctrl-C, SIGTERM and SIGHUP: as a flag that a loop meets when its step is done, and as an error that unwinds."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from videogan.errors import Interrupted


class StopRequest:
    """Remembers the first signal; a second Ctrl-C does not wait. ``save`` is what SIGUSR1 asks for: save and go on."""

    def __init__(self) -> None:
        self.signal_number = 0
        self.save = False

    def __bool__(self) -> bool:
        return self.signal_number != 0

    def raise_as(self, message: str) -> None:
        """Raise Interrupted with the exit code that the signal stands for."""
        raise Interrupted(message, self.signal_number)


@contextmanager
def stop_request(answer: str = "") -> Iterator[StopRequest]:
    """Catch SIGINT, SIGTERM and SIGHUP inside a ``with`` block; the old handlers return with its end.

    ``answer`` is said on stderr at once. With one, SIGUSR1 asks to save; without, it is left alone. Outside the main
    thread signals cannot be caught, and the request never comes.
    """
    request = StopRequest()

    def remember(signal_number: int, frame: FrameType | None) -> None:
        if request and signal_number == signal.SIGINT:
            raise KeyboardInterrupt
        if signal_number == signal.SIGUSR1:
            request.save = True
        else:
            request.signal_number = request.signal_number or signal_number
        if answer:
            with suppress(OSError):  # not by sys.stderr, which may be in the middle of a line
                os.write(2, f"{answer}\n".encode())

    with _handled([signal.SIGINT, *_ending(), *([signal.SIGUSR1] if answer else [])], remember):
        yield request


@contextmanager
def sigterm_unwinds() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a ``with`` block as an error would, so that nothing is left half-written."""

    def stop(signal_number: int, frame: FrameType | None) -> None:
        raise Interrupted("terminated", signal_number)

    with _handled(_ending(), stop):
        yield


@contextmanager
def _handled(numbers: Iterable[int], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle signals inside a ``with`` block; outside the main thread, where they cannot be caught, nothing happens."""
    try:
        old = {number: signal.signal(number, handler) for number in numbers}
    except ValueError:
        old = {}
    try:
        yield
    finally:
        for number, earlier in old.items():
            signal.signal(number, earlier)


def _ending() -> list[signal.Signals]:
    """Return the signals by which others end a process; nohup has SIGHUP ignored, and so it stays."""
    hung_up = [] if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else [signal.SIGHUP]
    return [signal.SIGTERM, *hung_up]
