"""The auxiliary classifier's loss (Odena et al. 2017, "Conditional image synthesis with AC-GANs", eq. 3)."""

import torch.nn.functional as F
from torch import Tensor


def auxiliary_loss(class_logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of ``class_logits (b n)`` with ``labels (b)``: on real clips for a discriminator, on generated
    ones for the generator.
    """
    return F.cross_entropy(class_logits.float(), labels)
