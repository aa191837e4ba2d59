import pytest
import torch

from videogan.errors import DataError
from videogan.metrics.motion import ArrowOfTime, content_drift, frozen_share, long_drift, motion_energy


def fading(n=24, seed=0):
    """Clips that jump up and fade slowly: seen backwards, they are told at once."""
    noise = torch.rand(n, 8, 3, 16, 16, generator=torch.Generator().manual_seed(seed)) * 0.1
    return noise + torch.tensor([-0.9, 0.8, 0.5, 0.2, -0.1, -0.4, -0.6, -0.8])[None, :, None, None, None]


def test_energy_and_freezing():
    clips = torch.zeros(2, 4, 3, 8, 8)
    clips[1, 2:] = 0.5
    assert motion_energy(clips).tolist() == pytest.approx([0, 0.5 / 3])
    assert frozen_share(clips) == pytest.approx(5 / 6)
    with pytest.raises(DataError):
        motion_energy(clips[:, :1])


def test_drift_of_a_steady_change():
    clips = torch.linspace(-1, 1, 8)[None, :, None, None, None].expand(2, 8, 3, 16, 16)
    assert content_drift(clips) == pytest.approx(6 / 7, rel=1e-4)  # (n + 1) / 3 steps of 2 / 7
    assert long_drift(clips) == pytest.approx([4 / 7, 8 / 7, 12 / 7], rel=1e-4)
    assert content_drift(torch.zeros(1, 4, 3, 8, 8)) == 0


def test_arrow_of_time():
    arrow = ArrowOfTime().fit(fading())
    assert arrow.accuracy(fading(seed=1)) == 1
    assert arrow.accuracy(fading(seed=1).flip(1)) == 0
    assert arrow.accuracy(torch.zeros(4, 8, 3, 16, 16)) == 0.5
