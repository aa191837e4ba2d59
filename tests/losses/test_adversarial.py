from math import log
from typing import get_args

import pytest
import torch
import torch.nn.functional as F

from videogan.config import LOSSES_WITH_LABELS, AdversarialConfig
from videogan.losses.adversarial import ADVERSARIAL_LOSSES, adversarial_loss, centring, wasserstein_distance

NEED_REAL = {"relativistic"}


def test_every_kind_of_the_config_has_a_loss():
    assert set(get_args(AdversarialConfig.model_fields["kind"].annotation)) == set(ADVERSARIAL_LOSSES)


@pytest.mark.parametrize("kind", ADVERSARIAL_LOSSES)
def test_each_side_gains_by_moving_its_logits_its_way(kind):
    loss = ADVERSARIAL_LOSSES[kind]
    real, fake = (torch.rand(64).requires_grad_() for _ in range(2))
    to_real, to_fake = torch.autograd.grad(loss.discriminator(real, fake), (real, fake))
    assert (to_real <= 0).all(), "real logits should rise"
    assert (to_fake >= 0).all(), "generated logits should fall"
    (to_fake,) = torch.autograd.grad(loss.generator(real, fake), fake)
    assert (to_fake < 0).all(), "the generator wants its logits to rise"


@pytest.mark.parametrize(
    ("kind", "discriminator", "generator"),
    [
        ("relativistic", log(2), log(2)),
        ("non-saturating", 2 * log(2), log(2)),
        ("hinge", 2.0, 0.0),
        ("least-squares", 0.5, 0.5),
        ("wasserstein", 0.0, 0.0),
    ],
)
def test_values_where_the_discriminator_knows_nothing(kind, discriminator, generator):
    nothing = torch.zeros(8)
    assert ADVERSARIAL_LOSSES[kind].discriminator(nothing, nothing).item() == pytest.approx(discriminator)
    assert ADVERSARIAL_LOSSES[kind].generator(nothing, nothing).item() == pytest.approx(generator)


def test_the_relativistic_game_sees_differences_only():
    real, fake = torch.randn(8), torch.randn(8)
    loss = ADVERSARIAL_LOSSES["relativistic"]
    assert torch.allclose(loss.discriminator(real, fake), loss.discriminator(real + 5, fake + 5), atol=1e-5)
    assert torch.allclose(loss.generator(real, fake), loss.discriminator(fake, real))


def test_centring_is_the_squared_mean_logit():
    assert centring(torch.tensor(2.0), torch.tensor(4.0)).item() == pytest.approx(9.0)


@pytest.mark.parametrize("kind", LOSSES_WITH_LABELS)
@pytest.mark.parametrize(("real_label", "fake_label"), [(0.9, 0.0), (0.9, 0.1)])
def test_smoothed_labels_are_where_the_discriminator_comes_to_rest(kind, real_label, fake_label):
    real, fake = torch.tensor([real_label]), torch.tensor([max(fake_label, 1e-6)])
    if kind == "non-saturating":
        real, fake = real.logit(), fake.logit()
    real.requires_grad_()
    fake.requires_grad_()
    loss = adversarial_loss(kind, real_label=real_label, fake_label=fake_label)
    for gradient in torch.autograd.grad(loss.discriminator(real, fake), (real, fake)):
        assert gradient.abs().item() < 1e-5


def test_smoothed_logistic_loss_is_binary_cross_entropy():
    real, fake = torch.randn(32), torch.randn(32)
    smooth = adversarial_loss("non-saturating", real_label=0.9, fake_label=0.1).discriminator(real, fake)
    expected = [F.binary_cross_entropy_with_logits(x, torch.full_like(x, y)) for x, y in ((real, 0.9), (fake, 0.1))]
    assert smooth.item() == pytest.approx(sum(expected).item(), rel=1e-5)


def test_the_best_critic_of_slope_one_measures_how_far_a_point_has_moved():
    real, fake = torch.full((8,), 3.0), torch.full((8,), -1.0)
    assert wasserstein_distance(real, fake).item() == pytest.approx(4.0), "D(x) = x has slope one"
    assert ADVERSARIAL_LOSSES["wasserstein"].discriminator(real, fake).item() == pytest.approx(-4.0)
