"""The Frechet distance between two sets of features, seen as Gaussians."""

import math

import numpy as np
import scipy.linalg
from torch import Tensor

from videogan.errors import DataError


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


def _moments(x: Tensor, ddof: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean and a factor R with R^T R = covariance, of at most d rows."""
    values = x.detach().cpu().double().numpy()
    mean = values.mean(axis=0)
    centred = (values - mean) / math.sqrt(len(values) - ddof)
    if len(centred) > centred.shape[1]:
        centred = scipy.linalg.qr(centred, mode="r")[0][: centred.shape[1]]
    return mean, centred
