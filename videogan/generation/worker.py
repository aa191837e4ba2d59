"""One thread that works behind its producer."""

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

WAITING = 2
"""Items that may wait for the thread; a producer that is faster waits too."""

T = TypeVar("T")


class Worker(Generic[T]):
    """Calls ``work`` in a thread with every item that is put, in their order; to be used in a ``with`` block.

    What ``work`` raises is raised by the next ``put``, or where the block ends, which waits for the items put so far.
    A block that ends by an error drops those that wait.
    """

    def __init__(self, work: Callable[[T], object]) -> None:
        self._work = work
        self._items: queue.Queue[list[T]] = queue.Queue(WAITING)
        self._error: BaseException | None = None
        self._dropped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._dropped.set()
        self._put([])
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    def put(self, item: T) -> None:
        """Hand an item to the thread."""
        self._put([item])
        if self._error is not None:
            raise self._error

    def _put(self, items: list[T]) -> None:
        # A plain put would wait for ever for a thread that has ended.
        while self._thread.is_alive():
            try:
                self._items.put(items, timeout=0.1)
                return
            except queue.Full:
                continue

    def _run(self) -> None:
        while items := self._items.get():
            if self._dropped.is_set():
                return
            try:
                self._work(items[0])
            except BaseException as error:
                self._error = error
                return
