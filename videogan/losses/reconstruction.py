"""Reconstruction and cycle terms of the encoder: plain functions of tensors."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor


def reconstruction_loss(clips: Tensor, reconstructed: Tensor, kind: Literal["l1", "l2", "both"] = "both") -> Tensor:
    """Mean absolute (l1), mean squared (l2) difference of pixels, or their sum; of clips of one shape in [-1, 1].

    The squared part is ||X - G(z)||^2 / n; the absolute part keeps edges from blurring.
    """
    if kind == "both":
        return F.l1_loss(reconstructed, clips) + F.mse_loss(reconstructed, clips)
    return F.l1_loss(reconstructed, clips) if kind == "l1" else F.mse_loss(reconstructed, clips)


def feature_loss(features: Sequence[Tensor], reconstructed: Sequence[Tensor]) -> Tensor:
    """Mean squared difference of what discriminators see, each map in units of its own mean square.

    Larsen et al. 2016, "Autoencoding beyond pixels using a learned similarity metric", eq. 7, there without the units.
    """
    terms = [
        F.mse_loss(ours, theirs) / theirs.square().mean().clamp_min(1e-6)
        for ours, theirs in zip(reconstructed, features, strict=True)
    ]
    return torch.stack(terms).mean()


def latent_cycle_loss(codes: Tensor, recovered: Tensor) -> Tensor:
    """Mean squared difference between the codes of a generated clip and what the encoder finds in it."""
    return F.mse_loss(recovered, codes)
