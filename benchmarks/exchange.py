"""How long two processes take for an update of one network, by the way in which they average its gradients.

    python benchmarks/exchange.py                                  # the encoder of preset gpu64, on a CPU
    unshare --net sh -c 'ip link set lo up; tc qdisc add dev lo root tbf rate 1gbit burst 1mb latency 50ms;
        python benchmarks/exchange.py'                             # over a network of 1 Gb/s

``nothing`` is an update without any exchange. ``flat`` is what training does: one exchange after the backward pass.
``buckets`` launches one for every 25 MB while the backward pass goes on, as DistributedDataParallel (``ddp``) does.
Each round takes one update of every kind; both processes have one thread.
"""

import argparse
import copy
import os
import socket
import time
from collections.abc import Callable
from multiprocessing import get_context

import torch
import torch.distributed as dist
from measuring import heading, spread, table
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils._pytree import tree_leaves

from videogan.models.build import build_encoder
from videogan.presets import preset
from videogan.training.distributed import average_gradients

BUCKET_BYTES = 25 * 2**20


def loss_of(network: nn.Module, clips: torch.Tensor) -> torch.Tensor:
    """Return something to go down from."""
    return torch.stack([leaf.square().mean() for leaf in tree_leaves(network(clips)) if leaf is not None]).sum()


def in_buckets(network: nn.Module, clips: torch.Tensor) -> None:
    """Go backward, exchanging gradients in buckets as they become ready."""
    full: list[tuple[dist.Work, torch.Tensor, list[torch.Tensor]]] = []
    bucket: list[torch.Tensor] = []

    def launch() -> None:
        together = torch.cat([gradient.flatten() for gradient in bucket])
        full.append((dist.all_reduce(together, async_op=True), together, list(bucket)))
        bucket.clear()

    def ready(parameter: torch.Tensor) -> None:
        if parameter.grad is not None:
            bucket.append(parameter.grad)
        if 4 * sum(map(torch.numel, bucket)) >= BUCKET_BYTES:
            launch()

    hooks = [parameter.register_post_accumulate_grad_hook(ready) for parameter in network.parameters()]
    loss_of(network, clips).backward()
    launch()
    for hook in hooks:
        hook.remove()
    for work, together, gradients in full:
        work.wait()
        together /= dist.get_world_size()
        parts = together.split([gradient.numel() for gradient in gradients])
        torch._foreach_copy_(gradients, [part.view_as(old) for part, old in zip(parts, gradients, strict=True)])


def flat(network: nn.Module, clips: torch.Tensor, precision: torch.dtype) -> None:
    """Go backward, then exchange all gradients at once."""
    loss_of(network, clips).backward()
    average_gradients(network.parameters(), precision)


def measure(rank: int, port: int, arguments: argparse.Namespace) -> None:
    """Take updates of each kind in turn; the first process prints the table."""
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank), "WORLD_SIZE": "2"}
    dist.init_process_group("gloo")
    config = preset(arguments.preset)
    torch.manual_seed(0)
    network = build_encoder(config)
    wrapped = DistributedDataParallel(copy.deepcopy(network))
    size = config.data.size
    clips = torch.randn(arguments.batch, arguments.frames, 3, size, size, generator=torch.Generator().manual_seed(rank))
    kinds: dict[str, Callable[[], None]] = {
        "nothing": lambda: loss_of(network, clips).backward(),
        "flat, float32": lambda: flat(network, clips, torch.float32),
        "flat, bfloat16": lambda: flat(network, clips, torch.bfloat16),
        "buckets, float32": lambda: in_buckets(network, clips),
        "ddp, float32": lambda: loss_of(wrapped, clips).backward(),
    }
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    norms = {}
    for _ in range(arguments.rounds + 1):  # the first one warms up
        for kind, update in kinds.items():
            network.zero_grad()
            wrapped.zero_grad()
            dist.barrier()
            begin = time.perf_counter()
            update()
            seconds[kind].append(time.perf_counter() - begin)
            learnt = [p.grad for own in (network, wrapped) for p in own.parameters() if p.grad is not None]
            norms[kind] = float(torch.stack([gradient.norm() for gradient in learnt]).norm())
    if rank == 0:
        megabytes = sum(parameter.numel() * 4 for parameter in network.parameters()) / 1e6
        print(heading(torch.device("cpu")))
        of = f"{arguments.batch} clips of {arguments.frames} frames"
        print(f"encoder of {arguments.preset}, {of}, {megabytes:.1f} MB of gradients in float32")
        rows = [
            [kind, str(spread([1000 * t for t in times[1:]])), f"{norms[kind]:.5g}"] for kind, times in seconds.items()
        ]
        print(table(("exchange", "ms an update", "norm of the gradient"), rows))
    dist.destroy_process_group()


def main() -> None:
    """Start two processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="gpu64")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = get_context("spawn")
    processes = [context.Process(target=measure, args=(rank, port, arguments)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


if __name__ == "__main__":
    main()
