"""Training by several processes, one a GPU: each has its own clips and latents, all of them the same weights.

``torchrun --nproc-per-node 2 --no-python -- videogan train clips/`` starts them and tells each its place by environment
variables (``--`` keeps torchrun from taking ``--run`` for an option of its own). After every backward pass the
gradients are averaged, before their norm is limited; no network is wrapped, so that a step may go through a network as
often as it likes, and any penalty works. What a loss computes over its batch (centring, the scale of a penalty, batch
normalisation) is computed over each process' own clips.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class Place:
    """Which process this is, of how many."""

    rank: int = 0
    world_size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes the run folder."""
        return self.rank == 0


def place_from_environment() -> Place:
    """Return what ``torchrun`` says; one process alone where another program started this one."""
    if not (
        dist.is_available() and dist.is_torchelastic_launched()
    ):  # schedulers set RANK and WORLD_SIZE for purposes of their own
        return Place()
    return Place(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))


@contextmanager
def joined(place: Place, device: torch.device) -> Iterator[None]:
    """Take part in the group of processes inside a ``with`` block; nothing happens for one process alone."""
    if place.world_size == 1:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def from_first(value: Any) -> Any:
    """Return the first process' value (text, numbers, None) in all of them."""
    if _alone():
        return value
    values = [value]
    dist.broadcast_object_list(values, src=0)
    return values[0]


@contextmanager
def first_goes_ahead(place: Place) -> Iterator[None]:
    """Let the others enter a ``with`` block when the first process has left it: they find its files there."""
    if not place.first:
        from_first(None)
    yield
    if place.first:
        from_first(None)


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


def _alone() -> bool:
    return not (dist.is_available() and dist.is_initialized())
