"""Gradient penalties: how steep a discriminator may be.

Both functions measure the mean squared gradient norm E ||dD/dx||^2 of a discriminator at samples x; at real samples
it is the r1_penalty, at generated ones the r2_penalty (Mescheder et al. 2018, "Which training methods for GANs do
actually converge?", eq. 9 and 10). The caller weighs it, customarily by weight / 2.
"""

import torch
from torch import Tensor


def exact_penalty(logits: Tensor, *inputs: Tensor) -> Tensor:
    """E ||dD/dx||^2 by double backward, a scalar.

    ``logits (b)`` must have been computed from ``inputs (b ...)``, which require gradients; no logit may depend on
    another sample's input.
    """
    gradients = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
    return torch.stack([gradient.flatten(1).square().sum(1) for gradient in gradients]).sum(0).mean()


def finite_difference_penalty(logits: Tensor, shifted_logits: Tensor, sigma: float) -> Tensor:
    """E (D(x + sigma e) - D(x))^2 / sigma^2 with e ~ N(0, I), a scalar.

    The expectation over e is ||dD/dx||^2 + O(sigma^2): a first-order expansion gives (e . dD/dx)^2. No double
    backward is needed (Lin et al. 2025, "Diffusion adversarial post-training", eq. 6).
    """
    return (shifted_logits - logits).square().mean() / sigma**2


def perturb(x: Tensor, sigma: float, generator: torch.Generator | None = None) -> Tensor:
    """Return ``x + sigma e`` with standard normal e drawn on x's device."""
    noise = torch.empty_like(x).normal_(generator=generator)
    return x + sigma * noise
