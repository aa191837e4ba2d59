from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image
from read_video import read_video

from videogan.errors import UsageError
from videogan.generation.scaling import scale_to_show
from videogan.generation.video_stream import VideoStream
from videogan.video import to_uint8

SIZE = (16, 16)


def stream_of(clips: torch.Tensor) -> VideoStream:
    """Four frames at a time, as a generator gives them."""
    return VideoStream(lambda: iter(clips.split(4, dim=1)), SIZE, Fraction(25), clips.shape[1], len(clips))


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

    stream = VideoStream(endless, SIZE, Fraction(25), None, 4)
    assert np.array_equal(stream.take(10).array(), to_uint8(clips))
    assert stream.take(3).array().shape == (4, 3, 16, 16, 3)
    with pytest.raises(UsageError, match="without an end"):
        stream.array()


def test_a_grid_lays_the_videos_out_by_rows(clips):
    stream = stream_of(clips).grid(2)
    grid = stream.array()
    assert stream.size == (32, 32)
    assert grid.shape == (10, 32, 32, 3)
    assert np.array_equal(grid[:, 16:, :16], to_uint8(clips[2]))
    with pytest.raises(UsageError, match="3 rows"):
        stream_of(clips).grid(3)


def test_a_clip_beside_and_before(clips):
    clip = to_uint8(torch.rand(7, 3, 16, 16) * 2 - 1)
    both = stream_of(clips[:1]).beside(clip)
    beside = both.array()
    assert both.size == (16, 32)
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


def test_videos_are_shown_with_256_pixels_at_least(clips):
    def side(height, width):
        return VideoStream.of_clips(torch.zeros(1, 1, 3, height, width), Fraction(25)).scaled().size

    assert [side(n, n)[0] for n in (32, 64, 96, 256, 300)] == [256, 256, 384, 256, 300]
    assert side(64, 832) == (256, 3328)
    shown = stream_of(clips).grid(2).scaled()
    assert shown.array().shape[1:3] == shown.size == (256, 256)
    assert scale_to_show((4, 4)) == 32


@pytest.mark.parametrize("method", ["lanczos", "bicubic"])
def test_smooth_frames_are_enlarged_as_an_image_program_does_it(method):
    level = torch.linspace(-0.7, 0.7, 16)
    clips = torch.stack([level.sin()[None].repeat(16, 1), level[:, None].repeat(1, 16), level[:, None] * level])
    frame = to_uint8(clips)
    expected = np.asarray(Image.fromarray(frame).resize((64, 64), getattr(Image.Resampling, method.upper())))
    large = VideoStream.of_clips(clips[None, None], Fraction(25)).scaled(4, method).array()[0]
    inside = slice(12, -12)
    assert np.abs(large[inside, inside].astype(int) - expected[inside, inside]).max() <= 2


def test_progress_counts_the_frames_of_each_video(clips, tmp_path):
    told = []
    stream_of(clips).grid(2).save(tmp_path / "a", progress=lambda *numbers: told.append(numbers))
    assert told == [(4, 10), (8, 10), (10, 10)]
    endless = VideoStream(lambda: iter([clips]), SIZE, Fraction(25), None, 4)
    endless.video(0).save(tmp_path / "b", progress=lambda *numbers: told.append(numbers))
    assert told[-1] == (10, 0)


def test_labels_stand_beside_a_grid_and_leave_it_as_it_is(clips):
    grid = stream_of(clips).grid(2).scaled(4)
    labelled = grid.labelled(["7", "a name that finds no room in so small a place"])
    frames = labelled.array()
    assert frames.shape[1:3] == labelled.size
    assert np.array_equal(frames[:, -128:, -128:], grid.array())
    top, left = labelled.size[0] - 128, labelled.size[1] - 128
    above, beside = frames[0, :top, left:], frames[0, top:, :left]
    for half in (above[:, :64], above[:, 64:], beside[:64], beside[64:]):
        assert half.max() > 200
    assert frames[0, :top, :left].max() == 0
    assert left <= 64
