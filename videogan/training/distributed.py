"""Training by several processes, one a GPU: each has its own clips and latents, all of them the same weights.

``torchrun --nproc-per-node 2 --no-python -- videogan train clips/`` starts them and tells each its rank by environment
variables (``--`` keeps torchrun from taking ``--run`` for an option of its own). After every backward pass the
gradients are averaged, before their norm is limited; no network is wrapped, so that a step may go through a network as
often as it likes, and any penalty works. What a loss computes over its batch (centring, the scale of a penalty, batch
normalisation) is computed over each process' own clips.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from videogan.errors import UsageError, VideoganError

T = TypeVar("T")


class Process(NamedTuple):
    """Which process this is, of how many."""

    rank: int = 0
    world_size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes the run folder."""
        return self.rank == 0


def process_from_environment() -> Process:
    """Return what ``torchrun`` says; one process alone where another program started this one."""
    if not (
        dist.is_available() and dist.is_torchelastic_launched()
    ):  # schedulers set RANK and WORLD_SIZE for purposes of their own
        return Process()
    return Process(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))


@contextmanager
def process_group(process: Process, device: torch.device) -> Iterator[None]:
    """Take part in the group of processes inside a ``with`` block; one process alone only turns to its GPU.

    Raises:
        UsageError: a single GPU is named for several processes.
    """
    if process.world_size == 1:
        if device.index is not None:
            torch.cuda.set_device(device)
        yield
        return
    if device.index is not None:
        raise UsageError(f"train.device={device} is one GPU, and each process has its own; leave the number out")
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def decided_by_first(process: Process, decide: Callable[[], T]) -> T:
    """Return in every process what the first one decides: text, numbers, None, paths.

    Where it fails there, the first raises its error, and the others end with the same exit code and without a word.
    """
    if not process.first:
        code, value = _broadcast(0, None)
        if code:
            sys.exit(code)
        return cast(T, value)
    try:
        decision = decide()
    except BaseException as error:
        _broadcast(_exit_code(error), None)
        raise
    _broadcast(0, decision)
    return decision


@contextmanager
def first_goes_ahead(process: Process) -> Iterator[None]:
    """Let the others enter a ``with`` block when the first process has left it: they find its files there.

    Where it fails there, the others end as :func:`decided_by_first` says.
    """
    if not process.first:
        decided_by_first(process, lambda: None)
        yield
        return
    try:
        yield
    except BaseException as error:
        _broadcast(_exit_code(error), None)
        raise
    _broadcast(0, None)


def in_any(flag: int, device: torch.device) -> int:
    """Return the largest flag of all processes: 0 where it is 0 in each."""
    if _alone():
        return flag
    largest = torch.tensor(flag, device=device)
    dist.all_reduce(largest, op=dist.ReduceOp.MAX)
    return int(largest)


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace gradients by their mean over all processes, in one exchange.

    Which parameters have a gradient must be the same in each; a step's draws depend on the step, not on the process.
    """
    if _alone():
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return
    together = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(together)
    together /= dist.get_world_size()
    parts: list[Tensor] = list(together.split([gradient.numel() for gradient in gradients]))
    torch._foreach_copy_(gradients, [part.view_as(old) for part, old in zip(parts, gradients, strict=True)])


def _broadcast(code: int, value: object) -> tuple[int, object]:
    """Give all processes the first one's exit code, 0 for none, and what it decided."""
    message = [(code, value)]
    if not _alone():
        dist.broadcast_object_list(message, src=0)
    return message[0]


def _exit_code(error: BaseException) -> int:
    return error.exit_code if isinstance(error, VideoganError) else 1


def _alone() -> bool:
    return not (dist.is_available() and dist.is_initialized())
