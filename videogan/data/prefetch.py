"""One thread that works ahead of its consumer."""

import queue
import threading
from collections.abc import Callable, Generator
from typing import TypeVar

_AHEAD = 2

T = TypeVar("T")


def prefetch(produce: Callable[[int], T], start: int) -> Generator[T, None, None]:
    """Yield ``produce(start)``, ``produce(start + 1)`` ..., each made by a thread before it is asked for.

    What ``produce`` raises is raised here in its turn. The thread ends when the iterator is closed or forgotten.
    """
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(_AHEAD)
    stop = threading.Event()
    thread = threading.Thread(target=_work, args=(produce, start, ready, stop), name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()


def _work(
    produce: Callable[[int], T],
    step: int,
    ready: "queue.Queue[tuple[T | None, BaseException | None]]",
    stop: threading.Event,
) -> None:
    error: BaseException | None = None
    while error is None and not stop.is_set():
        item: T | None = None
        try:
            item = produce(step)
        except BaseException as raised:
            error = raised
        # A plain put would wait for ever for a consumer that has gone.
        while not stop.is_set():
            try:
                ready.put((item, error), timeout=0.1)
                break
            except queue.Full:
                continue
        step += 1
