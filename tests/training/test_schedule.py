import pytest
import torch

from videogan.config import OptimizerConfig
from videogan.training.schedule import learning_rate, set_learning_rate


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


def test_sets_every_group() -> None:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in range(2)]
    optimizer = torch.optim.Adam(groups, lr=1.0)
    set_learning_rate(optimizer, 0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]
