"""A clip of one class shown as another: the encoder's codes, decoded under another class, in constant memory."""

from collections.abc import Callable, Iterator
from itertools import chain

import torch
from einops import repeat
from torch import Tensor

from videogan.generation.sampling import constant_conditions, decoded
from videogan.models.encoder import Encoder
from videogan.models.generator import Generator

Frames = Callable[[], Iterator[Tensor]]
"""Begins a clip: its frames ``c h w`` in [-1, 1], one after the other, the same each time."""


def translate(
    generator: Generator, encoder: Encoder, frames: Frames, label: int, *, window: int, num_frames: int
) -> Iterator[Tensor]:
    """Yield the ``num_frames`` frames of a clip under another class in chunks ``(1 t c h w)``, fewer if it has fewer.

    The clip is gone through twice: once for its content code, the mean over all windows of ``window`` frames, and once
    for its motion codes. The scene stands still before it: its first motion code is repeated as history.
    """
    device = next(encoder.parameters()).device
    with torch.inference_mode():
        total, count = torch.zeros(1, generator.content_dim, device=device), 0
        for clip in windows(frames(), window):
            total, count = total + encoder(clip.to(device)).content, count + 1
    conditions = constant_conditions(generator, total / count, torch.tensor([label], device=device))
    for chunk in decoded(generator, _codes(generator, encoder, frames, window), conditions):
        if num_frames > 0:
            yield chunk[:, :num_frames]
        num_frames -= chunk.shape[1]


def windows(frames: Iterator[Tensor], window: int) -> Iterator[Tensor]:
    """Yield clips ``(1 window c h w)`` that follow each other; the last frame is repeated to fill the last one."""
    some: list[Tensor] = []
    for frame in frames:
        some.append(frame)
        if len(some) == window:
            yield torch.stack(some)[None]
            some = []
    if some:
        yield torch.cat([torch.stack(some), repeat(some[-1], "c h w -> t c h w", t=window - len(some))])[None]


def _codes(generator: Generator, encoder: Encoder, frames: Frames, window: int) -> Iterator[Tensor]:
    """Yield motion codes ``(1 m)``, the decoder's history first, window by window."""
    device, history = next(encoder.parameters()).device, generator.context_steps
    for clip in windows(frames(), window):
        with torch.inference_mode():
            codes = encoder(clip.to(device)).motion_codes.unbind(1)
        yield from chain([codes[0]] * history, codes)
        history = 0
