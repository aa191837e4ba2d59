"""What the frames that a reader gives look like: turned, scaled, deinterlaced and in their true colours."""

import itertools
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from read_video import read_video
from video_samples import all_frames, encode, moving_frames, psnr

from videogan.video import VideoReader, VideoWriter, probe


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
