"""Which frames a reader gives: any selection, from any container, and from damaged or endless videos."""

import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from read_video import read_video
from video_samples import all_frames, encode, moving_frames

from videogan.errors import UsageError, VideoError
from videogan.video import VideoReader, VideoWriter, as_frame_rate, probe


@pytest.fixture(scope="module", params=[12, 250], ids=["gop12", "gop250"])
def long_clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 frames with B-frames."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    with VideoWriter(path, gop=request.param, crf=23) as writer:
        writer.write(moving_frames(300))
    return path


def test_the_sample_has_b_frames(long_clip: Path) -> None:
    with av.open(str(long_clip)) as container:
        assert container.streams.video[0].codec_context.has_b_frames


def test_read_equals_the_frames_in_order(long_clip: Path) -> None:
    expected = all_frames(long_clip)
    assert len(expected) == 300
    with VideoReader(long_clip) as reader:
        for number in (0, 1, 11, 12, 13, 150, 249, 250, 251, 298, 299, 5, 0):
            assert np.array_equal(reader.read([number])[0], expected[number]), number


def test_any_selection_is_exact(long_clip: Path) -> None:
    expected = all_frames(long_clip)
    rng = random.Random(0)
    with VideoReader(long_clip) as reader:
        for _ in range(60):
            stride, count = rng.choice([1, 1, 2, 3, 7, 16]), rng.randint(1, 16)
            start = rng.randrange(300 - stride * (count - 1))
            numbers = range(start, start + stride * count, stride)
            assert np.array_equal(reader.read(numbers), expected[list(numbers)]), numbers


def test_clips_one_after_the_other_are_exact(long_clip: Path) -> None:
    expected = all_frames(long_clip)
    with VideoReader(long_clip) as reader:
        for start in range(0, 300, 10):
            assert np.array_equal(reader.read(range(start, start + 10)), expected[start : start + 10])


@pytest.mark.parametrize("suffix", ["mkv", "avi", "flv", "ts", "mov", "webm", "mpg", "nut"])
def test_every_container_is_exact(tmp_path: Path, suffix: str) -> None:
    codec = {"webm": "libvpx-vp9", "mpg": "mpeg2video", "avi": "mpeg4"}.get(suffix, "libx264")
    options = {"g": "12"} | ({"bf": "2"} if codec.startswith("mpeg") else {})
    path = encode(tmp_path / f"a.{suffix}", moving_frames(50), codec=codec, options=options)
    expected = all_frames(path)
    assert len(expected) == 50
    rng = random.Random(1)
    with VideoReader(path) as reader:
        assert reader.info.frame_rate == 25
        for _ in range(25):
            start, stride = rng.randrange(40), rng.choice([1, 2, 3])
            numbers = list(range(start, 50, stride))[:6]
            assert np.array_equal(reader.read(numbers), expected[numbers]), numbers


def test_open_groups_of_pictures_are_exact(tmp_path: Path) -> None:
    options = {"g": "10", "x264-params": "open-gop=1:bframes=3:scenecut=0"}
    path = encode(tmp_path / "a.mp4", moving_frames(60), options=options)
    expected = all_frames(path)
    with VideoReader(path) as reader:
        for number in reversed(range(60)):
            assert np.array_equal(reader.read([number])[0], expected[number]), number


