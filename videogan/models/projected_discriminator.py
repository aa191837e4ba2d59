"""The projected discriminator: judges single frames by what a frozen network, which knows photographs, sees in them.

Its heads look at several depths of that network, each through a random projection that stays as it is (Sauer et al.
2021, "Projected GANs converge faster", section 3.2). It stands beside the other discriminators (Kumari et al. 2022,
"Ensembling off-the-shelf models for GAN training"), which see what the frozen network has learnt to overlook.
"""

from collections.abc import Callable
from typing import Any, Self

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

from videogan.models.discriminator import Discriminator, DiscriminatorInput, DiscriminatorOutput
from videogan.models.efficientnet import STAGE_CHANNELS, load_efficientnet, normalised, stages
from videogan.models.layers import activation, init_weights
from videogan.models.normalisation import normalise_weights

LOGIT_SCALE = 4.0
"""Logits of a head whose weights all have a spectral norm of 1 are too small to tell real from generated."""
FURTHEST = 12
"""Frames are moved by at most such a part of their size."""


class ProjectionHead(nn.Module):
    """Features of one depth -> a logit for every second place.

    With ``minibatch_std`` it also sees how much each feature differs among at most so many clips that follow each
    other, which shows a generator of few looks (Karras et al. 2018, "Progressive growing of GANs", section 3, there as
    one mean).
    """

    def __init__(self, in_channels: int, channels: int, minibatch_std: int) -> None:
        super().__init__()
        self.minibatch_std = minibatch_std
        self.register_buffer("projection", torch.randn(channels, in_channels, 1, 1) / in_channels**0.5)
        self.projection: Tensor
        self.first = init_weights(nn.Conv2d(channels, channels, 3, padding=1, stride=2))
        self.variety = init_weights(nn.Linear(channels, channels), gain=1.0) if minibatch_std else None
        self.second = init_weights(nn.Conv2d(channels, channels, 3, padding=1))
        self.logit = init_weights(nn.Conv2d(channels, 1, 1), gain=0.1)

    def forward(self, features: Tensor, num_frames: int) -> Tensor:
        """Map ``(b k) c h w``, ``num_frames`` of each clip, to ``(b k) (h w)``, a quarter as many places."""
        x = F.conv2d(features, self.projection.to(features.dtype))
        # Depths differ in scale; each frame is brought to a mean square of 1.
        x = x * torch.rsqrt(x.float().square().mean(dim=(1, 2, 3), keepdim=True) + 1e-6).to(x.dtype)
        first = self.first(x)
        if self.variety is not None:
            first = first + rearrange(self.variety(self._spread(x, num_frames)), "n c -> n c 1 1").to(x.dtype)
        x = activation(self.second(activation(first)))
        return LOGIT_SCALE * self.logit(x).float().flatten(1)

    def _spread(self, x: Tensor, num_frames: int) -> Tensor:
        """Return the standard deviation of each feature among the clips of a group, a mean over places, ``(b k) c``.

        Groups are as large as divides the batch: of 6 clips, and 4 at most, there are two groups of 3.
        """
        clips = len(x) // num_frames
        size = max(size for size in range(1, self.minibatch_std + 1) if clips % size == 0)
        groups = rearrange(x.float(), "(g i k) c h w -> g i k c h w", i=size, k=num_frames)
        # ``groups.var(dim=1)`` takes a CPU twenty times as long.
        variance = (groups - groups.mean(dim=1, keepdim=True)).square().mean(dim=1)
        spread = (variance + 1e-4).sqrt().mean(dim=(3, 4))
        return repeat(spread, "g k c -> (g i k) c", i=size)


def moved(frames: Tensor, shift: Tensor) -> Tensor:
    """Move frames ``n c h w`` by up to a twelfth of their size, up and left or down and right; edges are repeated.

    Without that the heads know real clips by what falls on which place of the frozen network's grids. ``shift (n 2)``
    in [0, 1) is down and to the right; 0.5 is no move.
    """
    size = frames.shape[-1]
    furthest = size // FURTHEST
    steps = furthest - (shift * (2 * furthest + 1)).long()
    rows, columns = (
        (torch.arange(size, device=frames.device) + steps[:, [axis]]).clamp(0, size - 1) for axis in (0, 1)
    )
    frames = frames.gather(2, rows[:, None, :, None].expand_as(frames))
    return frames.gather(3, columns[:, None, None, :].expand_as(frames))


class ProjectedDiscriminator(Discriminator):
    """A few frames of each clip -> logits for places of each, at strides of 8, 16 and 32 of the enlarged frame.

    The frozen network is no part of its state, and is not penalised: a slope through it cannot be made small.

    Args:
        size: height and width to which frames are brought.
        num_frames: how many frames of a clip are judged.
        head_channels: features of the head at each of three depths.
        minibatch_std: most clips in each of the groups whose standard deviation the heads see; 0: none.
    """

    penalised = False

    def __init__(self, *, size: int, num_frames: int, head_channels: int, minibatch_std: int) -> None:
        super().__init__()
        self.size, self.num_frames, self.minibatch_std = size, num_frames, minibatch_std
        network, _ = load_efficientnet()
        self._frozen = (stages(network).to(memory_format=torch.channels_last),)  # in a tuple: no part of the state
        self.heads = nn.ModuleList(
            ProjectionHead(channels, head_channels, minibatch_std) for channels in STAGE_CHANNELS
        )
        normalise_weights(self, "spectral")

    def forward(self, x: DiscriminatorInput) -> DiscriminatorOutput:
        """Judge the first ``num_frames`` of each clip's frame order, or as many as it has; classes do not matter."""
        frames = F.interpolate(x.frames(self.num_frames).float(), (self.size, self.size), mode="bilinear")
        if x.shift is not None:
            frames = moved(frames, repeat(x.shift, "b yx -> (b k) yx", k=len(frames) // len(x.clips)))
        seen, per_clip = self._seen(normalised(frames)), len(frames) // len(x.clips)
        logits = [head(features, per_clip) for head, features in zip(self.heads, seen, strict=True)]
        return DiscriminatorOutput(rearrange(torch.cat(logits, 1), "(b k) p -> b (k p)", b=len(x.clips)), None)

    def mixes_samples(self) -> bool:
        """Tell whether its heads see how the clips of a batch differ."""
        return self.minibatch_std > 0

    def _seen(self, frames: Tensor) -> list[Tensor]:
        # On a CPU the gradient of depthwise convolutions is slower in bfloat16 than in float32.
        lower = torch.is_autocast_enabled(frames.device.type) and (frames.is_cuda or not frames.requires_grad)
        seen = []
        with torch.autocast(frames.device.type, enabled=lower):
            for stage in self._frozen[0]:
                frames = stage(frames)
                seen.append(frames)
        return seen

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        self._frozen[0]._apply(fn, recurse)
        super()._apply(fn, recurse)
        return self
