"""The exponential moving average of the generator's weights, which is what samples are made with."""

import torch
from torch import nn


def ema_weight(batch_size: int, clips_seen: int, *, half_life: float, ramp: float) -> float:
    """Return the share of the old average that one step keeps.

    The half-life, in clips, is ``half_life`` but at most ``ramp`` times the clips seen so far, so that the average
    forgets its random beginning (as in Karras et al. 2020, "Training GANs with limited data", appendix).
    """
    return 0.5 ** (batch_size / min(half_life, ramp * clips_seen))


@torch.no_grad()
def update_ema(average: nn.Module, network: nn.Module, weight: float) -> None:
    """Move ``average`` towards ``network``, keeping ``weight`` of the old value; buffers are copied."""
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - weight)
    for old, new in zip(average.buffers(), network.buffers(), strict=True):
        old.copy_(new)
