"""Gradient penalties: how steep a discriminator may be.

The first two functions measure the mean squared gradient norm E ||dD/dx||^2 of a discriminator at samples x, the second
times the square of its step; at real samples it is the r1_penalty, at generated ones the r2_penalty (Mescheder et al.
2018, "Which training methods for GANs do actually converge?", eq. 9 and 10). The caller weighs it, customarily by
weight / 2.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def exact_penalty(logits: Tensor, *inputs: Tensor) -> Tensor:
    """E ||dD/dx||^2 by double backward, a scalar.

    ``logits (b)`` must have been computed from ``inputs (b ...)``, which require gradients; no logit may depend on
    another sample's input.
    """
    gradients = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
    return torch.stack([gradient.flatten(1).square().sum(1) for gradient in gradients]).sum(0).mean()


def finite_difference(logits: Tensor, shifted_logits: Tensor) -> Tensor:
    """E (D(x + sigma e) - D(x))^2 with e ~ N(0, I), a scalar: divided by sigma^2 it is E ||dD/dx||^2 + O(sigma^2).

    A first-order expansion gives sigma^2 (e . dD/dx)^2, whose expectation over e is sigma^2 ||dD/dx||^2. No double
    backward is needed (Lin et al. 2025, "Diffusion adversarial post-training", eq. 6).
    """
    return F.mse_loss(shifted_logits, logits)


def wasserstein_penalty(logits: Tensor, *inputs: Tensor) -> Tensor:
    """E (||dD/dx|| - 1)^2 by double backward, a scalar (Gulrajani et al. 2017, "Improved training of WGANs", eq. 3).

    ``logits (b)`` must have been computed from ``inputs (b ...)``, which require gradients and lie between a real and
    a generated sample; no logit may depend on another sample's input.
    """
    gradients = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
    square = torch.stack([gradient.flatten(1).square().sum(1) for gradient in gradients]).sum(0)
    return ((square + 1e-12).sqrt() - 1).square().mean()


def between(real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """Return a point on the line from each ``fake`` to its ``real (b ...)``; ``share (b)`` of the way, drawn evenly."""
    return torch.lerp(fake, real, share.view(-1, *[1] * (real.ndim - 1)).to(real))


REFERENCE_VARIANCE = 0.125
"""Variance between clips of the set on which the penalty's default weight was found (moving-shapes)."""
REFERENCE_VALUES = 3 * 32 * 32
"""Values of one of its frames."""
SMALLEST_VARIANCE = REFERENCE_VARIANCE / 100
"""Clips that hardly differ are taken to differ by so much: a weight of nearly zero would let training diverge."""


def relative_scale(real: Tensor) -> Tensor:
    """Return what makes a penalty's weight independent of the clips' contrast and resolution, for ``real (b t c h w)``.

    A discriminator that has to tell clips apart at half the contrast must be twice as steep: R1 at the same weight
    would forbid four times as much. So the squared gradient is measured against the variance of the clips. And where
    a frame has n times the values, a discriminator of the same picture has 1 / n of the squared gradient, as each
    value counts for less. Both are given relative to the set that the default weight was found on.
    """
    values = real[0, 0].numel() / REFERENCE_VALUES
    if len(real) == 1:
        return real.new_tensor(values)
    # The mean of ``real.var(dim=0)``, which takes a CPU ten times as long; of so many clips it is this much larger.
    unbiased = len(real) / (len(real) - 1)
    variance = F.mse_loss(real, real.mean(dim=0).expand_as(real)).clamp_min(SMALLEST_VARIANCE / unbiased)
    return variance * (unbiased / REFERENCE_VARIANCE * values)


def perturb(x: Tensor, sigma: float, noise: Tensor) -> Tensor:
    """Return ``x + sigma e`` with standard normal ``noise`` e of x's shape."""
    return torch.add(x, noise, alpha=sigma)
