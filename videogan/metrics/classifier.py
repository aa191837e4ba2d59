"""Whether a clip of a wished class is one of that class."""

import math

from torch import Tensor

from videogan.errors import DataError


def class_accuracy(
    real_features: Tensor, real_labels: Tensor, fake_features: Tensor, fake_labels: Tensor, num_classes: int
) -> dict[str, float]:
    """Return accuracies on fake clips of a multinomial logistic regression trained on the real ones.

    Features are (n d), labels (n) in [0, num_classes). Keys: every class number as text, NaN where no fake clip is of
    that class, and ``mean`` over the other classes. Raises DataError where the real clips are of fewer than two
    classes.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(real_labels.unique()) < 2:
        raise DataError("class accuracy needs real clips of two classes; put each class into its own folder")
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    model.fit(real_features.cpu().numpy(), real_labels.cpu().numpy())
    right = model.predict(fake_features.cpu().numpy()) == fake_labels.cpu().numpy()
    labels = fake_labels.cpu().numpy()
    found = {str(c): float(right[labels == c].mean()) if (labels == c).any() else math.nan for c in range(num_classes)}
    present = [value for value in found.values() if not math.isnan(value)]
    return {**found, "mean": sum(present) / len(present) if present else math.nan}
