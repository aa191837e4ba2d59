import numpy as np
from scipy.sparse.csgraph import connected_components

from videogan.data.duplicates import group_alike


def test_groups_are_those_of_comparing_every_pair():
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 766, (60, 3, 4, 4)).repeat(4, 2).repeat(4, 3).astype(np.int16)
    noisy = (drawn[:20] + rng.integers(-40, 41, drawn[:20].shape)).clip(0, 765).astype(np.int16)
    shifted = (drawn[20:30] + 12).clip(0, 765).astype(np.int16)
    every = np.concatenate([drawn, noisy, drawn[10:30, :, :, ::-1], shifted, drawn[:5]])[rng.permutation(115)]
    apart = np.abs(every[:, None].astype(int) - every[None]).max((2, 3, 4))
    mirrored = np.abs(every[:, None].astype(int) - every[None, :, :, :, ::-1]).max((2, 3, 4))
    mean = every.mean((1, 2, 3)) / 3
    alike = (np.minimum(apart, mirrored) <= 72) & (np.abs(mean[:, None] - mean[None]) <= 3)
    count, expected = connected_components(alike, directed=False)
    assert count == 70
    group = group_alike(every)
    assert len(set(zip(group.tolist(), expected.tolist(), strict=True))) == count == len(set(group.tolist()))
