"""Reconstruction and cycle terms of the encoder: plain functions of tensors."""

from torch import Tensor


def reconstruction_loss(clips: Tensor, reconstructed: Tensor) -> Tensor:
    """Mean absolute plus mean squared difference of pixels, of clips of one shape in [-1, 1].

    The squared part is ||X - G(z)||^2 / n; the absolute part keeps edges from blurring.
    """
    difference = clips - reconstructed
    return difference.abs().mean() + difference.square().mean()


def latent_cycle_loss(codes: Tensor, recovered: Tensor) -> Tensor:
    """Mean squared difference between the codes of a generated clip and what the encoder finds in it."""
    return (codes - recovered).square().mean()
