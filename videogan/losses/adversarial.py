"""Adversarial losses, and the auxiliary classifier's beside them: plain functions of logits.

Every discriminator loss and every generator loss takes ``(real_logits, fake_logits)``, each of the same shape, such as
``(b k)``, and returns a scalar to be minimised. The pairs in ``ADVERSARIAL_LOSSES`` are named as in the configuration.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from videogan.config import LOSSES_WITH_LABELS

LogitLoss = Callable[..., Tensor]


class AdversarialLoss(NamedTuple):
    """The loss of a discriminator and that of the generator that plays against it."""

    discriminator: LogitLoss
    generator: LogitLoss


def relativistic_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E softplus(D(G(z)) - D(x)): a real clip should look more real than a generated one.

    The relativistic pairing loss (Jolicoeur-Martineau 2018, "The relativistic discriminator", eq. 8, with the
    logistic f, as in R3GAN, Huang et al. 2024, eq. 3).
    """
    return F.softplus(fake_logits - real_logits).mean()


def relativistic_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E softplus(D(x) - D(G(z))): the same with the roles exchanged."""
    return F.softplus(real_logits - fake_logits).mean()


def logistic_discriminator(
    real_logits: Tensor, fake_logits: Tensor, *, real_label: float = 1.0, fake_label: float = 0.0
) -> Tensor:
    """E softplus(-D(x)) + E softplus(D(G(z))): binary cross-entropy (Goodfellow et al. 2014, eq. 1).

    With a label r of real clips and f of generated ones, each in [0, 1], it is E [softplus(-D(x)) + (1 - r) D(x)] +
    E [softplus(D(G(z))) - f D(G(z))]. A real_label below 1 is one-sided label smoothing (Salimans et al. 2016,
    "Improved techniques for training GANs", section 3.4).
    """
    real = F.softplus(-real_logits) + (1 - real_label) * real_logits
    fake = F.softplus(fake_logits) - fake_label * fake_logits
    return real.mean() + fake.mean()


def non_saturating_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E softplus(-D(G(z))): maximise log D rather than minimise log(1 - D) (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-fake_logits).mean()


def hinge_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))) (Lim and Ye 2017, "Geometric GAN", eq. 9)."""
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def hinge_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-E D(G(z)) (Lim and Ye 2017, eq. 10)."""
    return -fake_logits.mean()


def least_squares_discriminator(
    real_logits: Tensor, fake_logits: Tensor, *, real_label: float = 1.0, fake_label: float = 0.0
) -> Tensor:
    """E (D(x) - r)^2 / 2 + E (D(G(z)) - f)^2 / 2 with labels r and f (Mao et al. 2017, "Least squares GANs", eq. 2)."""
    return ((real_logits - real_label).square().mean() + (fake_logits - fake_label).square().mean()) / 2


def least_squares_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E (D(G(z)) - 1)^2 / 2 (Mao et al. 2017, eq. 2, with the labels 0 and 1 of its eq. 9)."""
    return (fake_logits - 1).square().mean() / 2


def wasserstein_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E D(G(z)) - E D(x): minus the critic's estimate (Arjovsky et al. 2017, "Wasserstein GAN", eq. 3)."""
    return fake_logits.mean() - real_logits.mean()


def wasserstein_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-E D(G(z)) (Arjovsky et al. 2017, theorem 3)."""
    return -fake_logits.mean()


def wasserstein_distance(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E D(x) - E D(G(z)): for a critic of slope at most one, a lower bound of the Wasserstein-1 distance.

    Arjovsky et al. 2017, eq. 2 (Kantorovich-Rubinstein duality). Elsewhere the number has no such meaning.
    """
    return real_logits.mean() - fake_logits.mean()


ADVERSARIAL_LOSSES = {
    "relativistic": AdversarialLoss(relativistic_discriminator, relativistic_generator),
    "non-saturating": AdversarialLoss(logistic_discriminator, non_saturating_generator),
    "hinge": AdversarialLoss(hinge_discriminator, hinge_generator),
    "least-squares": AdversarialLoss(least_squares_discriminator, least_squares_generator),
    "wasserstein": AdversarialLoss(wasserstein_discriminator, wasserstein_generator),
}


def adversarial_loss(kind: str, *, real_label: float = 1.0, fake_label: float = 0.0) -> AdversarialLoss:
    """Return the pair named ``kind``; the labels, in [0, 1], count where its discriminator's loss has some."""
    loss = ADVERSARIAL_LOSSES[kind]
    if kind not in LOSSES_WITH_LABELS:
        return loss
    return loss._replace(discriminator=partial(loss.discriminator, real_label=real_label, fake_label=fake_label))


def centring(real_mean: Tensor, fake_mean: Tensor) -> Tensor:
    """The squared mean logit, of the means of either side: it keeps logits near zero where a loss sees differences."""
    return ((real_mean + fake_mean) / 2) ** 2


def auxiliary_loss(class_logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of ``class_logits (b k n)`` with ``labels (b)``.

    On real clips for a discriminator, on generated ones for the generator (Odena et al. 2017, "Conditional image
    synthesis with auxiliary classifier GANs", eq. 3).
    """
    return F.cross_entropy(
        class_logits.float().flatten(0, 1), labels[:, None].expand(-1, class_logits.shape[1]).flatten()
    )
