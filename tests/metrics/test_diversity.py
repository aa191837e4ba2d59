import math

import pytest
import torch

from videogan.errors import DataError
from videogan.metrics.diversity import (
    class_accuracy,
    copied_share,
    duplicate_share,
    nearest,
    pairwise_distance,
    precision_recall_density_coverage,
)


def test_class_accuracy():
    labels = torch.arange(40) % 2
    features = labels[:, None] * 4.0 + torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    assert class_accuracy(features, labels, features, labels, 2)["mean"] > 0.95
    assert class_accuracy(features, labels, features, 1 - labels, 2)["mean"] < 0.05
    some = class_accuracy(features, labels, features[labels == 0], labels[labels == 0], 2)
    assert math.isnan(some["1"]) and some["mean"] == some["0"]
    with pytest.raises(DataError):
        class_accuracy(features, labels * 0, features, labels, 2)


def draw(n, d, seed):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_the_order_of_clips_changes_nothing():
    a, b = draw(30, 8, 0), draw(40, 8, 1)
    assert precision_recall_density_coverage(a.flip(0), b) == precision_recall_density_coverage(a, b)


def test_neighbours():
    real = draw(60, 3, 0)
    assert set(precision_recall_density_coverage(real, real).values()) >= {1.0}
    far = precision_recall_density_coverage(real, real + 100)
    assert far == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}
    narrow = precision_recall_density_coverage(real, 0.01 * draw(60, 3, 1))
    assert narrow["precision"] == 1 and narrow["recall"] < 0.1 and narrow["coverage"] < 0.5
    with pytest.raises(DataError):
        precision_recall_density_coverage(real[:5], real)


def test_copies_are_found():
    real, other = draw(40, 6, 0), draw(40, 6, 1)
    assert duplicate_share(real, 1e-6) == 0
    assert duplicate_share(torch.cat((real, real[:10])), 1e-6) == pytest.approx(20 / 50)
    assert nearest(real.flip(0), real)[1].tolist() == list(range(39, -1, -1))
    far = nearest(other, real)[0]
    copies = nearest(real + 1e-4, real)[0]
    assert copied_share([copies], [far]) == 1 and copied_share([far], [far]) == pytest.approx(0.05)
    assert copied_share([copies, far], [far, far]) == pytest.approx(0.05)  # alike in one description only
    assert pairwise_distance(torch.tensor([[0.0], [1.0], [3.0]])) == pytest.approx(2)
