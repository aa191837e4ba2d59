"""Two real processes, joined by gloo."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp
from tiny_run import real_batch, tiny_config, tiny_state, train_step

from videogan.errors import UsageError
from videogan.training.distributed import (
    Process,
    average_gradients,
    decided_by_first,
    first_goes_ahead,
    in_any,
    process_from_environment,
    process_group,
)
from videogan.training.draws import draw_step

CPU = torch.device("cpu")


def in_two_processes(work: Callable[[Process], object], folder: Path) -> list[object]:
    """Run ``work(process)`` in two processes; what they return must be what torch.save can hold."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.start_processes(_process, (work, folder, port), nprocs=2, start_method="spawn")
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


def _process(rank: int, work: Callable[[Process], object], folder: Path, port: int) -> None:
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ["TORCHELASTIC_RUN_ID"] = "test"
    process = process_from_environment()
    with process_group(process, CPU):
        torch.save(work(process), folder / f"{rank}.pt")


def parameters_of(process: Process, settings: tuple[str, ...] = ()) -> torch.Tensor:
    """Train three steps on clips and draws of this process' own; return all parameters."""
    config = tiny_config("encoder.interval=1", "encoder.generator_weight=0.1", *settings)
    state = tiny_state(config)
    networks = state.networks
    for step in range(3):
        real, labels = real_batch(config, 10 * step + process.rank)
        draws = draw_step(config, networks.generator, labels, step=step, device=CPU, rank=process.rank)
        train_step(networks, state.optimizers, real, labels, draws, config)
    return torch.cat([p.flatten() for network in networks.named().values() for p in network.parameters()])


def exact(process: Process) -> torch.Tensor:
    return parameters_of(process, ("penalty.kind=exact", "penalty.interval=2"))


def gradients(process: Process) -> list[torch.Tensor]:
    weights = [torch.nn.Parameter(torch.zeros(3)), torch.nn.Parameter(torch.zeros(2, 2))]
    unused = torch.nn.Parameter(torch.zeros(1))
    for weight in weights:
        weight.grad = torch.full_like(weight, float(process.rank + 1))
    average_gradients([*weights, unused])
    assert unused.grad is None
    return [weight.grad for weight in weights]


def agreement(process: Process) -> list[str | int]:
    first = decided_by_first(process, lambda: f"of {process.rank}")
    return [first, in_any(15 * process.rank, CPU), in_any(0, CPU)]


def failure(process: Process) -> list[int]:
    """The first process fails in both ways; what each process gets of it."""
    codes = []
    for fails in (lambda: decided_by_first(process, _fail), lambda: _fail_ahead(process)):
        try:
            fails()
        except UsageError:
            codes.append(-2)
        except SystemExit as end:
            codes.append(end.code)
    return codes


def _fail() -> None:
    raise UsageError("no such folder")


def _fail_ahead(process: Process) -> None:
    with first_goes_ahead(process):
        _fail()


def test_gradients_become_their_mean(tmp_path):
    for averages in in_two_processes(gradients, tmp_path):
        torch.testing.assert_close(averages, [torch.full((3,), 1.5), torch.full((2, 2), 1.5)])


@pytest.mark.parametrize("work", [parameters_of, exact])
def test_processes_keep_the_same_weights_though_their_clips_differ(work, tmp_path):
    first, second = in_two_processes(work, tmp_path)
    assert torch.equal(first, second)
    alone = work(Process())
    assert not torch.equal(first, alone)


def test_they_agree(tmp_path):
    assert in_two_processes(agreement, tmp_path) == [["of 0", 15, 0]] * 2


def test_a_failure_of_the_first_ends_the_others_with_its_exit_code(tmp_path):
    assert in_two_processes(failure, tmp_path) == [[-2, -2], [2, 2]]


def test_a_scheduler_that_only_counts_starts_no_group(monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "3")
    assert process_from_environment() == Process()


def test_one_process_alone_needs_no_group():
    weight = torch.nn.Parameter(torch.zeros(2))
    weight.grad = torch.ones(2)
    with process_group(Process(), CPU):
        average_gradients([weight])
        assert decided_by_first(Process(), lambda: "text") == "text"
        assert in_any(2, CPU) == 2
    assert torch.equal(weight.grad, torch.ones(2))
