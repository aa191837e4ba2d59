"""The encoder: the generator's way back, from a clip to the codes that make it.

Clips enter as ``b t c h w`` in [-1, 1], ``t`` a multiple of four.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from einops import rearrange, reduce
from torch import Tensor, nn

from videogan.models.clip_trunk import ClipTrunk
from videogan.models.latents import Prior
from videogan.models.layers import activation, linear, mlp


class Codes(NamedTuple):
    """What a clip was made from: ``content (b d)`` and ``motion_codes (b s m)``, four frames to a latent step."""

    content: Tensor
    motion_codes: Tensor

    def first(self, count: int) -> "Codes":
        """Return the codes of the first ``count`` clips."""
        return Codes(self.content[:count], self.motion_codes[:count])

    def last(self, count: int) -> "Codes":
        """Return the codes of the last ``count`` clips."""
        return Codes(self.content[-count:], self.motion_codes[-count:])


class Encoder(nn.Module):
    """Clips -> content code and motion codes.

    Args:
        size: height and width of a frame.
        channels: features of the trunk, as in the clip discriminator.
        content_dim: length of the content code.
        motion_dim: length of a motion code.
        prior: distribution of the content code; a uniform one is met by a final tanh.
        smaller_sizes: frames that it can encode too, since it grows from a network for them.
    """

    def __init__(
        self,
        *,
        size: int,
        channels: Sequence[int],
        content_dim: int,
        motion_dim: int,
        prior: Prior,
        smaller_sizes: Sequence[int] = (),
        hidden_dim: int = 256,
    ) -> None:
        super().__init__()
        self.bounded = prior == "uniform"
        self.trunk = ClipTrunk(size, channels, smaller_sizes)
        features = channels[-1] * (size >> len(channels)) ** 2
        self.step_features = mlp(features, hidden_dim)
        self.content = linear(hidden_dim, content_dim)
        self.motion = linear(hidden_dim, motion_dim)

    def forward(self, clips: Tensor) -> Codes:
        """Encode ``clips (b t c h w)``."""
        features = rearrange(activation(self.trunk(clips)), "b c s h w -> b s (c h w)")
        steps = self.step_features(features.float())
        content = self.content(reduce(steps, "b s k -> b k", "mean"))
        return Codes(torch.tanh(content) if self.bounded else content, torch.tanh(self.motion(steps)))
