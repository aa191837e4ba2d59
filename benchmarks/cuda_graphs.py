"""One CUDA graph per chunk of a stream, to be measured: it has not run on a GPU yet, so the package does not use it.

A chunk of the stream is some hundred small kernels, and starting them one by one takes longer than what they compute.
A graph starts them together. Its inputs and outputs lie at fixed places, so that each chunk is copied out of it.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from videogan.generation.sampling import latent_stream
from videogan.models.dynamics import DynamicsState
from videogan.models.generator import Generator
from videogan.models.latents import Latents, content_code

WARM_UP = 3


class GraphedStep:
    """Dynamics and decoder for one batch, one condition and one number of latent steps, as a CUDA graph.

    On any other device the step is run as it is, which gives the same frames.
    """

    def __init__(self, generator: Generator, condition: Tensor, state: Sequence[Tensor]) -> None:
        batch, steps = condition.shape[:2]
        self._generator, self._condition = generator, condition
        self._noise = torch.zeros(batch, steps, generator.noise_dim, device=condition.device)
        self._state = [tensor.clone() for tensor in state]
        self._graph: torch.cuda.CUDAGraph | None = None
        if condition.device.type == "cuda":
            self._capture()

    def __call__(self, noise: Tensor) -> Tensor:
        """Return the frames ``(b t c h w)`` of the next steps ``noise (b s n)``, valid until the next call."""
        self._noise.copy_(noise)
        if self._graph is None:
            return self._step()
        self._graph.replay()
        return self._frames

    def _step(self) -> Tensor:
        codes, dynamics = self._generator.dynamics(self._noise, self._condition, DynamicsState(*self._state[:2]))
        frames, decoder = self._generator.decode(codes, self._condition, self._state[2:])
        for kept, new in zip(self._state, (*dynamics, *decoder), strict=True):
            kept.copy_(new)
        return frames.clamp(-1, 1)

    def _capture(self) -> None:
        """Record one step; the state that its rehearsals changed is put back."""
        before = [tensor.clone() for tensor in self._state]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                self._step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._frames = self._step()
        self._graph = graph
        for kept, old in zip(self._state, before, strict=True):
            kept.copy_(old)


def graphed_stream(
    generator: Generator, seeds: Sequence[int], labels: Tensor | None, *, chunk_steps: int
) -> Iterator[Tensor]:
    """Yield the frames of one video per seed for ever, as ``sampling.stream`` does, by one graph."""
    device = next(generator.parameters()).device
    latents = latent_stream(generator, seeds)
    with torch.inference_mode():
        before = Latents(
            latents.content_noise.to(device),
            latents.motion_noise(1 + generator.burn_in + generator.context_steps + chunk_steps).to(device),
            labels,
        )
        first = generator(before, burn_in=generator.burn_in)
        yield first.frames.clamp(-1, 1)
        content = content_code(before.content_noise, generator.prior)
        condition = generator.condition(content, labels)[:, None].expand(-1, chunk_steps, -1)
        step = GraphedStep(generator, condition, (*first.dynamics, *first.decoder))
    while True:
        with torch.inference_mode():
            frames = step(latents.motion_noise(chunk_steps).to(device))
        yield frames
