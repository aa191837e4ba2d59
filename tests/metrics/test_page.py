import torch

from videogan.metrics.page import histogram, scatter


def test_drawings_of_few_and_equal_values():
    assert len(scatter(torch.randn(5, 3), torch.randn(4, 3))) == 9
    assert "nan" not in "".join(scatter(torch.zeros(1, 3), torch.zeros(1, 3)))
    assert len(scatter(torch.randn(3, 1), torch.randn(3, 1))) == 6
    assert len(histogram(torch.zeros(3), torch.zeros(3))) == 2
