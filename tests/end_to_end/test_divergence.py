"""Values that are not finite: one bad step is skipped, a run goes back, and no bad weight becomes a checkpoint."""

import json
from pathlib import Path

import pytest
import torch
from tiny_run import real_batch, tiny_config, tiny_state, train_step

from videogan.artifacts.checkpoints import load_state
from videogan.artifacts.runs import WEIGHTS, list_checkpoints
from videogan.artifacts.weights import load_weights
from videogan.training import loop
from videogan.training.draws import draw_step
from videogan.training.step import advance


def copies(state):
    return {
        f"{name}.{key}": value.clone()
        for name, network in state.networks.named().items()
        for key, value in network.state_dict().items()
    }


def test_a_step_with_a_gradient_that_is_not_finite_changes_nothing():
    config = tiny_config()
    state = tiny_state(config)
    real, labels = real_batch(config, 0)
    draws = draw_step(config, state.networks.generator, labels, step=0, device=torch.device("cpu"))
    train_step(state.networks, state.optimizers, real, labels, draws, config)
    before = copies(state)
    real[:, 2, 0, 3, 3] = float("nan")
    train_step(state.networks, state.optimizers, real, labels, draws, config)
    assert set(state.optimizers.skipped()) == {"generator", "discriminators", "encoder"}
    assert all(flag == 1 for flag in state.optimizers.skipped().values())
    assert all(torch.equal(value, before[name]) for name, value in copies(state).items())
    assert not state.not_finite()
    real, labels = real_batch(config, 1)
    train_step(state.networks, state.optimizers, real, labels, draws, config)
    assert all(flag == 0 for flag in state.optimizers.skipped().values())
    assert any(not torch.equal(value, before[name]) for name, value in copies(state).items())


@pytest.mark.parametrize(
    "poison",
    [
        lambda state: next(state.networks.encoder.parameters()).data[:1].fill_(float("nan")),
        lambda state: next(state.networks.ema_generator.parameters()).data.fill_(float("inf")),
        lambda state: next(iter(state.optimizers.generator.state.values()))["exp_avg_sq"].fill_(float("inf")),
    ],
)
def test_every_number_of_a_state_is_looked_at(poison):
    state = tiny_state(tiny_config())
    real, labels = real_batch(state.config, 0)
    draws = draw_step(state.config, state.networks.generator, labels, step=0, device=torch.device("cpu"))
    train_step(state.networks, state.optimizers, real, labels, draws, state.config)
    assert state.not_finite() == ""
    poison(state)
    assert state.not_finite()


@pytest.fixture
def poisoned(monkeypatch):
    """Make weights NaN right after certain steps, of which each may come a number of times."""

    def after(steps, times):
        left = dict.fromkeys(steps, times)

        def advance_and_spoil(state, *inputs):
            losses = advance(state, *inputs)
            if left.get(state.step):
                left[state.step] -= 1
                next(state.networks.encoder.parameters()).data.fill_(float("nan"))
            return losses

        monkeypatch.setattr(loop, "advance", advance_and_spoil)

    return after


def all_finite(run):
    checkpoints = list_checkpoints(run / "checkpoints")
    for checkpoint in checkpoints:
        load_weights(checkpoint / WEIGHTS)
        for network in load_state(checkpoint, "cpu")["networks"].values():
            assert all(value.isfinite().all() for value in network.values())
    return [checkpoint.name for checkpoint in checkpoints]


@pytest.mark.parametrize("step", [4, 5], ids=["in the step of a tick", "between ticks"])
def test_a_run_goes_back_to_its_last_good_checkpoint(videogan, clips, tiny, poisoned, step):
    poisoned([step], times=1)
    result = videogan("train", clips, *tiny, "--steps", 6, "--run", "run")
    assert result.code == 0
    assert "encoder is not finite at step" in result.err
    assert "back to step" in result.err
    assert "half the learning rate" in result.err
    assert all_finite(Path("run")) == ["step-00000004", "step-00000006"]
    rows = [json.loads(line)["step"] for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert rows == [2, 4, 6]
    state = load_state(Path("run/checkpoints/step-00000006"), "cpu")
    assert state["halvings"] == 1
    if step == 5:  # the step after the last good one, with half of the rate that it would have
        rate = state["optimizers"]["generator"]["param_groups"][0]["lr"]
        before = load_state(Path("run/checkpoints/step-00000004"), "cpu")["optimizers"]["generator"]["param_groups"]
        assert rate < before[0]["lr"]


def test_after_three_times_it_ends_with_5_and_says_where(videogan, clips, tiny, poisoned):
    poisoned([4], times=100)
    result = videogan("train", clips, *tiny, "--steps", 8, "--run", "run")
    assert result.code == 5
    last = result.err.strip().splitlines()[-1]
    assert last.startswith("error: training diverged: encoder is not finite at step 4")
    assert "step-00000002" in last
    assert result.err.count("back to step 2") == 3
    assert all_finite(Path("run")) == ["step-00000002"]
    assert json.loads(Path("run/status.json").read_text())["status"] == "diverged"


def test_without_a_checkpoint_there_is_nothing_to_go_back_to(videogan, clips, tiny, poisoned):
    poisoned([2], times=1)
    result = videogan("train", clips, *tiny, "--steps", 4, "--run", "run")
    assert result.code == 5
    assert "no checkpoint" in result.err
    assert all_finite(Path("run")) == []
