import math

import pytest
import torch

from videogan.errors import CheckpointError, DataError, MissingPathError
from videogan.metrics.classifier import class_accuracy
from videogan.metrics.motion import ArrowOfTime, content_drift, frozen_share, long_drift, motion_energy
from videogan.metrics.paired import lpips, psnr, ssim


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


def test_class_accuracy():
    labels = torch.arange(40) % 2
    features = labels[:, None] * 4.0 + torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    assert class_accuracy(features, labels, features, labels, 2)["mean"] > 0.95
    assert class_accuracy(features, labels, features, 1 - labels, 2)["mean"] < 0.05
    some = class_accuracy(features, labels, features[labels == 0], labels[labels == 0], 2)
    assert math.isnan(some["1"]) and some["mean"] == some["0"]
    with pytest.raises(DataError):
        class_accuracy(features, labels * 0, features, labels, 2)


def test_psnr_and_ssim():
    a = fading(2)
    assert psnr(a, a + 0.2) == pytest.approx(20, abs=1e-3)
    assert ssim(a, a) == pytest.approx(1)
    assert ssim(a, a + 0.3 * torch.randn(a.shape, generator=torch.Generator().manual_seed(0))) < 0.9
    with pytest.raises(DataError):
        ssim(a, a[:1])


class Distance(torch.nn.Module):
    def forward(self, a, b):
        return (a - b).abs().mean(dim=(1, 2, 3))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_lpips_by_a_file(tmp_path):
    a = fading(2)
    torch.jit.trace(Distance(), (a[0], a[0])).save(str(tmp_path / "net.pt"))
    assert lpips(a, a + 0.25, tmp_path / "net.pt") == pytest.approx(0.25, rel=1e-4)
    (tmp_path / "text").write_text("no network")
    with pytest.raises(CheckpointError):
        lpips(a, a, tmp_path / "text")
    with pytest.raises(MissingPathError):
        lpips(a, a, tmp_path / "none")
