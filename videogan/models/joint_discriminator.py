"""The joint discriminator: judges whether a clip and the codes it is said to be made from belong together.

A real clip comes with the codes that the encoder finds in it, a generated one with those that it was made from
(Donahue et al. 2017, "Adversarial feature learning", eq. 2; Dumoulin et al. 2017, "Adversarially learned inference").
Clips enter as ``b t c h w`` in [-1, 1], ``t`` a multiple of four.
"""

from collections.abc import Sequence

import torch
from einops import rearrange, repeat
from torch import nn

from videogan.config import Normalisation
from videogan.models.clip_trunk import ClipTrunk
from videogan.models.discriminator import Discriminator, DiscriminatorInput, DiscriminatorOutput, Head
from videogan.models.layers import activation, mlp
from videogan.models.normalisation import normalise_weights


class JointDiscriminator(Discriminator):
    """Pairs (clip, codes) -> one logit each.

    Args:
        size: height and width of a frame.
        channels: features of the trunk, as in the clip discriminator.
        content_dim: length of the content code.
        motion_dim: length of a motion code.
        num_classes: number of classes, 0 for none.
        smaller_sizes: frames that it can judge too, since it grows from a network for them.
        normalisation: of the trunk's features, or of all weights.
    """

    uses_codes = True

    def __init__(
        self,
        *,
        size: int,
        channels: Sequence[int],
        content_dim: int,
        motion_dim: int,
        num_classes: int,
        smaller_sizes: Sequence[int] = (),
        normalisation: Normalisation = "none",
        hidden_dim: int = 128,
    ) -> None:
        super().__init__()
        self.trunk = ClipTrunk(size, channels, smaller_sizes, normalisation)
        features = channels[-1] * (size >> len(channels)) ** 2
        self.pairs = mlp(features + content_dim + motion_dim, hidden_dim, hidden_dim)
        self.head = Head(hidden_dim, num_classes=num_classes)
        normalise_weights(self, normalisation)

    def forward(self, x: DiscriminatorInput) -> DiscriminatorOutput:
        """Judge clips with their codes.

        The trunk's features have the frame rate of the motion codes: each latent step is paired with its own code.
        """
        if x.codes is None:
            raise ValueError("the joint discriminator needs the codes of the clips")
        features = rearrange(activation(self.trunk(x.clips)), "b c s h w -> b s (c h w)")
        content = repeat(x.codes.content, "b d -> b s d", s=features.shape[1])
        pairs = self.pairs(torch.cat([features, content, x.codes.motion_codes], dim=2))
        return self.head(pairs.mean(dim=1)[:, None], x.labels)

    def layers(self) -> list[nn.Module]:
        """Return those of the trunk."""
        return self.trunk.layers()
