import pytest
import torch

from videogan.losses.adversarial import auxiliary_loss
from videogan.losses.reconstruction import feature_loss, latent_cycle_loss, reconstruction_loss


def test_reconstruction_of_a_constant_difference():
    clip = torch.rand(2, 4, 3, 8, 8)
    assert reconstruction_loss(clip, clip).item() == 0
    assert reconstruction_loss(clip, clip + 0.5).item() == pytest.approx(0.5 + 0.25, rel=1e-5)


@pytest.mark.parametrize(("kind", "expected"), [("l1", 0.5), ("l2", 0.25), ("both", 0.75)])
def test_kinds_of_reconstruction(kind, expected):
    clip = torch.rand(2, 4, 3, 8, 8)
    assert reconstruction_loss(clip, clip - 0.5, kind).item() == pytest.approx(expected, rel=1e-5)


def test_feature_loss_is_in_units_of_each_map():
    features = [torch.randn(2, 3), 100 * torch.randn(2, 5)]
    assert feature_loss(features, features).item() == 0
    assert feature_loss(features, [torch.zeros_like(f) for f in features]).item() == pytest.approx(1)


def test_latent_cycle_is_the_mean_square():
    assert latent_cycle_loss(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0])).item() == pytest.approx(2.0)


def test_auxiliary_loss_is_cross_entropy():
    sure = torch.tensor([[10.0, -10.0], [-10.0, 10.0]])
    opinions = sure[:, None].expand(-1, 3, -1)
    assert auxiliary_loss(opinions, torch.tensor([0, 1])).item() == pytest.approx(0, abs=1e-6)
    assert auxiliary_loss(torch.zeros(3, 1, 4), torch.tensor([0, 1, 2])).item() == pytest.approx(
        torch.tensor(4.0).log().item()
    )
