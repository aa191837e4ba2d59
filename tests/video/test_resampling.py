from fractions import Fraction

import pytest

from videogan.video.resampling import resample


def test_no_frames_show_nothing():
    assert resample([], 25) == []


@pytest.mark.parametrize("first", [0.0, -0.04, 3.2])
@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (25, 25, list(range(10))),
        (50, 25, [0, 2, 4, 6, 8]),
        (25, 50, [i // 2 for i in range(20)]),
        (Fraction(30000, 1001), Fraction(30000, 1001), list(range(10))),
    ],
)
def test_constant_rates(first, source, target, expected):
    assert resample([first + float(i / source) for i in range(10)], target) == expected


def test_millisecond_timestamps_give_every_frame_once():
    times = [round(i * 1001 / 30000, 3) for i in range(300)]
    assert resample(times, Fraction(30000, 1001)) == list(range(300))
    assert resample([round(i / 60, 3) for i in range(300)], 30) == list(range(0, 300, 2))


def test_variable_rate_is_shown_for_its_real_time():
    assert resample([0.0, 1.0, 1.1, 1.2], 10) == [0] * 10 + [1, 2, 3]


def test_a_lone_frame():
    assert resample([7.0], 25) == [0]


@pytest.mark.parametrize("rate", [7.3, 12.5, 24, 25, 59.94])
def test_resampled_length_is_the_duration(rate):
    times = [i / 30 for i in range(90)]
    indices = resample(times, rate)
    assert abs(len(indices) - 3 * rate) <= 0.51
    assert indices == sorted(indices)
    assert all(abs(times[index] - tick / rate) <= 0.5 / rate + 1 / 30 for tick, index in enumerate(indices))


def test_refuses_a_rate_that_is_not_positive():
    with pytest.raises(ValueError, match="positive"):
        resample([0.0, 1.0], 0)
