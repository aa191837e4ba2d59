"""The streaming step with named tensors in and out: four frames of one video, and the state to go on from.

Inputs, all float32: ``content_noise (1 d)``, standard normal and fixed for a video (scaled below 1: truncation);
``class_shares (1 n)``, how much of each class, only where the model has classes; ``motion_noise (1 1 m)``, standard
normal and new for every step; then the state. Outputs: ``frames (1 4 c h w)`` in [-1, 1]; then the next state, in the
same order.

A video begins with a state of zeros, but for ``integrators``, which is standard normal. The frames of the first
:func:`warm_up_steps` steps are thrown away: in them the dynamics forget where they began, and the decoder comes to see
nothing but its own history.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from videogan.artifacts.weights import Card
from videogan.models.dynamics import DynamicsState
from videogan.models.generator import Generator
from videogan.models.latents import Latents, content_code

FORMAT = "videogan streaming step 1"


@dataclass(frozen=True)
class StepDescription:
    """Names of the tensors in their order, and what a program needs to know about the model, as text."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    metadata: dict[str, str]


class StreamingStep(nn.Module):
    """One latent step of a generator; the module's docstring says what goes in and comes out."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator
        self._decoder_shapes = tuple(tuple(tensor.shape) for tensor in _decoder_state(generator))

    def forward(self, content_noise: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        """Map the inputs in their order to the outputs in theirs."""
        generator = self.generator
        class_shares, rest = (rest[0], rest[1:]) if generator.num_classes else (None, rest)
        motion_noise, motion_code, integrators, *states = rest
        decoder = list(self._whole(iter(states)))
        condition = generator.condition(content_code(content_noise, generator.prior), class_shares)[:, None]
        codes, dynamics = generator.dynamics(motion_noise, condition, DynamicsState(motion_code, integrators))
        frames, decoder_state = generator.decode(codes, condition, decoder)
        return (frames.clamp(-1, 1), *dynamics, *(tensor for tensor in decoder_state if tensor.numel()))

    def _whole(self, states: Iterator[Tensor]) -> Iterator[Tensor]:
        """Add the states without a value, of convolutions over single frames, which no program needs to carry along."""
        for shape in self._decoder_shapes:
            yield torch.zeros(shape) if 0 in shape else next(states)


def warm_up_steps(generator: Generator) -> int:
    """Return the latent steps at the beginning whose frames are no part of the video."""
    return generator.burn_in + generator.context_steps


def example_inputs(generator: Generator, source: torch.Generator) -> tuple[Tensor, ...]:
    """Return random inputs of the step, with the state of a video that begins."""
    shares = (torch.eye(generator.num_classes)[:1],) if generator.num_classes else ()
    return (
        torch.randn(1, generator.content_dim, generator=source),
        *shares,
        torch.randn(1, 1, generator.noise_dim, generator=source),
        torch.zeros(1, generator.motion_dim),
        torch.randn(1, generator.noise_dim, generator=source),
        *(torch.zeros(tensor.shape) for tensor in _decoder_state(generator) if tensor.numel()),
    )


@torch.inference_mode()
def _decoder_state(generator: Generator) -> tuple[Tensor, ...]:
    """Return a decoder's state after a latent step; convolutions over single frames have states without a value."""
    labels = torch.zeros(1, dtype=torch.long) if generator.num_classes else None
    noise = torch.zeros(1, 1 + generator.context_steps + 1, generator.noise_dim)
    return tuple(generator(Latents(torch.zeros(1, generator.content_dim), noise, labels), burn_in=0).decoder)


def describe_step(generator: Generator, card: Card, model_sha256: str) -> StepDescription:
    """Return the names of the step's tensors and the metadata that stand in an exported file."""
    fixed = ("content_noise", *(("class_shares",) if generator.num_classes else ()), "motion_noise")
    count = len(example_inputs(generator, torch.Generator())) - len(fixed) - 2
    state = ("motion_code", "integrators", *(f"decoder_{number}" for number in range(count)))
    metadata = {
        "format": FORMAT,
        "frame_rate": str(card.frame_rate),
        "class_names": json.dumps(card.class_names),
        "state": json.dumps(state),
        "warm_up_steps": str(warm_up_steps(generator)),
        "step": str(card.step),
        "model_sha256": model_sha256,
    }
    return StepDescription((*fixed, *state), ("frames", *(f"next_{name}" for name in state)), metadata)
