"""The head that both discriminators end in."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from videogan.models.layers import activation, linear


class Judgement(NamedTuple):
    """What a discriminator says: adversarial ``logits (b)`` and ``class_logits (b n)``, None without classes."""

    logits: Tensor
    class_logits: Tensor | None


class JudgementHead(nn.Module):
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

    def forward(self, features: Tensor, labels: Tensor | None) -> Judgement:
        """Judge ``features (b k)`` of classes ``labels (b)``."""
        with torch.autocast(features.device.type, enabled=False):
            phi = activation(self.hidden(activation(features.float())))
            logits = self.logit(phi)[:, 0]
            if self.projection is None or self.classifier is None:
                return Judgement(logits, None)
            if labels is None:
                raise ValueError("this discriminator has classes: it needs labels")
            return Judgement(logits + (self.projection(labels) * phi).sum(1), self.classifier(phi))
