"""Networks that grow: what makes a larger one begin as the smaller one was, and lets it work at the smaller sizes too.

A new block at the highest resolution begins with a contribution of zero, beside a skip path of plain resampling that
leads to, or from, what the smaller network was (Karras et al. 2018, "Progressive growing of GANs", figure 2, whose
fading the zero takes the place of; Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", figure
7, keeps such paths).
"""

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn


def doublings(small: int, large: int) -> int:
    """Return how often ``small`` doubles up to ``large``."""
    return (large // small).bit_length() - 1


@torch.no_grad()
def begin_at_zero(layer: object) -> None:
    """Let a convolution give nothing at first; by what it is given, it learns."""
    assert isinstance(layer, nn.Conv2d | nn.Conv3d)
    layer.weight.zero_()
    if layer.bias is not None:
        layer.bias.zero_()


def from_pixels(
    pixels: Tensor,
    size: int,
    *,
    own_size: int,
    from_rgb: nn.Module,
    skips: nn.ModuleDict,
    blocks: nn.Sequential,
    halve: Callable[[Tensor], Tensor],
) -> Tensor:
    """Go through blocks that halve the resolution, from the one for frames of ``size`` pixels on.

    ``skips`` lead to the blocks for smaller frames, beside the blocks before those. ``halve`` brings pixels down.
    """
    x = (from_rgb if size == own_size else skips[str(size)])(pixels)
    for block in blocks[doublings(size, own_size) :]:
        x, size = block(x), size // 2
        if str(size) in skips:
            pixels = shrunk(pixels, x.shape[-1], halve)
            x = x + skips[str(size)](pixels)
    return x


def shrunk(pixels: Tensor, width: int, halve: Callable[[Tensor], Tensor]) -> Tensor:
    """Halve pixels until they are ``width`` wide."""
    while pixels.shape[-1] > width:
        pixels = halve(pixels)
    return pixels


def grown(tensors: Mapping[str, Tensor], size: int, larger: int) -> dict[str, Tensor]:
    """Return the tensors of a network for frames of ``size`` pixels under their names in the one for ``larger``."""
    shift = doublings(size, larger)
    if not shift:
        return dict(tensors)

    def later(match: re.Match[str]) -> str:
        return f"blocks.{int(match[1]) + shift}."

    names = {name: re.sub(r"\b(?:from_rgb|to_rgb)\.", f"skips.{size}.", name) for name in tensors}
    return {re.sub(r"\bblocks\.(\d+)\.", later, names[name]): tensor for name, tensor in tensors.items()}
