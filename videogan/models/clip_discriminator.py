"""The clip discriminator: judges whole clips at half resolution, so that it sees motion rather than detail."""

from collections.abc import Sequence

from torch import Tensor, nn

from videogan.config import Normalisation
from videogan.models.clip_trunk import ClipTrunk
from videogan.models.discriminator import Discriminator, DiscriminatorInput, DiscriminatorOutput, Head
from videogan.models.normalisation import normalise_weights


class ClipDiscriminator(Discriminator):
    """Clips -> one logit each.

    Args:
        size: height and width of a frame.
        num_frames: frames in a clip.
        channels: features at half resolution and after each further halving, at least three.
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
        self.trunk = ClipTrunk(size, channels, smaller_sizes, normalisation)
        smallest = size >> len(channels)
        self.head = Head(channels[-1] * num_frames // 4 * smallest**2, num_classes=num_classes)
        normalise_weights(self, normalisation)

    def forward(self, x: DiscriminatorInput) -> DiscriminatorOutput:
        """Judge whole clips."""
        return self.head(self.trunk(x.clips).flatten(1)[:, None], x.labels)

    def features(self, x: DiscriminatorInput) -> list[Tensor]:
        """Return what the head sees, ``b c t/4 h w`` at four pixels."""
        return [self.trunk(x.clips)]

    def layers(self) -> list[nn.Module]:
        """Return those of the trunk."""
        return self.trunk.layers()
