"""The collectives of several processes, one a GPU: each has its own clips and latents, all of them the same weights.

After every backward pass the gradients are averaged, before their norm is limited; no network is wrapped, so that a
step may go through a network as often as it likes, and any penalty works. What a loss computes over its batch
(centring, the scale of a penalty, batch normalisation) is computed over each process' own clips.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map_only

from videogan.config import TrainConfig
from videogan.errors import UsageError
from videogan.training.rendezvous import Rendezvous
from videogan.training.state import TrainingState


@contextmanager
def process_group(rendezvous: Rendezvous, config: TrainConfig) -> Iterator[None]:
    """Exchange tensors with the other processes inside a ``with`` block; one process alone only turns to its GPU."""
    device = torch.device(config.device)
    if rendezvous.store is None:
        if device.index is not None:
            torch.cuda.set_device(device)
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(rendezvous.local_rank)
    (rank, world_size), timeout = rendezvous.process, timedelta(minutes=config.timeout_minutes)
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=rendezvous.store, rank=rank, world_size=world_size, timeout=timeout)
    yield
    # After an error, other processes may never come to an end that is waited for.
    dist.destroy_process_group()


def check_device(device: torch.device, rendezvous: Rendezvous) -> None:
    """Check that each of several processes has a device.

    Raises:
        UsageError: a single GPU is named for several processes, or a machine has fewer GPUs than processes.
    """
    if rendezvous.process.world_size == 1 or device.type != "cuda":
        return
    if device.index is not None:
        raise UsageError(f"train.device={device} is one GPU, and each process has its own; leave the number out")
    if rendezvous.local_rank >= torch.cuda.device_count():
        raise UsageError(
            f"this machine has {torch.cuda.device_count()} GPUs and more processes: start one a GPU, or train with "
            "train.device=cpu"
        )


def in_any(flag: int, device: torch.device) -> int:
    """Return the largest flag of all processes: 0 where it is 0 in each."""
    if _alone():
        return flag
    largest = torch.tensor(flag, device=device)
    dist.all_reduce(largest, op=dist.ReduceOp.MAX)
    return int(largest)


def average_gradients(parameters: Iterable[nn.Parameter], precision: torch.dtype = torch.float32) -> None:
    """Replace gradients by their mean over all processes, in one exchange of a given precision.

    Which parameters have a gradient must be the same in each; a step's draws depend on the step, not on the process.
    """
    if _alone():
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return
    together = torch.cat([gradient.flatten() for gradient in gradients]).to(precision)
    dist.all_reduce(together)
    together /= dist.get_world_size()
    parts: list[Tensor] = list(together.split([gradient.numel() for gradient in gradients]))
    torch._foreach_copy_(gradients, [part.view_as(old) for part, old in zip(parts, gradients, strict=True)])


def exchanged_bytes(state: TrainingState) -> int:
    """Return how much a process sends, or receives, of gradients in a step that trains every network.

    Two processes send each other all gradients; in a ring of n, each passes on twice (n - 1) / n of that.
    """
    each = getattr(torch, state.config.train.exchange_precision).itemsize
    groups = (group for optimizer in state.optimizers for group in optimizer.param_groups)
    return sum(each * p.numel() for group in groups for p in group["params"] if p.requires_grad)


def share_state(state: TrainingState) -> None:
    """Give every process the first one's state of training."""
    if _alone():
        return
    first, device = dist.get_rank() == 0, next(state.networks.generator.parameters()).device
    tree = state.state_dict()
    outline = [tree_map_only(Tensor, lambda tensor: tensor.to("meta"), tree) if first else None]
    dist.broadcast_object_list(outline, src=0)
    if not first:
        tree = tree_map_only(Tensor, lambda tensor: torch.empty_like(tensor, device=device), outline[0])
    for leaf in (leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)):
        sent = leaf.detach().to(device).clone(memory_format=torch.contiguous_format)  # weights may be channels-last
        dist.broadcast(sent, src=0)
        leaf.detach().copy_(sent)
    if not first:
        state.load_state_dict(tree)


def _alone() -> bool:
    return not (dist.is_available() and dist.is_initialized())
