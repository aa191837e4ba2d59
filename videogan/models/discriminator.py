"""What every discriminator is: its input, its output, its base class, and the head that each kind ends in."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import ClassVar, NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from videogan.models.encoder import Codes
from videogan.models.layers import activation, linear
from videogan.models.precision import FullPrecision


class DiscriminatorInput(NamedTuple):
    """Clips, real or generated, with all that a discriminator may want to know of them.

    ``clips (b t c h w)`` in [-1, 1]; ``labels (b)``, None without classes; ``frame_order (b k)``, frame numbers of each
    clip in random order, of which a discriminator of frames takes as many from the front as it looks at; ``codes``,
    those that a clip was made from or that the encoder gives it, None where no discriminator uses them; ``shift (b 2)``
    in [0, 1), by how much, down and to the right, one may move the frames of each clip, None where it must not.
    """

    clips: Tensor
    labels: Tensor | None
    frame_order: Tensor
    codes: Codes | None = None
    shift: Tensor | None = None

    def first(self, count: int) -> "DiscriminatorInput":
        """Return the first ``count`` clips with all that belongs to them."""
        return DiscriminatorInput(
            self.clips[:count],
            None if self.labels is None else self.labels[:count],
            self.frame_order[:count],
            None if self.codes is None else self.codes.first(count),
            None if self.shift is None else self.shift[:count],
        )

    def one_frame(self) -> "DiscriminatorInput":
        """Return the same clips with a single frame of each to look at: a slope is that of one logit."""
        return self._replace(frame_order=self.frame_order[:, :1])

    def frames(self, count: int) -> Tensor:
        """Return the first ``count`` frames of each clip's order, or as many as it has, as ``(b k) c h w``."""
        channels, height, width = self.clips.shape[2:]
        order = self.frame_order[:, :count, None, None, None].expand(-1, -1, channels, height, width)
        return rearrange(self.clips.gather(1, order), "b k c h w -> (b k) c h w")

    @staticmethod
    def cat(parts: Sequence["DiscriminatorInput"]) -> "DiscriminatorInput":
        """Join several batches to one."""
        clips, labels, frame_order, codes, shifts = zip(*parts, strict=True)
        return DiscriminatorInput(
            torch.cat(clips),
            None if labels[0] is None else torch.cat(labels),
            torch.cat(frame_order),
            None if codes[0] is None else Codes(*(torch.cat(same) for same in zip(*codes, strict=True))),
            None if shifts[0] is None else torch.cat(shifts),
        )


class DiscriminatorOutput(NamedTuple):
    """``k`` opinions on each clip: adversarial ``logits (b k)``, and ``class_logits (b k n)``, None without classes."""

    logits: Tensor
    class_logits: Tensor | None

    def split(self, counts: Sequence[int]) -> list["DiscriminatorOutput"]:
        """Undo :meth:`DiscriminatorInput.cat`: one output for each batch of ``counts`` clips."""
        logits = self.logits.split(list(counts))
        if self.class_logits is None:
            return [DiscriminatorOutput(part, None) for part in logits]
        # Slices, as most are not used: the gradient of a split fills a tensor with zeros for each that is not.
        ends = list(accumulate(counts, initial=0))
        classes = [self.class_logits[begin:end] for begin, end in pairwise(ends)]
        return [DiscriminatorOutput(*parts) for parts in zip(logits, classes, strict=True)]


class Discriminator(nn.Module):
    """Base of all discriminators; each kind is final and picks from its input what it looks at."""

    uses_codes: ClassVar[bool] = False
    """Whether it needs ``DiscriminatorInput.codes``; with codes it also plays against the encoder."""

    penalised: ClassVar[bool] = True
    """Whether the gradient penalty holds for it."""

    def forward(self, x: DiscriminatorInput) -> DiscriminatorOutput:
        """Judge clips."""
        raise NotImplementedError

    def features(self, x: DiscriminatorInput) -> list[Tensor]:
        """Return the features that a reconstruction is compared by, none by default."""
        return []

    def layers(self) -> list[nn.Module]:
        """Return the layers that could be frozen, from the pixels on; none by default."""
        return []

    def mixes_samples(self) -> bool:
        """Tell whether what it says of a clip depends on the other clips of its batch, as batch normalisation does."""
        return any(isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d) for module in self.modules())


class Head(FullPrecision):
    """Features -> adversarial logit with class projection, and an auxiliary classifier beside it.

    The logit is w . phi + b + e(y) . phi (Miyato and Koyama 2018, "cGANs with projection discriminator", eq. 4).
    Computed in float32 whatever the autocast, because relativistic losses subtract nearly equal logits.
    """

    def __init__(self, features: int, *, num_classes: int, hidden_dim: int = 256) -> None:
        super().__init__()
        self.hidden = linear(features, hidden_dim)
        self.logit = linear(hidden_dim, 1, gain=0.1)
        self.projection = nn.Embedding(num_classes, hidden_dim) if num_classes else None
        self.classifier = linear(hidden_dim, num_classes) if num_classes else None
        if self.projection is not None:
            nn.init.normal_(self.projection.weight, std=0.1 * hidden_dim**-0.5)

    def forward(self, features: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
        """Judge ``features (b k f)``, k opinions on each clip, of classes ``labels (b)``."""
        with torch.autocast(features.device.type, enabled=False):
            phi = activation(self.hidden(activation(features.float())))
            logits = self.logit(phi)
            if self.projection is None or self.classifier is None:
                return DiscriminatorOutput(logits.squeeze(2), None)
            if labels is None:
                raise ValueError("this discriminator has classes: it needs labels")
            classes = self.projection(labels)[:, :, None]
            return DiscriminatorOutput(torch.baddbmm(logits, phi, classes).squeeze(2), self.classifier(phi))
