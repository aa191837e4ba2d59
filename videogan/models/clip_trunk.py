"""The trunk that clip discriminator, joint discriminator and encoder share in form: clips -> features.

Clips enter as ``b t c h w`` in [-1, 1].
"""

from collections.abc import Sequence
from itertools import pairwise

from einops import rearrange
from torch import Tensor, nn

from videogan.config import Normalisation
from videogan.models.growth import begin_at_zero, doublings, from_pixels
from videogan.models.layers import (
    LRELU_GAIN,
    Conv3d,
    activation,
    downsample,
    init_weights,
    spatial_downsample,
)
from videogan.models.normalisation import feature_norm


class ClipBlock(nn.Module):
    """A residual block of two 3 x 3 x 3 convolutions that halves the resolution and, if asked, the frame rate."""

    def __init__(
        self, in_channels: int, channels: int, *, halve_time: bool, normalisation: Normalisation = "none"
    ) -> None:
        super().__init__()
        self.first_norm = feature_norm(normalisation, in_channels, axes=5)
        self.second_norm = feature_norm(normalisation, in_channels, axes=5)
        self.halve_time = halve_time
        self.change = _conv3d(in_channels, channels, 1, gain=1.0)
        self.first = _conv3d(in_channels, in_channels, 3)
        self.second = _conv3d(in_channels, channels, 3, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``b c t h w`` to half the height and width."""
        halve = downsample if self.halve_time else spatial_downsample
        y = halve(self.first(activation(self.first_norm(x))))
        y = self.second(activation(self.second_norm(y)))
        return self.change(halve(x)) + y


class ClipTrunk(nn.Module):
    """Clips ``b t c h w`` -> features ``b c t/4 h w``.

    The resolution is halved on entry and by each block, the frame rate by the first two blocks for the smallest of the
    frame sizes: ``size``, and ``smaller_sizes`` that it grows from.
    """

    def __init__(
        self,
        size: int,
        channels: Sequence[int],
        smaller_sizes: Sequence[int] = (),
        normalisation: Normalisation = "none",
    ) -> None:
        super().__init__()
        self.size = size
        new = doublings(min(smaller_sizes, default=size), size)
        self.from_rgb = _conv3d(3, channels[0], 3, gain=1.0)
        self.blocks = nn.Sequential(
            *(
                ClipBlock(a, b, halve_time=new <= i < new + 2, normalisation=normalisation)
                for i, (a, b) in enumerate(pairwise(channels))
            )
        )
        self.skips = nn.ModuleDict()
        for smaller in smaller_sizes:
            number = doublings(smaller, size)
            self.skips[str(smaller)] = _conv3d(3, channels[number], 3, gain=1.0)
            begin_at_zero(self.blocks[number - 1].change)

    def forward(self, clips: Tensor) -> Tensor:
        """Map clips whose number of frames is a multiple of four."""
        return from_pixels(
            spatial_downsample(rearrange(clips, "b t c h w -> b c t h w")),
            clips.shape[-1],
            own_size=self.size,
            from_rgb=self.from_rgb,
            skips=self.skips,
            blocks=self.blocks,
            halve=spatial_downsample,
        )

    def layers(self) -> list[nn.Module]:
        """Return the first convolution and the blocks."""
        return [self.from_rgb, *self.blocks]


def _conv3d(in_channels: int, out_channels: int, kernel: int, *, gain: float = LRELU_GAIN) -> Conv3d:
    return init_weights(Conv3d(in_channels, out_channels, kernel, padding=kernel // 2), gain=gain)
