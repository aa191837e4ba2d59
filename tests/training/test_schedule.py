import pytest
import torch

from videogan.config import FiniteDifferencePenalty, OptimizerConfig, ProjectedDiscriminatorConfig, WassersteinPenalty
from videogan.training.schedule import (
    discriminator_share,
    ema_weight,
    learning_rate,
    penalty_share,
    set_learning_rate,
    update_ema,
)


def test_warms_up_linearly_and_stays() -> None:
    config = OptimizerConfig(learning_rate=1e-3, warmup_steps=10, decay_steps=0)
    assert learning_rate(config, 0) == pytest.approx(1e-4)
    assert learning_rate(config, 4) == pytest.approx(5e-4)
    assert learning_rate(config, 9) == learning_rate(config, 100_000) == 1e-3


def test_decays_as_the_inverse_root_of_the_step() -> None:
    config = OptimizerConfig(learning_rate=1e-3, warmup_steps=10, decay_steps=100)
    assert learning_rate(config, 99) == 1e-3
    assert learning_rate(config, 399) == pytest.approx(5e-4)
    assert learning_rate(config, 9_999) == pytest.approx(1e-4)
    rates = [learning_rate(config, step) for step in range(10, 1000)]
    assert rates == sorted(rates, reverse=True)


def test_a_penalty_falls_as_the_inverse_of_the_step_to_a_tenth() -> None:
    falling = FiniteDifferencePenalty(decay_steps=100)
    assert [penalty_share(falling, step) for step in (0, 99, 199, 999, 10_000)] == [1, 1, 0.5, 0.1, 0.1]
    assert penalty_share(FiniteDifferencePenalty(), 10**6) == penalty_share(WassersteinPenalty(), 10**6) == 1


def test_sets_every_group() -> None:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in range(2)]
    optimizer = torch.optim.Adam(groups, lr=1.0)
    set_learning_rate(optimizer, 0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]


def test_a_discriminator_comes_in_step_by_step_or_at_once():
    assert [discriminator_share(ProjectedDiscriminatorConfig(), step) for step in (0, 250, 500, 900)] == [0, 0.5, 1, 1]
    assert discriminator_share(ProjectedDiscriminatorConfig(warmup_steps=0), 0) == 1


def test_half_of_the_old_average_is_left_after_a_half_life():
    weight = ema_weight(10, 10**9, half_life=1000, ramp=0.1)
    assert weight**100 == pytest.approx(0.5)


def test_the_ramp_shortens_the_half_life_at_the_beginning():
    assert ema_weight(10, 100, half_life=1000, ramp=0.1) == pytest.approx(0.5)


def test_update_moves_parameters_and_copies_buffers():
    average, network = torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2)
    torch.nn.init.constant_(network.weight, 3.0)
    network.running_mean.fill_(7.0)
    update_ema(average, network, 0.75)
    assert average.weight.tolist() == [1.5, 1.5]
    assert average.running_mean.tolist() == [7.0, 7.0]
