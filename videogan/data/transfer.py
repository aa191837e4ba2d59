"""Many tensors to a device by one copy that nobody waits for."""

from typing import Generic, NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

ALIGNMENT = 256
"""Bytes; what a GPU's allocator gives too."""

Tree = TypeVar("Tree")
"""Tensors in tuples, named tuples, lists or dictionaries, whose other leaves stay as they are."""


class _Slot(NamedTuple):
    first: int
    dtype: torch.dtype
    shape: torch.Size

    def view(self, buffer: Tensor) -> Tensor:
        """Return the tensor that lies in this part of a buffer."""
        size = self.shape.numel() * self.dtype.itemsize
        return buffer[self.first : self.first + size].view(self.dtype).view(self.shape)


class Packed(Generic[Tree]):
    """Tensors of this machine's memory side by side in one buffer.

    Args:
        tree: the tensors; they are copied.
        pinned: whether the buffer is page-locked, from which a copy to a CUDA device does not wait. torch uses such a
            buffer again once the copy is done.
    """

    def __init__(self, tree: Tree, *, pinned: bool) -> None:
        leaves, self._structure = tree_flatten(tree)
        self._leaves: list[object] = []
        size = 0
        for leaf in leaves:
            self._leaves.append(_Slot(size, leaf.dtype, leaf.shape) if isinstance(leaf, Tensor) else leaf)
            if isinstance(leaf, Tensor):
                size += -(-leaf.numel() * leaf.itemsize // ALIGNMENT) * ALIGNMENT
        self._buffer = torch.empty(size, dtype=torch.uint8, pin_memory=pinned)
        for slot, leaf in zip(self._leaves, leaves, strict=True):
            if isinstance(slot, _Slot):
                slot.view(self._buffer).copy_(leaf)

    def to(self, device: torch.device | str) -> Tree:
        """Return the tensors on a device; all of them share one piece of its memory."""
        buffer = self._buffer.to(device, non_blocking=True)
        leaves = [leaf.view(buffer) if isinstance(leaf, _Slot) else leaf for leaf in self._leaves]
        tree: Tree = tree_unflatten(leaves, self._structure)
        return tree
