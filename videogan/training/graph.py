"""A step of fixed shapes as one CUDA graph, which starts its thousands of kernels at once.

Started one by one, the small operations of a step keep a GPU waiting for the host most of the time. A graph is recorded
once and replayed: its inputs lie at fixed places, into which every step's are copied, and so do its results, which are
copied out. Nothing recorded may read a value back, and every number that changes has to be a tensor.
"""

import logging
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils._pytree import tree_leaves, tree_map_only

from videogan.device import rehearse
from videogan.errors import reason_of

X = TypeVar("X")
"""The step's input: tensors, in tuples or named tuples."""
Key = TypeVar("Key", bound=Hashable)
"""What else the step depends on; each value of it has a graph of its own."""

_log = logging.getLogger(__name__)


class Recording(NamedTuple):
    """A graph, and where it leaves the values that the step returns, stacked in the order of their names."""

    graph: torch.cuda.CUDAGraph
    names: list[str]
    values: Tensor


class GraphedStep(Generic[X, Key]):
    """A function that changes networks and optimizers, recorded where they are on a GPU, else called as it is.

    Args:
        step: takes the input and the key, and returns named scalars; it forgets old gradients first.
        networks: all that it changes.
        optimizers: all that it steps.
        eager_because: why it cannot be recorded, if it cannot.
    """

    def __init__(
        self,
        step: Callable[[X, Key], dict[str, Tensor]],
        networks: Sequence[nn.Module],
        optimizers: Sequence[Optimizer],
        *,
        eager_because: str = "",
    ) -> None:
        self._step, self._optimizers = step, optimizers
        self._weights = [w.detach() for network in networks for w in (*network.parameters(), *network.buffers())]
        self._input: X | None = None
        self._recordings: dict[Key, Recording] = {}
        self._records = self._weights[0].device.type == "cuda" and not eager_because
        if eager_because and self._weights[0].device.type == "cuda":
            _log.info("training step: not a CUDA graph, because %s", eager_because)

    @property
    def recorded(self) -> bool:
        """Whether there is a graph."""
        return bool(self._recordings)

    def __call__(self, x: X, key: Key) -> dict[str, Tensor]:
        """Take a step; the scalars are the caller's to keep."""
        x = self._keep(x)
        if self._records and key not in self._recordings:
            self._record(x, key)
        if key not in self._recordings:
            return self._step(x, key)
        graph, names, values = self._recordings[key]
        graph.replay()
        return dict(zip(names, values.clone().unbind(), strict=True))

    def _keep(self, x: X) -> X:
        """Copy the input to the fixed places that a graph reads."""
        if self._input is None:
            self._input = tree_map_only(Tensor, torch.clone, x)
            return self._input
        with torch.no_grad():
            pairs = list(zip(_tensors(self._input), _tensors(x), strict=True))
            for dtype in dict.fromkeys(own.dtype for own, _ in pairs):
                own, new = zip(*(pair for pair in pairs if pair[0].dtype == dtype), strict=True)
                torch._foreach_copy_(own, new, non_blocking=True)
        return self._input

    def _record(self, x: X, key: Key) -> None:
        """Rehearse and record; networks and optimizers are as before. What fails is called as it is from now on."""
        weights = [weight.clone() for weight in self._weights]
        moments = {id(tensor): tensor.clone() for tensor in self._moments()}
        try:
            rehearse(lambda: self._step(x, key))
            self._forget_gradients()
            graph = torch.cuda.CUDAGraph()
            # Other threads bring clips to the device meanwhile.
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                losses = self._step(x, key)
                values = torch.stack(list(losses.values()))
            self._recordings[key] = Recording(graph, list(losses), values)
            _log.info("training step: a CUDA graph (%s)", key)
        except torch.OutOfMemoryError:  # nor would the step as it is find room
            raise
        except Exception as error:  # torch, cuDNN and the driver each have errors of their own for this
            self._records = False
            self._recordings.clear()
            _log.warning("training step: not a CUDA graph, because recording failed (%s)", reason_of(error))
            self._forget_gradients()
        torch.cuda.synchronize()
        torch._foreach_copy_(self._weights, weights)
        for tensor in self._moments():
            if id(tensor) in moments:
                tensor.copy_(moments[id(tensor)])
            else:  # made by the rehearsal
                tensor.zero_()

    def _moments(self) -> list[Tensor]:
        states = [state for optimizer in self._optimizers for state in optimizer.state.values()]
        return [value for state in states for value in state.values() if isinstance(value, Tensor)]

    def _forget_gradients(self) -> None:
        for optimizer in self._optimizers:
            optimizer.zero_grad(set_to_none=True)


def _tensors(x: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(x) if isinstance(leaf, Tensor)]
