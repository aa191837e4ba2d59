import math

import numpy as np
import pytest
import torch

from videogan.metrics.variety import class_share, factor_shares, variance_of_pairs, variance_within_classes

DRAW = torch.Generator().manual_seed(0)


def test_variance_within_classes_is_pooled_and_unbiased():
    values = torch.randn(9, 4, 5, generator=DRAW)
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1, 2])
    wanted = np.mean([np.var(values[labels == label].numpy(), axis=0, ddof=1).mean() for label in (0, 1)])
    assert variance_within_classes(values, labels) == pytest.approx(wanted, rel=1e-5)
    assert math.isnan(variance_within_classes(values, torch.arange(9)))


def test_the_share_of_the_class_is_that_of_its_means():
    colours = torch.rand(3, 8, 3, generator=DRAW) + torch.tensor([0.0, 0.5, 1.0])[:, None, None]
    wanted = colours.mean(dim=1).var(dim=0, correction=0).sum() / colours.flatten(0, 1).var(dim=0, correction=0).sum()
    labels = torch.arange(3).repeat_interleave(8)
    assert class_share(colours.flatten(0, 1), labels) == pytest.approx(float(wanted), rel=1e-6)


def test_factors_that_add_up_have_the_shares_of_their_variances():
    parts = [torch.randn(size, 1, generator=DRAW) * scale for size, scale in ((4, 1.0), (5, 2.0), (2, 0.5))]
    values = parts[0][:, None, None] + parts[1][None, :, None] + parts[2][None, None, :]
    variances = torch.tensor([part.var() for part in parts])
    assert torch.allclose(torch.tensor(factor_shares(values)), variances / variances.sum())
    assert factor_shares(torch.ones(3, 2, 2, 4)) == (0.0, 0.0, 0.0)
    assert factor_shares(torch.rand(1, 4, 2, 3))[0] == 0.0


def test_pairs_of_a_design_give_the_variance_of_independent_videos():
    content, motion = torch.randn(1, 4, 1, 4000, generator=DRAW), torch.randn(1, 1, 2, 4000, generator=DRAW)
    assert variance_of_pairs(2 * content + motion) == pytest.approx(5, rel=0.06)
