from math import log
from typing import get_args

import pytest
import torch

from videogan.config import AdversarialConfig
from videogan.losses.adversarial import ADVERSARIAL_LOSSES, centring

NEED_REAL = {"relativistic"}


def test_every_kind_of_the_config_has_a_loss():
    assert set(get_args(AdversarialConfig.model_fields["kind"].annotation)) == set(ADVERSARIAL_LOSSES)


@pytest.mark.parametrize("kind", ADVERSARIAL_LOSSES)
def test_each_side_gains_by_moving_its_logits_its_way(kind):
    loss = ADVERSARIAL_LOSSES[kind]
    real, fake = (torch.randn(64).mul(0.5).requires_grad_() for _ in range(2))
    to_real, to_fake = torch.autograd.grad(loss.discriminator(real, fake), (real, fake))
    assert (to_real <= 0).all(), "real logits should rise"
    assert (to_fake >= 0).all(), "generated logits should fall"
    (to_fake,) = torch.autograd.grad(loss.generator(real, fake), fake)
    assert (to_fake < 0).all(), "the generator wants its logits to rise"


@pytest.mark.parametrize(
    ("kind", "discriminator", "generator"),
    [("relativistic", log(2), log(2)), ("non-saturating", 2 * log(2), log(2)), ("hinge", 2.0, 0.0)],
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
    assert centring(torch.tensor([1.0, 3.0]), torch.tensor([4.0, 4.0])).item() == pytest.approx(9.0)
