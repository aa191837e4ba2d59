import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components

from videogan.data import duplicates
from videogan.data.duplicates import group_alike


def by_every_pair(thumbnails):
    """The number of groups, and the group of each thumbnail, (n, 3, 16, 16), each compared with every other."""
    apart = np.stack([np.abs(thumbnails - each).max((1, 2, 3)) for each in thumbnails])
    mirrored = np.stack([np.abs(thumbnails - each[:, :, ::-1]).max((1, 2, 3)) for each in thumbnails])
    brightness = thumbnails.sum((1, 2, 3), dtype=np.int64)
    alike = (np.minimum(apart, mirrored) <= 72) & (np.abs(brightness[:, None] - brightness) <= 9 * 768)
    return connected_components(alike, directed=False)


def assert_same_groups(group, expected, count):
    assert len(set(zip(group.tolist(), expected.tolist(), strict=True))) == count == len(set(group.tolist()))


@pytest.mark.parametrize("leaf", [1, 8, 512])
def test_groups_are_those_of_comparing_every_pair(monkeypatch, leaf):
    monkeypatch.setattr(duplicates, "_LEAF", leaf)
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 766, (60, 3, 4, 4)).repeat(4, 2).repeat(4, 3).astype(np.int16)
    noisy = (drawn[:20] + rng.integers(-40, 41, drawn[:20].shape)).clip(0, 765).astype(np.int16)
    shifted = (drawn[20:30] + 12).clip(0, 765).astype(np.int16)
    every = np.concatenate([drawn, noisy, drawn[10:30, :, :, ::-1], shifted, drawn[:5]])[rng.permutation(115)]
    count, expected = by_every_pair(every)
    assert count == 70
    assert_same_groups(group_alike(every), expected, count)


@pytest.mark.parametrize(
    ("points", "step", "alike"),
    [(1, 72, True), (1, 73, False), (768, 9, True), (767, 9, True), ((768, 1), (9, 1), False)],
)
@pytest.mark.parametrize("pairs", [1, 1 << 16])
def test_the_last_difference_that_counts_is_seen_across_every_cut(monkeypatch, points, step, alike, pairs):
    """Of ten thumbnails each is brighter than the one before, in some points, by as much as counts or by one more."""
    monkeypatch.setattr(duplicates, "_LEAF", 1)
    monkeypatch.setattr(duplicates, "_PAIRS", pairs)
    change = np.zeros(768, np.int16)
    for count, levels in zip(np.atleast_1d(points), np.atleast_1d(step), strict=True):
        change[:count] += np.int16(levels)
    steps = np.random.default_rng(0).permutation(10).astype(np.int16)
    every = (50 + steps[:, None] * change).reshape(-1, 3, 16, 16)
    assert by_every_pair(every)[0] == (1 if alike else 10)
    assert len(set(group_alike(every).tolist())) == (1 if alike else 10)


def test_one_thumbnail_is_a_group():
    assert group_alike(np.zeros((1, 3, 16, 16), np.int16)).tolist() == [0]
    assert group_alike(np.zeros((3, 3, 16, 16), np.int16)).tolist() == [0, 0, 0]
