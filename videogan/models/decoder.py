"""The parts of the generator's decoder: a stage for each resolution, and the way from features to frames.

Everything is laid out ``b c t h w``; states as :mod:`videogan.models.layers` says.
"""

from collections.abc import Sequence

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from videogan.config import GeneratorConfig
from videogan.models.layers import (
    CausalConv3d,
    TemporalUpsample,
    activation,
    blur,
    conv3d,
    last_frames,
    spatial_upsample,
)
from videogan.models.normalisation import feature_norm
from videogan.models.precision import LoweredParameters

BASE_SIZE = 4
"""Height and width of the first feature map."""


class Stage(LoweredParameters):
    """One resolution of the decoder: upsampling, channel change, modulation by content, one residual block.

    Up to ``place_until`` pixels it learns a bias for every place, which content modulates too. What is learnt is the
    bias divided by ``place_lr_multiplier``: Adam's steps are as large whatever the gradients, so that the bias moves so
    many times as far (Karras et al. 2018, "Progressive growing of GANs", section 4.1).

    Args:
        settings: of the generator.
        number: of the resolution, counted from 0 for the first feature map; 1 and 2 double the frame rate.
    """

    def __init__(self, settings: GeneratorConfig, number: int) -> None:
        super().__init__()
        channels, size = settings.channels[number], BASE_SIZE << number
        self.first_norm = feature_norm(settings.normalisation, channels, axes=5)
        self.second_norm = feature_norm(settings.normalisation, channels, axes=5)
        self.upsample_space = number > 0
        self.upsample_time = TemporalUpsample() if number in (1, 2) else None
        self.change = conv3d(settings.channels[max(number - 1, 0)], channels, (1, 1, 1), gain=1.0)
        self.style = conv3d(settings.hidden_dim, channels, (1, 1, 1), gain=0.5)
        placed = size <= settings.place_until
        self.place = nn.Parameter(torch.zeros(1, channels, 1, size, size)) if placed else None
        self.place_lr_multiplier = settings.place_lr_multiplier
        self.spread = CausalConv3d(channels, channels, (3 if size <= settings.dense_until else 1, 3, 3))
        self.refine = conv3d(channels, channels, (1, 3, 3), gain=0.0)

    @property
    def histories(self) -> tuple[int, ...]:
        """Frames of state of the features' upsampling and the style's, if the frame rate doubles, and of the rest."""
        upsample = (self.upsample_time.history,) * 2 if self.upsample_time else ()
        return (*upsample, self.spread.history)

    def forward(
        self, x: Tensor, style: Tensor, state: Sequence[Tensor] | None = None, num_frames: int | None = None
    ) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """Map features ``x (b c t h w)`` and style ``(b k t 1 1)`` to those of the next resolution.

        Where the frame rate doubles, the block is given the last ``num_frames`` frames, by default all.
        """
        new_state: tuple[Tensor, ...] = ()
        x = self.change(x)
        if self.upsample_time is not None:
            x, last_x = self.upsample_time(x, None if state is None else state[0], num_frames)
            style, last_style = self.upsample_time(style, None if state is None else state[1], num_frames)
            new_state = (last_x, last_style)
        if self.upsample_space:
            x = spatial_upsample(x)
        y = self.first_norm(x)
        if self.place is not None:
            place = self.place.to(y.dtype)
            y = y + (place if self.place_lr_multiplier == 1 else self.place_lr_multiplier * place)
        y = activation(y * (1 + self.style(style)))
        y, last = self.spread(y, None if state is None else state[-1])
        y = self.refine(activation(self.second_norm(y)))
        return last_frames(x, y.shape[2]) + y, last_frames(style, y.shape[2]), (*new_state, last)


class ToRGB(nn.Module):
    """Features -> frames; with ``subpixel`` 2 each position gives a square of 2 x 2 pixels."""

    def __init__(self, channels: int, subpixel: int) -> None:
        super().__init__()
        self.subpixel = subpixel
        self.conv = conv3d(channels, 3 * subpixel**2, (1, 3, 3), gain=0.5)
        with torch.no_grad():
            # The pixels of a square begin alike, as if upsampled.
            first = rearrange(self.conv.weight, "(n c) i t h w -> n c i t h w", c=3)[:1]
            self.conv.weight.copy_(repeat(first, "1 c i t h w -> (n c) i t h w", n=subpixel**2))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``b k t h w`` to frames ``b t c h w`` in float32."""
        pixels = self.conv(activation(x)).float()
        pattern = "b (y x c) t h w -> b t c (h y) (w x)"
        frames = rearrange(pixels, pattern, y=self.subpixel, x=self.subpixel)
        return frames if self.subpixel == 1 else blur(frames)
