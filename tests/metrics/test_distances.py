import pytest
import torch

from videogan.errors import DataError
from videogan.metrics.distances import bootstrap, frechet_distance, kernel_distance


def draw(n, d, seed):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_frechet_of_gaussians_is_the_closed_form():
    a, b = draw(20000, 3, 0), draw(20000, 3, 1) * torch.tensor([2.0, 1.0, 3.0]) + torch.tensor([1.0, 0.0, 2.0])
    assert frechet_distance(a, b) == pytest.approx(5 + 1 + 4, rel=0.03)


@pytest.mark.parametrize("ddof", [0, 1])
def test_frechet_with_fewer_clips_than_dimensions(ddof):
    a = draw(6, 40, 0)
    assert frechet_distance(a, a, ddof=ddof) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a, a + 2, ddof=ddof) == pytest.approx(160, rel=1e-5)
    assert frechet_distance(a, 3 * (a - a.mean(0)) + a.mean(0), ddof=ddof) == pytest.approx(
        4 * float(a.var(dim=0, correction=ddof).sum()), rel=1e-5
    )


def test_kernel_distance_is_the_definition_and_unbiased():
    a, b = draw(7, 4, 0).double(), draw(5, 4, 1).double() + 1
    k = lambda x, y: (float(x @ y) / 4 + 1) ** 3  # noqa: E731
    within = sum(k(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j) / 42
    within += sum(k(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j) / 20
    assert kernel_distance(a, b) == pytest.approx(within - 2 * sum(k(x, y) for x in a for y in b) / 35)
    same = torch.tensor([kernel_distance(draw(20, 4, 2 * s), draw(20, 4, 2 * s + 1)) for s in range(200)])
    assert abs(same.mean()) < 3 * same.std() / 200**0.5


def test_the_order_of_clips_changes_nothing():
    a, b = draw(30, 8, 0), draw(40, 8, 1)
    for metric in (frechet_distance, kernel_distance):
        assert metric(a.flip(0), b.flip(0)) == pytest.approx(metric(a, b))


def test_interval_holds_the_value_repeats_and_shrinks():
    a, b = draw(400, 4, 0), draw(400, 4, 1) + 1
    low, high = bootstrap(kernel_distance, a, b, resamples=50, seed=3)
    assert low < kernel_distance(a, b) < high
    assert (low, high) == bootstrap(kernel_distance, a, b, resamples=50, seed=3)
    few = bootstrap(kernel_distance, a[:40], b[:40], resamples=50, seed=3)
    assert few[1] - few[0] > high - low


def test_too_few_clips_are_told():
    for metric in (frechet_distance, kernel_distance):
        with pytest.raises(DataError, match="take more clips"):
            metric(torch.zeros(1, 2), torch.zeros(5, 2))
