import pytest

from videogan.data.clips import clip_indices, clip_span, num_clip_starts


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
