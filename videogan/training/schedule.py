"""What changes with the step: the learning rate."""

from torch.optim import Optimizer

from videogan.config import OptimizerConfig


def learning_rate(config: OptimizerConfig, step: int) -> float:
    """Return the rate of a step (from 0): linear warm-up, constant, and from ``decay_steps`` on as 1 / sqrt(step).

    The decay of Vaswani et al. 2017 ("Attention is all you need", eq. 3) asks for no number of steps to plan for: a run
    that ends by the clock has the same rates as the beginning of a longer one.
    """
    done = step + 1
    warm = min(1.0, done / max(1, config.warmup_steps))
    decay = min(1.0, config.decay_steps / done) ** 0.5 if config.decay_steps else 1.0
    return config.learning_rate * warm * decay


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Set the rate of every parameter group."""
    for group in optimizer.param_groups:
        group["lr"] = rate
