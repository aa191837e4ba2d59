"""The decoder of videos that are made chunk by chunk: as a CUDA graph where they go on for long enough.

A chunk is some hundred small kernels, and to start them one by one takes longer than what they compute. A graph starts
them together. What it reads and writes lies at fixed places, so that codes are copied in and frames copied out.
"""

import logging

import torch
from torch import Tensor

from videogan.device import rehearse
from videogan.errors import reason_of
from videogan.models.generator import Generator

GRAPH_AFTER = 8
"""Chunks that are decoded kernel by kernel: a graph takes about as long to record, and short videos need none."""

_log = logging.getLogger(__name__)


class ChunkDecoder:
    """Decodes some videos, one chunk of latent steps after another, and keeps the decoder's state between them.

    Args:
        generator: whose decoder it is.
        graphs: whether chunks that follow each other in one shape are replayed; None where the generator is on a GPU.
            On a CPU they go the same way, through fixed places, without a graph.
    """

    def __init__(self, generator: Generator, *, graphs: bool | None = None) -> None:
        self._generator = generator
        self._on_gpu = next(generator.parameters()).is_cuda
        self._replays = self._on_gpu if graphs is None else graphs
        self._chunks = 0
        self._state: tuple[Tensor, ...] | None = None
        self._inputs: list[Tensor] = []
        self._graph: torch.cuda.CUDAGraph | None = None
        self._frames = torch.empty(0)

    @property
    def began(self) -> bool:
        """Whether the first chunk is decoded, and with it the history."""
        return self._state is not None

    @property
    def replays(self) -> bool:
        """Whether the last chunk went through fixed places."""
        return bool(self._inputs)

    def __call__(self, codes: Tensor, condition: Tensor) -> Tensor:
        """Return the next frames ``(b t c h w)`` in [-1, 1] of codes ``(b s m)`` under ``condition (b s k)``.

        The first chunk begins with the history, and gives no frames for it. For use in inference mode.
        """
        self._chunks += 1
        inputs = [codes, condition]
        if self._inputs and [one.shape for one in inputs] != [one.shape for one in self._inputs]:
            self._forget()
        if self._replays and not self._inputs and self._chunks > GRAPH_AFTER and self._state is not None:
            self._prepare(inputs)
        if not self._inputs:
            frames, self._state = self._generator.decode(codes, condition, self._state)
            return frames.clamp(-1, 1)
        torch._foreach_copy_(self._inputs, inputs)
        if self._graph is None:
            return self._step()
        self._graph.replay()
        return self._frames.clone()

    def _step(self) -> Tensor:
        assert self._state is not None
        codes, condition = self._inputs
        frames, state = self._generator.decode(codes, condition, self._state)
        for kept, new in zip(self._state, state, strict=True):
            kept.copy_(new)
        return frames.clamp(-1, 1)

    def _prepare(self, inputs: list[Tensor]) -> None:
        """Make the fixed places and, on a GPU, record a chunk there; the state is as before."""
        assert self._state is not None
        before, self._inputs = self._state, [one.clone() for one in inputs]
        self._state = tuple(kept.clone() for kept in before)
        if not self._on_gpu:
            return
        try:
            rehearse(self._step)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self._frames = self._step()
            self._graph = graph
        except torch.OutOfMemoryError:  # the graph wants memory of its own; without it there may be enough
            self._give_up("memory does not suffice")
        except Exception as error:  # torch, cuDNN and the driver each have errors of their own for this
            self._give_up(f"recording failed: {reason_of(error)}")
        torch.cuda.synchronize()
        for kept, old in zip(self._state, before, strict=True):
            kept.copy_(old)

    def _give_up(self, reason: str) -> None:
        _log.warning("videos are made without a CUDA graph, which is slower: %s", reason)
        self._replays = False
        self._forget()

    def _forget(self) -> None:
        """Go on chunk by chunk, kernel by kernel; the state stays."""
        self._inputs, self._graph = [], None
