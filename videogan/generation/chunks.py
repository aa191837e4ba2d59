"""What a generator does again and again while videos are made, as CUDA graphs where it is on a GPU.

A chunk is some hundred small kernels, and to start them one by one takes longer than what they compute. A graph starts
them together. What it reads and writes lies at fixed places, so that inputs are copied in and results copied out.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from copy import deepcopy
from functools import cached_property
from threading import Lock
from typing import NamedTuple

import torch
from torch import Tensor

from videogan.device import keep_freed_memory, rehearse
from videogan.errors import reason_of
from videogan.models.dynamics import DynamicsState
from videogan.models.generator import Generator

GRAPH_AFTER = 8
"""Calls of one shape that go kernel by kernel: a graph takes about as long to record, and short videos need none."""
MOST_GRAPHS = 8
"""Graphs that are kept; the oldest goes first."""

_log = logging.getLogger(__name__)


Function = Callable[..., tuple[Tensor, ...]]
Key = tuple[object, ...]


class Recording(NamedTuple):
    """The fixed places of what goes into a function and comes out, and its graph; None: the function is called."""

    function: Function
    inputs: list[Tensor]
    outputs: tuple[Tensor, ...]
    graph: torch.cuda.CUDAGraph | None


class Replays:
    """The passes of a generator that makes videos, recorded once they have come often enough in one shape.

    Any number of videos, one after the other or in several threads, share the recordings. A generator on a GPU decodes
    in float16, whose rounding is that of the TF32 products that float32 would get there: frames stay within one level
    of 255 (docs/benchmarks.md). If a pass that is not yet recorded leaves its range, everything is made in float32 from
    then on. For use in inference mode, while the weights stay as they are.

    Args:
        generator: whose passes they are.
        graphs: whether passes are recorded; None where the generator is on a GPU. On a CPU they go the same way,
            through fixed places, without a graph.
        lowered: whether frames are decoded in float16; None where the generator is on a GPU.
    """

    def __init__(self, generator: Generator, *, graphs: bool | None = None, lowered: bool | None = None) -> None:
        self._generator = generator
        self._device = next(generator.parameters()).device
        self._on_gpu = self._device.type == "cuda"
        self._records = self._on_gpu if graphs is None else graphs
        self._lowered = self._on_gpu if lowered is None else lowered
        self._calls: Counter[Key] = Counter()
        self._recordings: dict[Key, Recording] = {}
        self._lock = Lock()
        if not self._on_gpu:
            keep_freed_memory()

    @property
    def recorded(self) -> int:
        """How many passes are recorded."""
        return len(self._recordings)

    def begin(self, noise: Tensor, condition: Tensor) -> tuple[Tensor, DynamicsState]:
        """Run the dynamics over ``noise (b 1+s n)``, of which the first is the integrators' initial value.

        Returns motion codes ``(b s m)`` and the state after them.
        """
        codes, *state = self._call(self._begin, [noise, condition])
        return codes, DynamicsState(*state)

    def decode(
        self, codes: Tensor, condition: Tensor, state: Sequence[Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return frames ``(b t c h w)`` in [-1, 1] and the decoder's next state, as :meth:`Generator.decode` does."""
        inputs = [codes, condition, *(state or ())]
        frames, *new = self._call(self._decode, inputs)
        return frames.clamp(-1, 1), tuple(new)

    @cached_property
    def _half(self) -> Generator:
        """The generator with weights in float16, which autocast would cast in every replay."""
        return deepcopy(self._generator).half()

    def _begin(self, noise: Tensor, condition: Tensor) -> tuple[Tensor, ...]:
        state = self._generator.dynamics.initial_state(noise[:, 0])
        codes, state = self._generator.dynamics(noise[:, 1:], condition, state)
        return codes, *state

    def _decode(self, codes: Tensor, condition: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast(self._device.type, torch.float16) if self._lowered else nullcontext():
            frames, new = self._generator.decode(codes, condition, state or None)
        return frames.float(), *new

    def _decode_in_half(self, codes: Tensor, condition: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        frames, new = self._half.decode(codes.half(), condition.half(), state or None)
        return frames.float(), *new

    def _call(self, function: Function, inputs: list[Tensor]) -> tuple[Tensor, ...]:
        if not self._records:
            return self._checked(function, inputs)
        key = (function.__name__, *((x.shape, x.dtype) for x in inputs))
        with self._lock:
            if key not in self._recordings:
                self._calls[key] += 1
                if self._calls[key] > GRAPH_AFTER:
                    self._record(key, function, inputs)
            recording = self._recordings.get(key)
            if recording is None:
                return self._checked(function, inputs)
            _copy(recording.inputs, inputs)
            if recording.graph is None:
                return recording.function(*recording.inputs)
            recording.graph.replay()
            outputs = tuple(map(torch.empty_like, recording.outputs))
            _copy(outputs, recording.outputs)
            return outputs

    def _checked(self, function: Function, inputs: list[Tensor]) -> tuple[Tensor, ...]:
        """Call a function, and once more in float32 where float16 did not suffice."""
        outputs = function(*inputs)
        if self._lowered and function == self._decode and not outputs[0].isfinite().all():
            _log.warning("videos are made in float32, which is slower: in float16 a value was too large")
            self._lowered = False
            self._recordings.clear()
            outputs = function(*inputs)
        return outputs

    def _record(self, key: Key, function: Function, inputs: list[Tensor]) -> None:
        """Make the fixed places and, on a GPU, record the function between them."""
        places, outputs, graph = [x.clone() for x in inputs], tuple[Tensor, ...](), None
        if self._lowered and function == self._decode:
            function = self._decode_in_half
        try:
            if self._on_gpu:
                rehearse(lambda: function(*places))
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                    outputs = function(*places)
            self._recordings[key] = Recording(function, places, outputs, graph)
            for oldest in list(self._recordings)[:-MOST_GRAPHS]:
                del self._recordings[oldest]
        except torch.OutOfMemoryError:  # a graph wants memory of its own; without it there may be enough
            self._give_up("memory does not suffice")
        except Exception as error:  # torch, cuDNN and the driver each have errors of their own for this
            self._give_up(f"recording failed: {reason_of(error)}")
        if self._on_gpu:
            torch.cuda.synchronize()

    def _give_up(self, reason: str) -> None:
        _log.warning("videos are made without a CUDA graph, which is slower: %s", reason)
        self._records = False
        self._recordings.clear()


class ChunkDecoder:
    """Decodes some videos, one chunk of latent steps after another, and keeps the decoder's state between them."""

    def __init__(self, replays: Replays) -> None:
        self._replays = replays
        self._state: tuple[Tensor, ...] | None = None

    @property
    def began(self) -> bool:
        """Whether the first chunk is decoded, and with it the history."""
        return self._state is not None

    def __call__(self, codes: Tensor, condition: Tensor) -> Tensor:
        """Return the next frames ``(b t c h w)`` in [-1, 1] of codes ``(b s m)`` under ``condition (b s k)``.

        The first chunk begins with the history, and gives no frames for it. For use in inference mode.
        """
        frames, self._state = self._replays.decode(codes, condition, self._state)
        return frames


def _copy(places: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    """Copy values to places of the same shapes and dtypes."""
    pairs = [pair for pair in zip(places, values, strict=True) if pair[0].numel()]
    for dtype in dict.fromkeys(place.dtype for place, _ in pairs):
        some, new = zip(*(pair for pair in pairs if pair[0].dtype == dtype), strict=True)
        torch._foreach_copy_(some, new)