def test_intra_refresh_without_key_frames_is_exact(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", moving_frames(60), options={"g": "15", "x264-params": "intra-refresh=1"})
    expected = all_frames(path)
    with VideoReader(path) as reader:
        for number in (59, 40, 20, 31, 3):
            assert np.array_equal(reader.read([number])[0], expected[number]), number


def test_repeats_and_a_given_array(clip_path: Path) -> None:
    expected = all_frames(clip_path)
    out = np.zeros((5, 48, 64, 3), np.uint8)
    with VideoReader(clip_path) as reader:
        back = reader.read([3, 3, 3, 40, 40], out)
    assert back is out
    assert np.array_equal(out, expected[[3, 3, 3, 40, 40]])


def test_any_order_and_repeats(clip_path: Path) -> None:
    expected = all_frames(clip_path)
    with VideoReader(clip_path) as reader:
        for numbers in ([2, 1], [59, 0, 30, 0, 59], [7, 6, 5, 6, 7], [12] * 3 + [11]):
            assert np.array_equal(reader.read(numbers), expected[numbers]), numbers


@pytest.mark.parametrize(("rate", "count"), [(25, 60), (Fraction(25, 2), 30), (50, 120), (10, 24), (29.97, 72)])
def test_a_frame_rate_repeats_or_leaves_out_frames_by_time(clip_path: Path, rate: float, count: int) -> None:
    own = all_frames(clip_path)
    with VideoReader(clip_path, frame_rate=rate) as reader:
        assert len(reader) == len(reader.numbers) == count
        assert reader.frame_rate == as_frame_rate(rate)
        assert np.abs(np.array(reader.numbers) / 25 - np.arange(count) / float(reader.frame_rate)).max() <= 0.045
        whole = np.stack(list(reader.frames()))
        assert np.array_equal(whole, own[list(reader.numbers)])
        indices = [count - 1, 0, 5, 5, 4]
        assert np.array_equal(reader.read(indices), whole[indices])
        with pytest.raises(IndexError, match=f"{count} are there"):
            reader.read([count])
        assert reader.info.frame_rate == 25


def test_without_a_frame_rate_it_is_the_files_own(clip_path: Path) -> None:
    with VideoReader(clip_path) as reader:
        assert (len(reader), reader.frame_rate, list(reader.numbers)) == (60, 25, list(range(60)))


def test_a_part_of_a_larger_array_is_filled(clip_path: Path) -> None:
    batch = np.zeros((2, 4, 48, 64, 3), np.uint8)
    with VideoReader(clip_path) as reader:
        reader.read([1, 2, 3, 4], batch[1])
    assert not batch[0].any()
    assert np.array_equal(batch[1], all_frames(clip_path)[1:5])


def test_wrong_selections(clip_path: Path) -> None:
    with VideoReader(clip_path) as reader:
        assert reader.read([]).shape == (0, 48, 64, 3)
        for numbers in ([-1], [60], [0, 60]):
            with pytest.raises(IndexError, match="60 are there"):
                reader.read(numbers)
        with pytest.raises(ValueError, match="out is"):
            reader.read([1], np.zeros((1, 3, 48, 64), np.uint8))


def test_frames_can_be_read_again_and_after_picking(clip_path: Path) -> None:
    with VideoReader(clip_path) as reader:
        first = list(reader.frames())
        middle = reader.read([30])
        again = list(reader.frames())
    assert np.array_equal(first, again)
    assert np.array_equal(middle[0], first[30])


def test_an_interrupted_iteration_says_so(clip_path: Path) -> None:
    with VideoReader(clip_path) as reader:
        running = reader.frames()
        next(running)
        reader.read([40])
        with pytest.raises(RuntimeError, match="open a second one"):
            list(running)


def test_timestamps_of_variable_frame_rate(tmp_path: Path) -> None:
    pts = [0, 40, 70, 200, 210, 500, 533, 900]
    path = encode(tmp_path / "a.mkv", moving_frames(8), pts=pts, time_base=Fraction(1, 1000))
    with VideoReader(path) as reader:
        assert reader.timestamps.dtype == np.float64
        assert reader.timestamps == pytest.approx(np.array(pts) / 1000)
        assert np.array_equal(reader.read([3, 5]), all_frames(path)[[3, 5]])
        assert float(reader.info.frame_rate) == pytest.approx(7 / 0.9, rel=0.01)


@pytest.mark.parametrize("first", [-3000, 90_000])
def test_first_timestamp_need_not_be_zero(tmp_path: Path, first: int) -> None:
    pts = [first + 40 * number for number in range(12)]
    path = encode(
        tmp_path / "a.mkv" if first > 0 else tmp_path / "a.nut", moving_frames(12), pts=pts, time_base=Fraction(1, 1000)
    )
    with VideoReader(path) as reader:
        assert np.diff(reader.timestamps) == pytest.approx(0.04)
        assert len(list(reader.frames())) == 12
        assert np.array_equal(reader.read([5]), all_frames(path)[[5]])


def test_max_frames(clip_path: Path) -> None:
    frames, rate = read_video(clip_path, max_frames=7)
    assert len(frames) == 7
    assert rate == 25


def test_wrong_arguments(clip_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'crop'"):
        VideoReader(clip_path, fit="crp")
    with pytest.raises(UsageError, match="at least 1"):
        VideoReader(clip_path, size=(0, 4))
    with pytest.raises(UsageError, match="at most 1000"):
        VideoReader(clip_path, frame_rate=0)


def test_damaged_packets_are_passed_over(tmp_path: Path, long_clip: Path) -> None:
    data = bytearray(long_clip.read_bytes())
    middle = (data.index(b"mdat") + len(data)) // 2
    data[middle : middle + 400] = bytes(400)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    with VideoReader(path) as reader:
        whole = list(reader.frames())
    info = probe(path)
    assert info.status == "salvaged"
    assert "damaged" in info.reason
    assert 0 < info.num_frames == len(whole) <= 300
    with VideoReader(path) as reader:
        for number in range(0, 300, 9):
            try:
                reader.read([number])
            except (IndexError, VideoError):
                assert number >= info.num_frames


def test_memory_does_not_grow_with_the_video(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "a.mp4"
    with VideoWriter(path, preset="ultrafast") as writer:
        for _ in range(40):
            writer.write(np.zeros((10, 240, 320, 3), np.uint8))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(60):
            writer.write(np.zeros((10, 240, 320, 3), np.uint8))
    with VideoReader(path) as reader:
        assert sum(1 for _ in reader.frames()) == 1000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024
