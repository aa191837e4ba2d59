"""The command line with a fault on its way, for tests of several processes; at the end the state of training is saved.

FAULT is ``RANK:STEP:KIND``: at that step the process is killed, has a bug, finds its disk full, or hangs. SLOW is
``fill`` or ``preview``: opening the cache, or a preview, takes the first process twenty seconds more.
"""

import errno
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import torch

from videogan.cli import main
from videogan.training import loop, plan, session
from videogan.training.recorder import Recorder

RANK = os.environ["RANK"]


def before(work: Callable[..., Any], fault: Callable[..., None]) -> Callable[..., Any]:
    def faulty(*arguments: Any, **options: Any) -> Any:
        fault(*arguments)
        return work(*arguments, **options)

    return faulty


def fail(state: Any, *_: object) -> None:
    rank, step, kind = os.environ["FAULT"].split(":")
    if rank != RANK or int(step) != state.step or os.environ.get("TORCHELASTIC_RESTART_COUNT") != "0":
        return
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "bug":
        raise KeyError("a bug")
    if kind == "disk":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    time.sleep(600)


def wait(*_: object) -> None:
    time.sleep(20 if RANK == "0" else 0)


def saving(train: Callable[..., None]) -> Callable[..., None]:
    def saved(state: Any, *arguments: Any) -> None:
        train(state, *arguments)
        torch.save(state.state_dict(), f"state-{RANK}.pt")

    return saved


if __name__ == "__main__":
    session._train = saving(session._train)
    if "FAULT" in os.environ:
        loop.advance = before(loop.advance, fail)
    if os.environ.get("SLOW") == "fill":
        plan.open_cache = before(plan.open_cache, wait)
    if os.environ.get("SLOW") == "preview":
        Recorder._preview = before(Recorder._preview, wait)
    main()
