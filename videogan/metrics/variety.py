"""What the values of clips differ by: within a class, between classes, and by each latent that a clip is made from."""

import torch
from torch import Tensor


def variance_within_classes(values: Tensor, labels: Tensor) -> float:
    """Return the variance between clips of one class, unbiased and per value, of values (n ...) with labels (n).

    Clips without a class (-1) count as those of one more; classes of a single clip say nothing.
    """
    flat, total, degrees = values.flatten(1).double(), 0.0, 0
    for label in labels.unique():
        own = flat[labels == label]
        total += float((own - own.mean(dim=0)).square().sum())
        degrees += len(own) - 1
    return total / (degrees * flat.shape[1]) if degrees else float("nan")


def class_share(colours: Tensor, labels: Tensor) -> float:
    """Return the share of the class means in the variance of clips' mean colours (n 3), of classes that count alike."""
    kinds = labels.unique()
    means = torch.stack([colours[labels == label].double().mean(dim=0) for label in kinds])
    within = torch.stack([colours[labels == label].double().var(dim=0, correction=0) for label in kinds]).mean(dim=0)
    between = means.var(dim=0, correction=0).sum()
    return float(between / (between + within.sum()).clamp_min(1e-12))


def factor_shares(values: Tensor) -> tuple[float, ...]:
    """Return what each factor of a balanced design decides: values (f1 f2 ... d), every level with every other.

    A factor's part is the variance where it alone is drawn anew: its total effect (Sobol 2001; Jansen 1999). The parts
    are divided by their sum. A factor of one level decides nothing.
    """
    parts = []
    for axis in range(values.ndim - 1):
        many = values.shape[axis] > 1
        parts.append(float(values.double().var(dim=axis).mean()) if many else 0.0)
    total = max(sum(parts), 1e-12)
    return tuple(part / total for part in parts)


def variance_of_pairs(values: Tensor) -> float:
    """Return the variance within classes, per value, that a balanced design (classes contents motions ...) stands for.

    Half the mean squared difference of pairs that share neither content nor motion, which is unbiased where the videos
    of such a design, that share one or the other, are not independent.
    """
    contents, motions = values.shape[1:3]
    others = [
        values.double() - values.double().roll((one, other), dims=(1, 2))
        for one in range(1, contents)
        for other in range(1, motions)
    ]
    return float(torch.stack([difference.square().mean() for difference in others]).mean() / 2)
