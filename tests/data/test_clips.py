from fractions import Fraction

import pytest

from videogan.data.clips import clip_indices, clip_span, num_clip_starts, resample


@pytest.mark.parametrize(("num_frames", "stride", "span"), [(1, 1, 1), (1, 9, 1), (4, 2, 7), (16, 1, 16), (16, 3, 46)])
def test_span(num_frames, stride, span):
    assert clip_span(num_frames, stride) == span


@pytest.mark.parametrize(("num_frames", "stride"), [(0, 1), (1, 0), (-1, 2)])
def test_span_refuses_nonsense(num_frames, stride):
    with pytest.raises(ValueError, match="at least 1"):
        clip_span(num_frames, stride)


@pytest.mark.parametrize(
    ("video_frames", "num_frames", "stride", "short", "starts"),
    [
        (10, 4, 2, "skip", 4),
        (7, 4, 2, "skip", 1),
        (6, 4, 2, "skip", 0),
        (6, 4, 2, "bounce", 1),
        (6, 4, 2, "repeat-last", 1),
        (0, 4, 2, "repeat-last", 0),
        (5, 1, 1, "skip", 5),
    ],
)
def test_starts(video_frames, num_frames, stride, short, starts):
    assert num_clip_starts(video_frames, num_frames, stride, short) == starts


@pytest.mark.parametrize(
    ("start", "video_frames", "num_frames", "stride", "short", "indices"),
    [
        (0, 10, 4, 2, "skip", [0, 2, 4, 6]),
        (3, 10, 4, 2, "skip", [3, 5, 7, 9]),
        (0, 4, 8, 1, "repeat-last", [0, 1, 2, 3, 3, 3, 3, 3]),
        (0, 4, 8, 1, "bounce", [0, 1, 2, 3, 2, 1, 0, 1]),
        (0, 4, 5, 2, "bounce", [0, 2, 2, 0, 2]),
        (0, 1, 3, 1, "bounce", [0, 0, 0]),
        (0, 2, 5, 1, "bounce", [0, 1, 0, 1, 0]),
    ],
)
def test_indices(start, video_frames, num_frames, stride, short, indices):
    assert list(clip_indices(start, video_frames, num_frames, stride, short)) == indices


@pytest.mark.parametrize("short", ["repeat-last", "bounce", "skip"])
def test_every_clip_has_the_right_number_of_frames_and_stays_inside(short):
    for video_frames in range(1, 14):
        for num_frames in range(1, 6):
            for stride in range(1, 4):
                for start in range(num_clip_starts(video_frames, num_frames, stride, short)):
                    indices = clip_indices(start, video_frames, num_frames, stride, short)
                    assert len(indices) == num_frames
                    assert all(0 <= index < video_frames for index in indices)


def test_start_out_of_range():
    with pytest.raises(ValueError, match="starts at 4"):
        clip_indices(4, 10, 4, 2, "skip")


def test_own_frames_are_kept():
    assert resample([0.0, 0.5, 0.6], None) == [0, 1, 2]
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
