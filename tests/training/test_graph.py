"""A step without a read, and the class that records it; recording itself needs a GPU."""

import copy
from contextlib import nullcontext

import pytest
import torch
from contracts.test_options import CHOICES
from tiny_run import real_batch, tiny_config, tiny_state, train_step
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from videogan.data.loader import ClipBatch
from videogan.training.draws import draw_step
from videogan.training.graph import GraphedStep
from videogan.training.launch import Process
from videogan.training.state import new_state
from videogan.training.step import advance, step_input, update

CPU = torch.device("cpu")
READS = {"_local_scalar_dense", "is_nonzero", "equal", "nonzero", "unique_dim", "_unique2", "masked_select"}
"""Operations whose result, or its shape, the host has to know before it can go on."""
OPTIONS = [settings for settings in CHOICES if not any("penalty.kind=none" in setting for setting in settings[:-1])]


class Reads(TorchDispatchMode):
    """Counts what is read back."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        name = function.name().split("::")[1].split(".")[0]
        if name in READS:
            self.names.append(name)
        return function(*arguments, **(keywords or {}))


def prepared(config, step=0):
    state = tiny_state(config)
    real, labels = real_batch(config, step)
    draws = draw_step(config, state.networks.generator, labels, step=step, device=CPU)
    return state, step_input(state.networks.generator, real, labels, draws), draws.updates


@pytest.mark.parametrize("settings", CHOICES, ids=lambda settings: settings[-1])
def test_no_option_reads_a_value_back(settings):
    config = tiny_config(*settings)
    state, x, updates = prepared(config)
    update(state.networks, state.optimizers, x, updates, config)  # the optimizers make their state in the first
    with Reads() as reads:
        update(state.networks, state.optimizers, x, updates, config)
    assert reads.names == []


def fake_copies(mode, networks):
    """Give networks parameters that have a shape and no values."""
    all_networks = list(networks.named().values())
    all_networks += [frozen for network in all_networks for frozen in getattr(network, "_frozen", ())]
    for network in all_networks:
        for module in network.modules():
            for name, parameter in list(module._parameters.items()):
                if parameter is not None:
                    fake = mode.from_tensor(parameter.detach())
                    module._parameters[name] = torch.nn.Parameter(fake, parameter.requires_grad)
            for name, buffer in list(module._buffers.items()):
                if buffer is not None:
                    module._buffers[name] = mode.from_tensor(buffer)


@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("train.precision=bfloat16",),
        ("adversarial.kind=wasserstein",),
        ("joint_discriminator.weight=1",),
        ("projected_discriminator.weight=1", "train.precision=bfloat16"),
        ("encoder.generator_weight=0", "encoder.clip_cycle_weight=1"),
        ("penalty.kind=none", "generator.normalisation=batch", "frame_discriminator.normalisation=batch"),
    ],
    ids=str,
)
def test_a_step_runs_on_tensors_without_values(settings):
    config = tiny_config(*settings)
    state, x, updates = prepared(config)
    mode = FakeTensorMode()
    fake_copies(mode, state.networks)
    for network in state.networks.named().values():
        for module in network.modules():
            if isinstance(module, torch.nn.GRU):
                module._flat_weights = [getattr(module, name) for name in module._flat_weights_names]
    optimizers = type(state.optimizers)(
        *(
            torch.optim.Adam([p for network in part for p in network.parameters()], fused=True)
            for part in (
                [state.networks.generator],
                state.networks.discriminators.values(),
                [state.networks.encoder],
            )
        )
    )
    with mode:
        fake = tree_map_only(torch.Tensor, mode.from_tensor, x)
        losses = update(state.networks, optimizers, fake, updates, config)
    assert {"frame_loss", "clip_loss", "generator_frame"} <= set(losses)


@pytest.mark.parametrize(
    "settings", [(), ("adversarial.generator_interval=2", "penalty.interval=3", "data.mirror=true")]
)
def test_a_step_through_fixed_places_equals_the_plain_step(settings):
    config = tiny_config(*settings)
    state, plain = tiny_state(config), tiny_state(config)
    for step in range(4):
        clips = torch.randint(256, (4, 8, 32, 32, 3), dtype=torch.uint8)
        labels = torch.tensor([0, 1, 1, 0])
        plain.update = lambda x, updates: update(plain.networks, plain.optimizers, x, updates, config)
        losses = [advance(one, ClipBatch(clips, labels), Process()) for one in (state, plain)]
        assert isinstance(state.update, GraphedStep)
        assert all(torch.equal(losses[0][name], losses[1][name]) for name in losses[1]), step
    for ours, theirs in zip(state.networks.named().values(), plain.networks.named().values(), strict=True):
        for name, value in ours.state_dict().items():
            assert torch.equal(value, theirs.state_dict()[name]), name


def test_what_cannot_be_recorded_is_called_and_said_once(monkeypatch, caplog):
    """Recording fails here since there is no GPU; the rehearsal must not have trained."""
    if torch.cuda.is_available():
        pytest.skip("recording would succeed")
    config = tiny_config()
    state, x, updates = prepared(config)
    reference = copy.deepcopy(state.networks)
    expected = tiny_state(config)
    step = GraphedStep(
        lambda x, updates: update(state.networks, state.optimizers, x, updates, config),
        list(state.networks.named().values()),
        state.optimizers,
    )
    step._records = True
    for name in ("Stream", "synchronize", "current_stream", "stream"):
        monkeypatch.setattr(torch.cuda, name, lambda *_: _NoStream())
    with caplog.at_level("INFO", "videogan"):
        losses = [step(x, updates) for _ in range(2)]
    assert [
        r.message for r in caplog.records if "not a CUDA graph, because recording failed" in r.message
    ].__len__() == 1
    for _ in range(2):
        eager = update(expected.networks, expected.optimizers, x, updates, config)
    assert all(torch.equal(losses[1][name], value) for name, value in eager.items())
    ours, theirs = state.networks.generator.state_dict(), expected.networks.generator.state_dict()
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())
    assert not torch.equal(ours["base.weight"], reference.generator.state_dict()["base.weight"])


class _NoStream(nullcontext):
    def wait_stream(self, other):
        pass


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(
    "settings",
    [(), ("train.precision=bfloat16",), ("joint_discriminator.weight=1",), ("projected_discriminator.weight=1",)],
)
def test_a_recorded_step_trains_as_the_plain_one(settings):
    config = tiny_config("train.device=cuda", *settings)
    device = torch.device("cuda")
    recorded, plain = new_state(config, 2, device), new_state(config, 2, device)
    plain.update = lambda x, updates: update(plain.networks, plain.optimizers, x, updates, config)
    for _ in range(3):
        clips = torch.randint(256, (4, 8, 32, 32, 3), dtype=torch.uint8, device=device)
        batch = ClipBatch(clips, torch.tensor([0, 1, 1, 0], device=device))
        losses = [advance(state, batch) for state in (recorded, plain)]
        for name, value in losses[1].items():
            assert losses[0][name].item() == pytest.approx(value.item(), rel=0.02, abs=0.02), name
    assert recorded.update is not None
    assert len(recorded.update._recordings) == 1
    state = recorded.state_dict()
    recorded.load_state_dict(state)
    assert advance(recorded, batch)["frame_loss"].isfinite()


def test_train_step_is_burn_in_and_update():
    config = tiny_config()
    one, two = tiny_state(config), tiny_state(config)
    real, labels = real_batch(config, 0)
    draws = draw_step(config, one.networks.generator, labels, step=0, device=CPU)
    losses = train_step(one.networks, one.optimizers, real, labels, draws, config)
    x = step_input(two.networks.generator, real, labels, draws)
    again = update(two.networks, two.optimizers, x, draws.updates, config)
    assert all(torch.equal(losses[name], again[name]) for name in losses)
