"""Whether generated clips look real, cover the real ones and their classes, and are no copies."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from videogan.errors import DataError


def precision_recall_density_coverage(real: Tensor, fake: Tensor, k: int = 5) -> dict[str, float]:
    """Return precision, recall, density and coverage of fake (m d) against real (n d).

    Precision and recall: Kynkaanniemi et al. 2019, equation 2. Density and coverage: Naeem et al. 2020, equations 4
    and 6. Density may exceed 1. Raises DataError where a set has no more than k clips.
    """
    if min(len(real), len(fake)) <= k:
        raise DataError(f"precision and recall need more than {k} clips of each set; take more clips")
    across = _distances(real, fake)
    radius_real, radius_fake = _radius(real, k), _radius(fake, k)
    inside = across <= radius_real[:, None]
    return {
        "precision": float(inside.any(dim=0).double().mean()),
        "recall": float((across <= radius_fake).any(dim=1).double().mean()),
        "density": float(inside.double().sum(dim=0).mean() / k),
        "coverage": float(inside.any(dim=1).double().mean()),
    }


def pairwise_distance(x: Tensor) -> float:
    """Return the mean Euclidean distance between two different rows of x (n d)."""
    if len(x) < 2:
        raise DataError("a pairwise distance needs two clips; take more clips")
    return float(_distances(x, x).sum() / (len(x) * (len(x) - 1)))


def duplicate_share(x: Tensor, threshold: float) -> float:
    """Return the share of rows of x (n d) that have another row within the distance ``threshold``."""
    if len(x) < 2:
        return 0.0
    return float((_nearest_other(x) <= threshold).double().mean())


def nearest(fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Return for every row of fake (m d) the distance (m) to its nearest row of real (n d), and that row's index."""
    distances, indices = _distances(fake, real).min(dim=1)
    return distances, indices


def copied_share(distances: Sequence[Tensor], unseen: Sequence[Tensor]) -> float:
    """Return the share of clips that are copies, by the distance (n) of each to its nearest real clip.

    One tensor for each description of a clip, content and motion say; ``unseen`` are those (m) of real clips to the
    nearest real clip of another video. A copy is nearer than 19 of 20 unseen clips by every description, so that unseen
    clips themselves give 0.05 or less.
    """
    near = [own < others.quantile(0.05) for own, others in zip(distances, unseen, strict=True)]
    return float(torch.stack(near).all(dim=0).double().mean())


def class_accuracy(
    real_features: Tensor, real_labels: Tensor, fake_features: Tensor, fake_labels: Tensor, num_classes: int
) -> dict[str, float]:
    """Return the accuracies on fake clips of a multinomial logistic regression that learns the real ones.

    Features are (n d), labels (n) in [0, num_classes). Keys: every class number as text, NaN where no fake clip is of
    that class, and ``mean`` over the other classes. Raises DataError where the real clips are of fewer than two
    classes.
    """
    is_right = (recognised(real_features, real_labels, fake_features) == fake_labels.cpu()).numpy()
    labels = fake_labels.cpu().numpy()
    accuracies = {
        str(c): float(is_right[labels == c].mean()) if (labels == c).any() else math.nan for c in range(num_classes)
    }
    present = [value for value in accuracies.values() if not math.isnan(value)]
    return {**accuracies, "mean": sum(present) / len(present) if present else math.nan}


def recognised(real_features: Tensor, real_labels: Tensor, features: Tensor) -> Tensor:
    """Return for each row of features (m d) the label (m) that a logistic regression on the real ones gives it.

    Raises DataError where the real clips are of fewer than two classes.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(real_labels.unique()) < 2:
        raise DataError("class accuracy needs real clips of two classes; put each class into its own folder")
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    model.fit(real_features.cpu().numpy(), real_labels.cpu().numpy())
    return torch.from_numpy(model.predict(features.cpu().numpy()))


def _distances(x: Tensor, y: Tensor) -> Tensor:
    # The matrix product shortcut rounds the distance of equal rows to more than zero.
    return torch.cdist(x.double(), y.double(), compute_mode="donot_use_mm_for_euclid_dist")


def _radius(x: Tensor, k: int) -> Tensor:
    """Distance (n) of each row to its k-th nearest other row."""
    return _distances(x, x).kthvalue(k + 1, dim=1).values


def _nearest_other(x: Tensor) -> Tensor:
    return _distances(x, x).fill_diagonal_(float("inf")).min(dim=1).values
