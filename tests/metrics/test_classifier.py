import math

import pytest
import torch

from videogan.errors import DataError
from videogan.metrics.classifier import class_accuracy


def test_class_accuracy():
    labels = torch.arange(40) % 2
    features = labels[:, None] * 4.0 + torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    assert class_accuracy(features, labels, features, labels, 2)["mean"] > 0.95
    assert class_accuracy(features, labels, features, 1 - labels, 2)["mean"] < 0.05
    some = class_accuracy(features, labels, features[labels == 0], labels[labels == 0], 2)
    assert math.isnan(some["1"]) and some["mean"] == some["0"]
    with pytest.raises(DataError):
        class_accuracy(features, labels * 0, features, labels, 2)
