"""A thread that sees to it that no process of a training outlives another: the first failure ends all of them.

Every process gives a sign of life in the store. The first process looks after all others, and they after it. Who fails
writes down why; the first process of each other machine says so, and all end with the same exit code.
"""

import json
import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING, NamedTuple, Self

import torch.distributed as dist

from videogan.errors import UsageError, VideoganError, reason_of
from videogan.signals import Terminated
from videogan.training.launch import Process

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

_log = logging.getLogger(__name__)

BEAT_SECONDS = 0.5
SILENT_BEATS = 16
"""A process that gives no new sign at so many looks is taken for ended; who is slow itself looks as seldom."""
SILENCE_SECONDS = SILENT_BEATS * BEAT_SECONDS
LAST_WORDS_SECONDS = 3.0
"""How long a process that failed waits until the others have heard of it."""
GRACE_SECONDS = 4.0
"""How long a process may take to unwind after another one's failure, before it is ended where it stands."""
_LEFT = "left"


class Peer(NamedTuple):
    """One process as the others know it: the machine that it is on, and that machine's name for people."""

    node: str
    host: str


class Failure(NamedTuple):
    """What ended a process: its rank, one line, its exit code, and whether it can have shown the line itself."""

    rank: int
    message: str
    code: int
    shown: bool = True


def leader_of(peers: tuple[Peer, ...], rank: int) -> int:
    """Return the first process on a process' machine."""
    return next(other for other, peer in enumerate(peers) if peer.node == peers[rank].node)


class Watch:
    """Watches the other processes inside a ``with`` block.

    Args:
        process: which process this is.
        peers: all processes, by rank.
        store: a connection of the thread's own.
    """

    def __init__(self, process: Process, peers: tuple[Peer, ...], store: "Store") -> None:
        self.failure: Failure | None = None
        self._rank, self._peers, self._store = process.rank, peers, store
        self._others = range(1, len(peers)) if process.first else range(1)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._signals = threading.current_thread() is threading.main_thread()
        store.set_timeout(timedelta(seconds=SILENCE_SECONDS))

    def __enter__(self) -> Self:
        if self._signals:
            self._old_handler = signal.signal(signal.SIGUSR2, self._unwind)
        self._store.set(f"alive/{self._rank}", "0")
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        if self._signals:
            signal.signal(signal.SIGUSR2, self._old_handler)
        with suppress(RuntimeError):
            self._store.set(f"alive/{self._rank}", _LEFT)
            self._see_others_off()

    def end_after_failure(self) -> None:
        """Raise SystemExit where a process has failed."""
        if self.failure is not None:
            sys.exit(self.failure.code)

    def fail(self, error: BaseException) -> None:
        """Tell the other processes of an error of this one.

        Raises:
            SystemExit: it only follows from another process' failure.
            UsageError: a connection broke, of which nothing else is known.
        """
        if is_of_connection(error):  # what broke it is about to be known
            limit = time.monotonic() + SILENCE_SECONDS + 2
            while self.failure is None and time.monotonic() < limit:
                time.sleep(BEAT_SECONDS / 4)
        self.end_after_failure()
        self._over.set()
        self._publish(Failure(self._rank, in_words(error), exit_code(error)))
        limit = time.monotonic() + LAST_WORDS_SECONDS
        with suppress(RuntimeError):
            while self._store.add("heard", 0) < len(self._peers) - 1 and time.monotonic() < limit:
                time.sleep(BEAT_SECONDS / 10)
        if is_of_connection(error):
            raise UsageError(in_words(error)) from None

    def _run(self) -> None:
        signs = dict.fromkeys(self._others, (b"", 0))
        beat = 0
        while not self._over.wait(BEAT_SECONDS):
            beat += 1
            try:
                self._store.set(f"alive/{self._rank}", str(beat))
                self._look_after(signs)
                if self._store.check(["failure"]):
                    self._end(Failure(*json.loads(self._store.get("failure"))))
                    return
            except RuntimeError as error:  # of connections, all of torch's are
                if self._over.is_set():
                    return
                lost = f"the store that all processes share is gone ({reason_of(error)})"
                self._end(Failure(0, lost, 1, shown=False))
                return

    def _look_after(self, signs: dict[int, tuple[bytes, int]]) -> None:
        """Note the others' signs of life, with how often each was seen, and write down who gives no new one."""
        for rank, (last, seen) in list(signs.items()):
            sign = self._store.get(f"alive/{rank}") if self._store.check([f"alive/{rank}"]) else b""
            if sign == _LEFT.encode():
                del signs[rank]
                continue
            signs[rank] = sign, seen + 1 if sign == last else 0
            if signs[rank][1] >= SILENT_BEATS:
                gone = f"no sign of life for {SILENCE_SECONDS:g} seconds: it was killed, or the network is cut"
                self._publish(Failure(rank, gone, 1, shown=False))

    def _publish(self, failure: Failure) -> None:
        """Write down a failure, if it is the first."""
        with suppress(RuntimeError):
            self._store.compare_set("failure", "", json.dumps(failure))

    def _end(self, failure: Failure) -> None:
        """Say what has failed, and end this process: by a signal, or where it does not unwind at once, as it stands."""
        here, there = leader_of(self._peers, self._rank), leader_of(self._peers, failure.rank)
        if self._rank == here and (here != there or not failure.shown):
            who = f"rank {failure.rank} on {self._peers[failure.rank].host}: "
            _log.error("%s", failure.message if failure.message.startswith("rank ") else who + failure.message)
        self.failure = failure
        with suppress(RuntimeError):
            self._store.add("heard", 1)
        if self._signals:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR2)
        if not self._over.wait(GRACE_SECONDS):
            os._exit(failure.code)

    def _unwind(self, signal_number: int, frame: FrameType | None) -> None:
        self.end_after_failure()

    def _see_others_off(self) -> None:
        """Wait a moment until all others have left: the first process may be the one that serves the store."""
        limit = time.monotonic() + LAST_WORDS_SECONDS
        gone = None if self.failure is None or self.failure.shown else self.failure.rank
        for rank in (rank for rank in self._others if self._rank == 0 and rank != gone):
            while self._store.get(f"alive/{rank}") != _LEFT.encode() and time.monotonic() < limit:
                time.sleep(BEAT_SECONDS / 10)


def exit_code(error: BaseException) -> int:
    """Return the exit code that the command line gives an error."""
    if isinstance(error, VideoganError | Terminated):
        return error.exit_code
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    if isinstance(error, KeyboardInterrupt):
        return 130
    return 2 if isinstance(error, OSError) or is_of_connection(error) else 1


def in_words(error: BaseException) -> str:
    """Return one line that says what happened."""
    if is_of_connection(error):
        return (
            f"the connection between the processes broke ({reason_of(error)}); where one of them was only slow, a "
            "larger train.timeout_minutes waits for it; where they cannot reach each other, GLOO_SOCKET_IFNAME or "
            "NCCL_SOCKET_IFNAME names the right network interface"
        )
    text = " ".join(str(error).split())
    if isinstance(error, VideoganError | Terminated | OSError):
        return text
    return f"{type(error).__name__}: {text}"


def is_of_connection(error: BaseException) -> bool:
    """Tell whether an error is of torch's exchange between processes; gloo's have no type of their own."""
    return isinstance(error, RuntimeError) and (
        isinstance(error, dist.DistError) or "gloo/" in str(error) or "NCCL" in str(error)
    )
