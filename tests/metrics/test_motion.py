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
    assert content_drift(torch.zeros(1, 4, 3, 8, 8)) == 0


def test_arrow_of_time():
    arrow = ArrowOfTime().fit(fading())
    assert arrow.accuracy(fading(seed=1)) == 1
    assert arrow.accuracy(fading(seed=1).flip(1)) == 0
    assert arrow.accuracy(torch.zeros(4, 8, 3, 16, 16)) == 0.5


def test_drift_along_long_videos():
    early = torch.randn(12, 5, generator=torch.Generator().manual_seed(0))
    assert long_drift(early, early) == 0
    between = sum(float((a - b).norm()) for a in early for b in early) / (12 * 11)
    moved = torch.zeros(5).index_fill(0, torch.tensor([2]), 3.0)
    assert long_drift(early, early + moved) == pytest.approx(3 / between, rel=1e-5)
    assert 0.8 < long_drift(early, early.roll(1, 0)) < 1.2
    with pytest.raises(DataError):
        long_drift(early[:1], early[:1])


def test_arrow_of_a_motion_that_goes_round():
    """A light that runs in a circle, begun anywhere: only the sense in which it turns tells the direction of time."""
    draw = torch.Generator().manual_seed(0)
    angle = torch.rand(24, 1, generator=draw) * 6.3 + torch.arange(8) * 0.6
    grid = torch.linspace(-1, 1, 16)
    x, y = (torch.stack((angle.cos(), angle.sin()))[..., None, None] * 0.6).unbind()
    light = torch.exp(-((grid[None, :] - x) ** 2 + (grid[:, None] - y) ** 2) * 4)
    clips = light[:, :, None].expand(-1, -1, 3, -1, -1) - 0.5
    arrow = ArrowOfTime().fit(clips[:12])
    assert arrow.accuracy(clips[12:]) == 1
    assert arrow.accuracy(clips[12:].flip(1)) == 0
