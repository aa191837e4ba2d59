"""The collectives of two real processes, joined by gloo."""

from functools import partial

import pytest
import torch
from processes import in_two_processes
from tiny_run import real_batch, run_step, tiny_config, tiny_state, train_step
from torch.utils._pytree import tree_leaves

from videogan.errors import UsageError
from videogan.training.distributed import average_gradients, check_device, in_any, process_group, share_state
from videogan.training.draws import draw_step
from videogan.training.launch import Process
from videogan.training.rendezvous import Rendezvous
from videogan.training.watch import Peer

CPU = torch.device("cpu")
TRAIN = tiny_config().train


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


def gradients(process: Process, precision: torch.dtype) -> list[torch.Tensor]:
    weights = [torch.nn.Parameter(torch.zeros(3)), torch.nn.Parameter(torch.zeros(2, 2))]
    unused = torch.nn.Parameter(torch.zeros(1))
    for weight in weights:
        weight.grad = torch.full_like(weight, float(process.rank + 1))
    average_gradients([*weights, unused], precision)
    assert unused.grad is None
    return [weight.grad for weight in weights]


def collectives(rendezvous: Rendezvous) -> dict[str, object]:
    """What a process gets of each collective."""
    process, state = rendezvous.process, tiny_state(tiny_config(f"train.seed={rendezvous.process.rank}"))
    if process.first:
        run_step(state, state.config, 0)
        state.step = 7
    with process_group(rendezvous, TRAIN):
        share_state(state)
        return {
            "gradients": gradients(process, torch.float32),
            "in half precision": gradients(process, torch.bfloat16),
            "flags": [in_any(15 * process.rank, CPU), in_any(0, CPU)],
            "state": state.state_dict(),
        }


def weights_after_training(rendezvous: Rendezvous) -> list[torch.Tensor]:
    with process_group(rendezvous, TRAIN):
        half = ("train.exchange_precision=bfloat16",)
        return [work(rendezvous.process) for work in (parameters_of, exact, partial(parameters_of, settings=half))]


def test_gradients_become_their_mean_and_a_state_is_shared_to_the_bit(tmp_path):
    first, second = in_two_processes(collectives, tmp_path)
    for one in (first, second):
        for averages in (one["gradients"], one["in half precision"]):
            torch.testing.assert_close(averages, [torch.full((3,), 1.5), torch.full((2, 2), 1.5)])
        assert one["flags"] == [15, 0]
    assert second["state"]["step"] == 7
    assert len(tree_leaves(first["state"])) == len(tree_leaves(second["state"])) > 300
    for own, theirs in zip(tree_leaves(first["state"]), tree_leaves(second["state"]), strict=True):
        if isinstance(own, torch.Tensor):
            assert torch.equal(own, theirs)
        else:
            assert own == theirs


def test_processes_keep_the_same_weights_though_their_clips_differ(tmp_path):
    whole, penalised, half = zip(*in_two_processes(weights_after_training, tmp_path), strict=True)
    for first, second in (whole, penalised, half):
        assert torch.equal(first, second)
    assert not torch.equal(whole[0], parameters_of(Process()))
    assert 0 < (whole[0] - half[0]).abs().max() < 0.1 and (whole[0] - half[0]).abs().mean() < 1e-3


@pytest.mark.parametrize(("device", "told"), [("cuda:1", "leave the number out"), ("cuda", "start one a GPU")])
@pytest.mark.skipif(torch.cuda.device_count() > 1, reason="there are GPUs for both")
def test_each_process_has_a_gpu_of_its_own(device, told):
    peers = (Peer("a", "host"), Peer("a", "host"))
    with pytest.raises(UsageError, match=told):
        check_device(torch.device(device), Rendezvous(Process(1, 2), peers))
    check_device(CPU, Rendezvous(Process(1, 2), peers))


def test_one_process_alone_needs_no_group():
    weight = torch.nn.Parameter(torch.zeros(2))
    weight.grad = torch.ones(2)
    with process_group(Rendezvous(), TRAIN):
        average_gradients([weight])
        assert in_any(2, CPU) == 2
    assert torch.equal(weight.grad, torch.ones(2))
