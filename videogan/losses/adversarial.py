"""Adversarial losses: plain functions of logits.

Every discriminator loss and every generator loss takes ``(real_logits, fake_logits)``, each ``(b)``, and returns a
scalar to be minimised. The pairs in ``ADVERSARIAL_LOSSES`` are named as in the configuration.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

LogitLoss = Callable[[Tensor, Tensor], Tensor]


class AdversarialLoss(NamedTuple):
    """The two sides of one game."""

    discriminator: LogitLoss
    generator: LogitLoss


def relativistic_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E softplus(D(G(z)) - D(x)): a real clip should look more real than a generated one.

    The relativistic pairing loss (Jolicoeur-Martineau 2018, "The relativistic discriminator", eq. 8, with the
    logistic f, as in R3GAN, Huang et al. 2024, eq. 3).
    """
    return F.softplus(fake_logits - real_logits).mean()


def relativistic_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E softplus(D(x) - D(G(z))): the same game from the other side."""
    return F.softplus(real_logits - fake_logits).mean()


def logistic_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E softplus(-D(x)) + E softplus(D(G(z))): binary cross-entropy (Goodfellow et al. 2014, eq. 1)."""
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def non_saturating_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E softplus(-D(G(z))): maximise log D rather than minimise log(1 - D) (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-fake_logits).mean()


def hinge_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))) (Lim and Ye 2017, "Geometric GAN", eq. 9)."""
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def hinge_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-E D(G(z)) (Lim and Ye 2017, eq. 10)."""
    return -fake_logits.mean()


ADVERSARIAL_LOSSES = {
    "relativistic": AdversarialLoss(relativistic_discriminator, relativistic_generator),
    "non-saturating": AdversarialLoss(logistic_discriminator, non_saturating_generator),
    "hinge": AdversarialLoss(hinge_discriminator, hinge_generator),
}


def centring(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The squared mean logit: keeps logits near zero where a loss sees only their differences."""
    return ((real_logits.mean() + fake_logits.mean()) / 2) ** 2
