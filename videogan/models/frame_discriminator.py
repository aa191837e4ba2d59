"""The frame discriminator: judges single frames at full resolution.

Frames enter as ``b c h w`` in [-1, 1].
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from videogan.config import Normalisation
from videogan.models.heads import Judgement, JudgementHead
from videogan.models.layers import LRELU_GAIN, activation, init_weights, resample
from videogan.models.normalisation import feature_norm, normalise_weights


class FrameBlock(nn.Module):
    """A residual block of two 3 x 3 convolutions that halves the resolution."""

    def __init__(self, in_channels: int, channels: int, normalisation: Normalisation) -> None:
        super().__init__()
        self.first_norm = feature_norm(normalisation, in_channels, axes=4)
        self.second_norm = feature_norm(normalisation, in_channels, axes=4)
        self.change = _conv2d(in_channels, channels, 1, gain=1.0)
        self.first = _conv2d(in_channels, in_channels, 3)
        self.second = _conv2d(in_channels, channels, 3, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``b c h w`` to half the height and width."""
        y = self.first(activation(self.first_norm(x)))
        y = self.second(activation(self.second_norm(resample(y, 0.5))))
        return self.change(resample(x, 0.5)) + y


class FrameDiscriminator(nn.Module):
    """Frames -> logits.

    Args:
        size: height and width of a frame.
        channels: features at full resolution and after each halving.
        num_classes: number of classes, 0 for none.
        normalisation: of features or weights.
    """

    def __init__(
        self, *, size: int, channels: Sequence[int], num_classes: int, normalisation: Normalisation = "none"
    ) -> None:
        super().__init__()
        self.from_rgb = _conv2d(3, channels[0], 3, gain=1.0)
        self.blocks = nn.Sequential(*(FrameBlock(a, b, normalisation) for a, b in pairwise(channels)))
        smallest = size >> (len(channels) - 1)
        self.head = JudgementHead(channels[-1] * smallest**2, num_classes=num_classes)
        normalise_weights(self, normalisation)

    def forward(self, frames: Tensor, labels: Tensor | None) -> Judgement:
        """Judge ``frames (b c h w)`` of classes ``labels (b)``."""
        return self.head(self.features(frames).flatten(1), labels)

    def features(self, frames: Tensor) -> Tensor:
        """Return what the head sees, ``b c h w`` at four pixels."""
        features: Tensor = self.blocks(self.from_rgb(frames))
        return features


def _conv2d(in_channels: int, out_channels: int, kernel: int, *, gain: float = LRELU_GAIN) -> nn.Conv2d:
    conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
    init_weights(conv, gain=gain)
    return conv
