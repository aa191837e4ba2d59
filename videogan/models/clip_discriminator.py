"""The clip discriminator: judges whole clips at half resolution, so that it sees motion rather than detail.

Clips enter as ``b t c h w`` in [-1, 1].
"""

from collections.abc import Sequence
from itertools import pairwise

from einops import rearrange
from torch import Tensor, nn

from videogan.config import Normalisation
from videogan.models.heads import Judgement, JudgementHead
from videogan.models.layers import (
    LRELU_GAIN,
    Conv3d,
    activation,
    init_weights,
    spatial_downsample,
    temporal_downsample,
)
from videogan.models.normalisation import feature_norm, normalise_weights


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
        y = self._downsample(self.first(activation(self.first_norm(x))))
        y = self.second(activation(self.second_norm(y)))
        return self.change(self._downsample(x)) + y

    def _downsample(self, x: Tensor) -> Tensor:
        x = spatial_downsample(x)
        return temporal_downsample(x) if self.halve_time else x


class ClipTrunk(nn.Module):
    """Clips ``b t c h w`` -> features ``b c t/4 h w``: what the clip discriminator and the encoder share in form.

    The resolution is halved on entry and by each block, the frame rate by the first two blocks.
    """

    def __init__(self, channels: Sequence[int], normalisation: Normalisation = "none") -> None:
        super().__init__()
        self.from_rgb = _conv3d(3, channels[0], 3, gain=1.0)
        self.blocks = nn.Sequential(
            *(
                ClipBlock(a, b, halve_time=i < 2, normalisation=normalisation)
                for i, (a, b) in enumerate(pairwise(channels))
            )
        )

    def forward(self, clips: Tensor) -> Tensor:
        """Map clips whose number of frames is a multiple of four."""
        x = spatial_downsample(rearrange(clips, "b t c h w -> b c t h w"))
        return self.blocks(self.from_rgb(x))


class ClipDiscriminator(nn.Module):
    """Clips -> logits.

    Args:
        size: height and width of a frame.
        num_frames: frames in a clip.
        channels: features at half resolution and after each further halving, at least three.
        num_classes: number of classes, 0 for none.
        normalisation: of features or weights.
    """

    def __init__(
        self,
        *,
        size: int,
        num_frames: int,
        channels: Sequence[int],
        num_classes: int,
        normalisation: Normalisation = "none",
    ) -> None:
        super().__init__()
        self.trunk = ClipTrunk(channels, normalisation)
        smallest = size >> len(channels)
        self.head = JudgementHead(channels[-1] * num_frames // 4 * smallest**2, num_classes=num_classes)
        normalise_weights(self, normalisation)

    def forward(self, clips: Tensor, labels: Tensor | None) -> Judgement:
        """Judge ``clips (b t c h w)`` of classes ``labels (b)``."""
        return self.head(self.features(clips).flatten(1), labels)

    def features(self, clips: Tensor) -> Tensor:
        """Return what the head sees, ``b c t/4 h w`` at four pixels."""
        features: Tensor = self.trunk(clips)
        return features


def _conv3d(in_channels: int, out_channels: int, kernel: int, *, gain: float = LRELU_GAIN) -> Conv3d:
    conv = Conv3d(in_channels, out_channels, kernel, padding=kernel // 2)
    init_weights(conv, gain=gain)
    return conv
