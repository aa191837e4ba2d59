"""What changes with the step: the learning rate."""

from torch.optim import Optimizer

from videogan.config import OptimizerConfig


def learning_rate(config: OptimizerConfig, step: int) -> float:
    """Return the rate of a step (from 0): linear warm-up, then constant."""
    return config.learning_rate * min(1.0, (step + 1) / max(1, config.warmup_steps))


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Set the rate of every parameter group."""
    for group in optimizer.param_groups:
        group["lr"] = rate
