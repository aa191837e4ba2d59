import numpy as np
import pytest

from videogan.errors import UsageError
from videogan.preparation.figures import FIGURES, moving_figures


def test_figures_are_a_function_of_seed_and_index():
    frames, name = moving_figures(5, seed=1, size=32)
    assert (frames.shape, frames.dtype, name) == ((48, 32, 32, 3), np.uint8, "both")
    np.testing.assert_array_equal(frames, moving_figures(5, seed=1, size=32)[0])
    assert not np.array_equal(frames, moving_figures(5, seed=2, size=32)[0])
    assert not np.array_equal(frames, moving_figures(8, seed=1, size=32)[0])
    assert [moving_figures(index, size=16, num_frames=1)[1] for index in range(6)] == [*FIGURES, *FIGURES]


@pytest.mark.parametrize("index", range(6))
def test_what_moves_is_what_the_class_says(index):
    frames, name = moving_figures(index, size=64, num_frames=40)
    change = np.abs(np.diff(frames.astype(int), axis=0)).max(-1)
    moved = (change > 12).mean((1, 2))
    corners = change[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert 0.002 < moved.mean() < 0.5
    if name == "figure":
        assert np.median(corners.max(1)) == 0, "the ground stands still"
    else:
        assert (change > 0).mean() > 0.5, "grain and light move with the camera"


@pytest.mark.parametrize(("arguments", "message"), [({"size": 4}, "size"), ({"num_frames": 0}, "num_frames")])
def test_figures_refuse_nonsense(arguments, message):
    with pytest.raises(UsageError, match=message):
        moving_figures(0, **arguments)


@pytest.mark.parametrize("size", [8, 31, 33])
def test_figures_of_any_size(size):
    frames, _ = moving_figures(0, size=size, num_frames=150)
    assert frames.shape == (150, size, size, 3)
