import itertools
import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from video_samples import encode, moving_frames, psnr

from videogan.errors import UsageError, VideoError
from videogan.video import VideoReader, VideoWriter, probe, read_video


def all_frames(path: Path) -> np.ndarray:
    with VideoReader(path) as reader:
        return np.stack(list(reader.frames()))


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
        with pytest.raises(ValueError, match="must not fall"):
            reader.read([2, 1])
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


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_rotation_and_mirroring_are_undone(tmp_path: Path, degrees: int, mirrored: bool) -> None:
    frames = moving_frames(3, 32, 64)
    frames[:, :8, :8] = (255, 0, 0)

    def prepare(stream: av.video.stream.VideoStream) -> None:
        stream.set_display_rotation(degrees, hflip=mirrored)

    path = encode(tmp_path / "a.mp4", frames, prepare=prepare)
    # FFmpeg turns counter-clockwise, then mirrors.
    expected = np.rot90(frames, degrees // 90, axes=(1, 2))
    expected = expected[:, :, ::-1] if mirrored else expected
    back, _ = read_video(path)
    info = probe(path)
    assert back.shape == expected.shape
    assert (info.height, info.width) == back.shape[1:3]
    assert psnr(back, expected) > 25


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    def prepare(stream: av.video.stream.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(3, 2)

    path = encode(tmp_path / "a.mp4", moving_frames(3), prepare=prepare)
    info = probe(path)
    assert (info.width, info.height) == (96, 48)
    assert read_video(path)[0].shape == (3, 48, 96, 3)
    with VideoReader(path, size=(48, 96)) as reader:
        assert next(reader.frames()).shape == (48, 96, 3)


def test_interlacing_is_undone_and_exact(tmp_path: Path) -> None:
    still = np.repeat(moving_frames(1, 64, 64), 50, axis=0)
    for number, row in itertools.product(range(50), range(64)):
        # A bar that jumps between the two fields of a frame gives combs.
        left = 2 * (2 * number + row % 2) % 56
        still[number, row, left : left + 8] = 255
    options = {"crf": "5", "g": "12", "x264-params": "tff=1"}

    def mark(picture: av.VideoFrame) -> None:
        assert picture.width

    path = encode(tmp_path / "a.mp4", still, options=options, mark=mark)
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0))
        assert picture.interlaced_frame
        raw = picture.reformat(format="gray", threads=1).to_ndarray().astype(int)
    expected = all_frames(path)
    assert len(expected) == 50
    combs = [np.abs(np.diff(image, 2, axis=0)).mean() for image in (raw, expected[0].astype(int).mean(-1))]
    assert combs[1] < 0.7 * combs[0]
    with VideoReader(path) as reader:
        assert reader.info.frame_rate == 25
        for numbers in ([0], [49], [1, 2, 3], [11, 12, 13], [5, 25, 45]):
            assert np.array_equal(reader.read(numbers), expected[numbers]), numbers


@pytest.mark.parametrize("size", [(24, 32), (64, 64), (20, 64), (96, 10), (48, 64), (1, 1)])
@pytest.mark.parametrize("fit", ["crop", "letterbox", "stretch"])
def test_every_size_and_fit(clip_path: Path, size: tuple[int, int], fit: str) -> None:
    with VideoReader(clip_path, size=size, fit=fit) as reader:
        assert reader.size == size
        frame = next(reader.frames())
        assert frame.shape == (*size, 3)
        assert np.array_equal(reader.read([0])[0], frame)


def test_what_the_fits_keep(tmp_path: Path) -> None:
    frames = np.full((2, 40, 80, 3), 128, np.uint8)
    frames[:, :, :20], frames[:, :, 60:] = (255, 0, 0), (0, 0, 255)
    path = tmp_path / "a.mp4"
    with VideoWriter(path, crf=5) as writer:
        writer.write(frames)
    cropped, boxed, stretched = (
        read_video(path, size=(40, 40), fit=fit)[0][0].astype(int) for fit in ("crop", "letterbox", "stretch")
    )
    assert np.abs(cropped[:, 2:-2] - 128).max() < 12
    assert boxed[:10].max() == 0
    assert boxed[30:].max() == 0
    assert boxed[20, 2, 0] > 200
    assert boxed[20, -3, 2] > 200
    assert stretched[2, 2, 0] > 200
    assert stretched[-3, -3, 2] > 200


def test_shrinking_averages(tmp_path: Path) -> None:
    frames = np.zeros((1, 128, 128, 3), np.uint8)
    frames[:, :, ::2] = 255
    path = tmp_path / "a.mp4"
    with VideoWriter(path, crf=0) as writer:
        writer.write(frames)
    small = read_video(path, size=(16, 16))[0]
    assert np.abs(small[0, :, 1:-1].astype(int) - 127).max() < 10


def test_colours_are_not_biased(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3), np.uint8).repeat(16, 1).repeat(16, 2)
    path = tmp_path / "a.mp4"
    with VideoWriter(path, crf=0) as writer:
        writer.write(frames)
    for size in ((128, 128), (64, 64), (32, 32)):
        small = read_video(path, size=size)[0].astype(float)
        assert np.abs(small.mean(axis=(0, 1, 2)) - frames.mean(axis=(0, 1, 2))).max() < 0.7


def test_size_that_changes_on_the_way(tmp_path: Path) -> None:
    small = moving_frames(10, 48, 64)
    encode(tmp_path / "a.ts", small)
    encode(tmp_path / "b.ts", small.repeat(2, axis=1).repeat(2, axis=2))
    path = tmp_path / "both.ts"
    path.write_bytes((tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes())
    frames = all_frames(path)
    assert frames.shape == (20, 48, 64, 3)
    assert psnr(frames[:10], small) > 35
    assert psnr(frames[10:], small) > 30


def test_max_frames(clip_path: Path) -> None:
    frames, rate = read_video(clip_path, max_frames=7)
    assert len(frames) == 7
    assert rate == 25


def test_wrong_arguments(clip_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'crop'"):
        VideoReader(clip_path, fit="crp")
    with pytest.raises(UsageError, match="at least 1"):
        VideoReader(clip_path, size=(0, 4))


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
