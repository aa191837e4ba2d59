"""What changes with the step: the learning rate, shares of weights, what each step keeps of the generator's average."""

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from videogan.config import DiscriminatorConfig, OptimizerConfig, PenaltyConfig, SlopePenalty


def learning_rate(config: OptimizerConfig, step: int) -> float:
    """Return the rate of a step (from 0): linear warm-up, constant, and from ``decay_steps`` on as 1 / sqrt(step).

    This is the schedule of Karras et al. 2024 ("Analyzing and improving the training dynamics of diffusion models"),
    whose decay asks for no number of steps to plan for: a run that ends by the clock has the same rates as the
    beginning of a longer one.
    """
    done = step + 1
    warm = min(1.0, done / max(1, config.warmup_steps))
    decay = min(1.0, config.decay_steps / done) ** 0.5 if config.decay_steps else 1.0
    return config.learning_rate * warm * decay


LEAST_PENALTY = 0.1
"""Share of their weights that R1 and R2 keep, however long the run."""


def penalty_share(config: PenaltyConfig, step: int) -> float:
    """Return the share of R1's and R2's weights that is in force at a step (from 0).

    All of it at first, and from ``decay_steps`` on as 1 / step, down to a tenth; always all of it where that is 0.
    """
    if not isinstance(config, SlopePenalty) or not config.decay_steps:
        return 1.0
    return min(1.0, max(LEAST_PENALTY, config.decay_steps / (step + 1)))


def discriminator_share(config: DiscriminatorConfig, step: int) -> float:
    """Return the share of a discriminator's weight that is in force at a step (from 0)."""
    return min(1.0, step / config.warmup_steps) if config.warmup_steps else 1.0


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Set the rate of every parameter group, in place where it lies on a device."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


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
    torch._foreach_copy_(list(average.buffers()), list(network.buffers()))
