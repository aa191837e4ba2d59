import pytest
import torch

from videogan.training.ema import ema_weight, update_ema


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
