"""A tiny generator with random weights whose videos move."""

import torch
from tiny_run import tiny_config

from videogan.models.build import build_generator
from videogan.models.generator import Generator


def tiny_generator(num_classes: int = 0, *settings: str) -> Generator:
    torch.manual_seed(3)
    generator = build_generator(tiny_config(*settings), num_classes)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(0.06 * torch.randn_like(parameter))
    return generator.eval().requires_grad_(False)


def changes(frames: torch.Tensor) -> torch.Tensor:
    """Mean absolute change from frame to frame, ``(b t-1)``."""
    return (frames[:, 1:] - frames[:, :-1]).abs().mean(dim=(2, 3, 4))
