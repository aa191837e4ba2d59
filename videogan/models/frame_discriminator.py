"""The frame discriminator: judges single frames of a clip at full resolution."""

from collections.abc import Sequence
from itertools import pairwise

from einops import rearrange
from torch import Tensor, nn

from videogan.config import Normalisation
from videogan.models.discriminator import Discriminator, DiscriminatorInput, DiscriminatorOutput, Head
from videogan.models.growth import begin_at_zero, doublings, from_pixels
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


class FrameDiscriminator(Discriminator):
    """A few frames of each clip -> one logit a frame.

    Args:
        size: height and width of a frame.
        num_frames: how many frames of a clip are judged.
        channels: features at full resolution and after each halving.
        num_classes: number of classes, 0 for none.
        smaller_sizes: frames that it can judge too, since it grows from a network for them.
        normalisation: of features or weights.
    """

    def __init__(
        self,
        *,
        size: int,
        num_frames: int,
        channels: Sequence[int],
        num_classes: int,
        smaller_sizes: Sequence[int] = (),
        normalisation: Normalisation = "none",
    ) -> None:
        super().__init__()
        self.size, self.num_frames = size, num_frames
        self.from_rgb = _conv2d(3, channels[0], 3, gain=1.0)
        self.blocks = nn.Sequential(*(FrameBlock(a, b, normalisation) for a, b in pairwise(channels)))
        self.skips = nn.ModuleDict()
        for smaller in smaller_sizes:
            number = doublings(smaller, size)
            self.skips[str(smaller)] = _conv2d(3, channels[number], 3, gain=1.0)
            begin_at_zero(self.blocks[number - 1].change)
        smallest = size >> (len(channels) - 1)
        self.head = Head(channels[-1] * smallest**2, num_classes=num_classes)
        normalise_weights(self, normalisation)

    def forward(self, x: DiscriminatorInput) -> DiscriminatorOutput:
        """Judge the first ``num_frames`` of each clip's frame order, or as many as it has."""
        return self.head(rearrange(self._features(x), "(b k) c h w -> b k (c h w)", b=len(x.clips)), x.labels)

    def features(self, x: DiscriminatorInput) -> list[Tensor]:
        """Return what the head sees of the same frames, ``(b k) c h w`` at four pixels."""
        return [self._features(x)]

    def layers(self) -> list[nn.Module]:
        """Return the first convolution and the blocks."""
        return [self.from_rgb, *self.blocks]

    def _features(self, x: DiscriminatorInput) -> Tensor:
        frames = x.frames(self.num_frames)
        return from_pixels(
            frames,
            frames.shape[-1],
            own_size=self.size,
            from_rgb=self.from_rgb,
            skips=self.skips,
            blocks=self.blocks,
            halve=lambda pixels: resample(pixels, 0.5),
        )


def _conv2d(in_channels: int, out_channels: int, kernel: int, *, gain: float = LRELU_GAIN) -> nn.Conv2d:
    return init_weights(nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2), gain=gain)
