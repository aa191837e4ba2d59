"""Weights in the lower precision of autocast, made once for many passes instead of by every layer in every pass."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

LOWERED = (nn.Conv2d, nn.Conv3d, nn.Linear)
"""Layers that autocast runs in lower precision."""


class FullPrecision(nn.Module):
    """Base of modules that compute in float32 whatever the autocast: their layers are left as they are."""


class LoweredParameters(nn.Module):
    """Base of modules that are no layers and have parameters of their own, which follow the autocast as a layer's."""


@contextmanager
def lowered_weights(networks: Iterable[nn.Module], dtype: torch.dtype) -> Iterator[None]:
    """Let the layers of some networks use weights and biases in ``dtype``, all cast by one operation.

    Autocast would cast them in every layer, and those without a gradient again in every pass; the results are the same,
    bit for bit, as are the gradients, which reach the float32 weights. What is computed within may be differentiated
    after it. Weights that are float32 in ``dtype`` too are left alone.
    """
    layers = [layer for network in networks for layer in _lowerable(network)] if dtype != torch.float32 else []
    own = [
        (layer, name, weight) for layer in layers for name, weight in layer._parameters.items() if weight is not None
    ]
    try:
        for learns in (True, False):
            group = [place for place in own if place[2].requires_grad == learns]
            copies = _Lowered.apply(dtype, *(weight for _, _, weight in group))
            for (layer, name, _), copy in zip(group, copies, strict=True):
                layer._parameters[name] = copy
        yield
    finally:
        for layer, name, weight in own:
            layer._parameters[name] = weight


def _lowerable(network: nn.Module) -> Iterator[nn.Module]:
    """Yield every layer whose weights autocast would cast."""
    if isinstance(network, FullPrecision):
        return
    if isinstance(network, (*LOWERED, LoweredParameters)):
        yield network
    for child in network.children():
        yield from _lowerable(child)


class _Lowered(torch.autograd.Function):
    """Copies of many tensors in another precision; the gradients come back in their own."""

    @staticmethod
    def forward(ctx: Any, dtype: torch.dtype, *weights: Tensor) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.layouts = [(weight.shape, weight.stride()) for weight in weights]
        return tuple(_copies(weights, [torch.empty_like(weight, dtype=dtype) for weight in weights]))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        present = [gradient for gradient in gradients if gradient is not None]
        layouts = [layout for layout, gradient in zip(ctx.layouts, gradients, strict=True) if gradient is not None]
        # Laid out as the weights are: any other gradient would be copied once more.
        own = [torch.empty_strided(*layout, device=present[0].device) for layout in layouts]
        copies = iter(_copies(present, own))
        return (None, *(None if gradient is None else next(copies) for gradient in gradients))


def _copies(tensors: list[Tensor] | tuple[Tensor, ...], own: list[Tensor]) -> list[Tensor]:
    """Copy tensors to others of the same shapes, and return those."""
    if own:
        torch._foreach_copy_(own, tensors)
    return own
