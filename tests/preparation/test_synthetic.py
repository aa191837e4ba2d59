import numpy as np
import pytest

from videogan.errors import UsageError
from videogan.preparation.synthetic import SHAPES, moving_digits, moving_shapes, stacked_digits


def test_shapes_are_a_function_of_seed_and_index():
    frames, name = moving_shapes(5, seed=1)
    again, _ = moving_shapes(5, seed=1)
    assert frames.shape == (48, 32, 32, 3)
    assert frames.dtype == np.uint8
    assert name == "triangle"
    np.testing.assert_array_equal(frames, again)
    assert not np.array_equal(frames, moving_shapes(5, seed=2)[0])
    assert not np.array_equal(frames, moving_shapes(8, seed=1)[0])


def _mask(frames: np.ndarray) -> np.ndarray:
    return frames.max(-1) > 150


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("index", range(12))
def test_a_shape_glides_inside_the_frame_at_constant_size(index, size):
    frames, _ = moving_shapes(index, size=size, num_frames=64)
    mask = _mask(frames)
    area = mask.sum((1, 2)) / size**2
    assert area.min() > 0.06
    assert area.max() < 0.17
    assert area.min() > 0.8 * area.max()
    grid = np.arange(size)
    centre = np.stack([(mask.sum(axis) * grid).sum(-1) / mask.sum((1, 2)) for axis in (1, 2)], -1)
    speed = np.hypot(*np.diff(centre, axis=0).T) * 32 / size
    assert 0.7 < np.sqrt((speed**2).mean()) < 2.4
    assert speed.max() < 4


def test_shapes_can_be_told_apart_by_how_they_fill_their_box():
    fill = {name: [] for name in SHAPES}
    for index in range(30):
        frames, name = moving_shapes(index, size=64, num_frames=2)
        rows, columns = np.nonzero(_mask(frames)[0])
        fill[name].append(len(rows) / ((np.ptp(rows) + 1) * (np.ptp(columns) + 1)))
    means = [np.mean(fill[name]) for name in ("triangle", "circle")]
    assert means[0] < 0.6 < means[1] < 0.9


def test_classes_are_balanced_and_choosable():
    assert [moving_shapes(i, num_frames=1)[1] for i in range(6)] == [*SHAPES, *SHAPES]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 4}, "size"),
        ({"num_frames": 0}, "num_frames"),
    ],
)
def test_shapes_refuse_nonsense(arguments, message):
    with pytest.raises(UsageError, match=message):
        moving_shapes(0, **arguments)


@pytest.mark.parametrize("num_digits", [1, 2])
def test_digits(num_digits):
    frames, name = moving_digits(23, num_digits=num_digits, num_frames=40)
    assert name == "3"
    assert frames.shape == (40, 32, 32, 3)
    assert frames.dtype == np.uint8
    assert (_mask(frames).sum((1, 2)) > 10).all()
    np.testing.assert_array_equal(frames, moving_digits(23, num_digits=num_digits, num_frames=40)[0])


def test_digits_refuse_three():
    with pytest.raises(UsageError, match="num_digits"):
        moving_digits(0, num_digits=3)


def test_stacked_digits_are_one_a_channel_and_move_apart():
    frames, name = stacked_digits(1384, num_frames=24)
    assert (frames.shape, frames.dtype, name) == ((24, 32, 32, 3), np.uint8, "384")
    np.testing.assert_array_equal(frames, stacked_digits(1384, num_frames=24)[0])
    assert not np.array_equal(frames, stacked_digits(384, num_frames=24)[0])
    first, last = (frame.max(axis=(0, 1)) for frame in (frames[0], frames[-1]))
    assert min(*first, *last) > 200
    grid = np.arange(32)
    across = (frames.sum(axis=1) * grid[:, None]).sum(axis=1) / frames.sum(axis=(1, 2))
    moves = np.diff(across, axis=0)
    assert abs(np.corrcoef(moves.T)[np.triu_indices(3, 1)]).max() < 0.99
