"""Distances between two sets of features, kernel and Frechet, and confidence intervals of any metric of two sets."""

import math
from collections.abc import Callable

import numpy as np
import scipy.linalg
import torch
from torch import Tensor

from videogan.errors import DataError
from videogan.models.latents import random_generator


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Return the unbiased squared MMD of a (n d) and b (m d) with the kernel (x.y / d + 1)^3.

    Binkowski et al. 2018, equation 4 and section 3; not scaled. Unbiased, so near zero it can be negative.
    Raises DataError for fewer than two rows.
    """
    n, m = len(a), len(b)
    if min(n, m) < 2:
        raise DataError(f"a kernel distance needs two clips of each set, not {n} and {m}; take more clips")
    x, y = a.double(), b.double()
    within_x, within_y, across = _kernel(x, x), _kernel(y, y), _kernel(x, y)
    first = (within_x.sum() - within_x.trace()) / (n * (n - 1))
    second = (within_y.sum() - within_y.trace()) / (m * (m - 1))
    return float(first + second - 2 * across.mean())


def frechet_distance(a: Tensor, b: Tensor, *, ddof: int = 1) -> float:
    """Return |mu_a - mu_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)) for a (n d) and b (m d).

    Dowson and Landau 1982, equation 16; Heusel et al. 2017, equation 6. ``ddof`` 1 divides covariances by
    N - 1, 0 by N.
    Biased upwards while there are fewer clips than dimensions. Raises DataError for fewer than two rows.
    """
    if min(len(a), len(b)) < 2:
        raise DataError(f"a Frechet distance needs two clips of each set, not {len(a)} and {len(b)}; take more clips")
    (mean_a, root_a), (mean_b, root_b) = _moments(a, ddof), _moments(b, ddof)
    # The trace of (S_a S_b)^(1/2) is the sum of the singular values of R_a R_b^T: no square root of a singular matrix.
    cross = scipy.linalg.svdvals(root_a @ root_b.T).sum()
    distance = ((mean_a - mean_b) ** 2).sum() + (root_a**2).sum() + (root_b**2).sum() - 2 * cross
    return max(0.0, float(distance))


def bootstrap(
    metric: Callable[[Tensor, Tensor], float], a: Tensor, b: Tensor, *, resamples: int = 200, seed: int = 0
) -> tuple[float, float]:
    """Return a 95 % interval of ``metric(a, b)`` by resampling halves of both sets without repetition.

    A half drawn without repetition varies as the whole set varies between draws (Politis and Romano 1994), and unlike
    draws with repetition it does not put the same clip twice into a metric that looks at neighbours or pairs. The
    spread is laid around ``metric(a, b)``, as the metric of a half may have another mean.
    """
    generator = random_generator(seed)
    halves = [metric(_half(a, generator), _half(b, generator)) for _ in range(resamples)]
    values = torch.tensor(halves, dtype=torch.float64)
    low, high = torch.quantile(values - values.mean(), torch.tensor((0.025, 0.975), dtype=torch.float64)).tolist()
    whole = metric(a, b)
    return whole + low, whole + high


def _half(x: Tensor, generator: torch.Generator) -> Tensor:
    return x[torch.randperm(len(x), generator=generator)[: max(2, len(x) // 2)]]


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _moments(x: Tensor, ddof: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean and a factor R with R^T R = covariance, of at most d rows."""
    values = x.detach().cpu().double().numpy()
    mean = values.mean(axis=0)
    centred = (values - mean) / math.sqrt(len(values) - ddof)
    if len(centred) > centred.shape[1]:
        centred = scipy.linalg.qr(centred, mode="r")[0][: centred.shape[1]]
    return mean, centred
