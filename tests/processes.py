"""Two real processes that find each other by what a program that starts several tells them."""

import os
import socket
import sys
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import torch

from videogan.commands.console import console_log
from videogan.errors import VideoganError
from videogan.training.launch import launch_from_environment
from videogan.training.rendezvous import Rendezvous, joined


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def in_two_processes(work: Callable[[Rendezvous], object], folder: Path, *, machines: int = 1) -> list:
    """Run ``work(rendezvous)`` in two processes, as if on one or two machines; return what each returns.

    That must be what torch.save can hold. Of a process that ends otherwise it is its exit code and its stderr.
    """
    port, context = free_port(), get_context("forkserver")
    context.set_forkserver_preload(["processes", "videogan.training.session"])  # torch is imported once for all
    processes = [context.Process(target=_process, args=(rank, work, folder, port, machines)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [
        (process.exitcode, (folder / f"{rank}.txt").read_text())
        if process.exitcode
        else torch.load(folder / f"{rank}.pt")
        for rank, process in enumerate(processes)
    ]


def _process(rank: int, work: Callable[[Rendezvous], object], folder: Path, port: int, machines: int) -> None:
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ["GROUP_RANK"] = str(rank if machines == 2 else 0)
    with (folder / f"{rank}.txt").open("w") as file:
        os.dup2(file.fileno(), 2)
    try:
        with console_log(), joined(launch_from_environment()) as rendezvous:
            torch.save(work(rendezvous), folder / f"{rank}.pt")
    except VideoganError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
