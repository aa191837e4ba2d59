from fractions import Fraction

import numpy as np
import pytest
import torch
from read_video import read_video

from videogan.errors import UsageError
from videogan.generation.video_stream import VideoStream
from videogan.video import to_uint8


def stream_of(clips: torch.Tensor) -> VideoStream:
    """Four frames at a time, as a generator gives them."""
    return VideoStream(lambda: iter(clips.split(4, dim=1)), Fraction(25), clips.shape[1], len(clips))


@pytest.fixture
def clips() -> torch.Tensor:
    return torch.rand(4, 10, 3, 16, 16) * 2 - 1


def test_every_iteration_gives_the_same_frames(clips):
    stream = stream_of(clips).video(2)
    frames = np.stack(list(stream))
    assert np.array_equal(frames, to_uint8(clips[2]))
    assert np.array_equal(frames, stream.array())


def test_take_cuts_and_never_asks_for_more(clips):
    def endless():
        yield clips
        raise AssertionError("nobody asked for this chunk")

    stream = VideoStream(endless, Fraction(25), None, 4)
    assert np.array_equal(stream.take(10).array(), to_uint8(clips))
    assert stream.take(3).array().shape == (4, 3, 16, 16, 3)
    with pytest.raises(UsageError, match="without an end"):
        stream.array()


def test_a_grid_lays_the_videos_out_by_rows(clips):
    grid = stream_of(clips).grid(2).array()
    assert grid.shape == (10, 32, 32, 3)
    assert np.array_equal(grid[:, 16:, :16], to_uint8(clips[2]))
    with pytest.raises(UsageError, match="3 rows"):
        stream_of(clips).grid(3)


def test_a_clip_beside_and_before(clips):
    clip = to_uint8(torch.rand(7, 3, 16, 16) * 2 - 1)
    beside = stream_of(clips[:1]).beside(clip).array()
    assert beside.shape == (7, 16, 32, 3)
    assert np.array_equal(beside[:, :, :16], clip)
    assert np.array_equal(beside[:, :, 16:], to_uint8(clips[0, :7]))
    after = stream_of(clips).after(clip)
    assert after.num_frames == 17
    assert np.array_equal(after.array()[3], np.concatenate([clip, to_uint8(clips[3])]))


def test_every_video_is_saved_to_a_path_of_its_own(clips, tmp_path):
    stream = stream_of(clips)
    stream.save(*(tmp_path / str(number) for number in range(4)))
    for number in range(4):
        assert np.array_equal(read_video(tmp_path / str(number))[0], to_uint8(clips[number]))
    with pytest.raises(UsageError, match="name one for each"):
        stream.save(tmp_path / "x.mp4")
    with pytest.raises(UsageError, match="4 videos"):
        iter(stream)


def test_scaled_frames_are_larger_and_halve_to_what_they_were(clips):
    large = stream_of(clips).scaled(4).array()
    assert large.shape == (4, 10, 64, 64, 3)
    back = large.reshape(4, 10, 16, 4, 16, 4, 3).mean(axis=(3, 5))
    edges = np.abs(back - to_uint8(clips)).mean()
    assert edges < 0.35 * np.abs(to_uint8(clips) - to_uint8(clips).mean()).mean()
    assert np.array_equal(stream_of(clips).scaled(1).array(), to_uint8(clips))
    flat = stream_of(torch.full_like(clips, 0.25)).scaled(3).array()
    assert (flat == to_uint8(torch.full_like(clips, 0.25))[0, 0, 0, 0, 0]).all()
    for factor in (0, 33):
        with pytest.raises(UsageError, match=f"scale {factor}"):
            stream_of(clips).scaled(factor)
