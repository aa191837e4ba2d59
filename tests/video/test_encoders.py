"""Every output format by itself: colours, sizes, tags, sheets, timing."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from read_video import read_video
from video_samples import moving_frames, names_in, psnr

from videogan.video import VideoWriter, probe
from videogan.video.probe import read_comment
from videogan.video.writer import OUTPUT_SUFFIXES


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".webp"])
def test_moving_content_survives(tmp_path: Path, suffix: str) -> None:
    frames = moving_frames(40, 96, 128)
    path = tmp_path / f"a{suffix}"
    with VideoWriter(path) as writer:
        writer.write(frames)
    back, rate = read_video(path)
    assert back.shape == frames.shape
    assert rate == 25
    assert psnr(back, frames) > 40
    assert np.abs((back.astype(float) - frames).mean(axis=(0, 1, 2))).max() < 1


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0), (255, 255, 255), (200, 30, 60)])
@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".gif"])
def test_flat_colours_are_right(tmp_path: Path, colour: tuple[int, int, int], suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    frames = np.full((6, 32, 48, 3), colour, np.uint8)
    with VideoWriter(path) as writer:
        writer.write(frames)
    back, _ = read_video(path)
    assert back.shape[1:] == frames.shape[1:]
    assert np.abs(back.mean(axis=(0, 1, 2)) - colour).max() < 3


def test_bt709_is_tagged(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4") as writer:
        writer.write(moving_frames(3))
    with av.open(str(tmp_path / "a.mp4")) as container:
        picture = next(container.decode(video=0))
        context = container.streams.video[0].codec_context
        assert picture.format.name == "yuv420p"
        assert (picture.colorspace, picture.color_range, picture.color_trc, picture.color_primaries) == (1, 1, 1, 1)
        assert context.color_primaries == 1


def test_index_is_in_front(clip_path: Path) -> None:
    data = clip_path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(("height", "width"), [(63, 65), (1, 1), (1, 64), (33, 2), (64, 31)])
@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES[:4])
def test_odd_sizes(tmp_path: Path, height: int, width: int, suffix: str) -> None:
    frames = moving_frames(5, height, width)
    path = tmp_path / f"a{suffix}"
    with VideoWriter(path, crf=5) as writer:
        writer.write(frames)
    back, _ = read_video(path)
    even = suffix in (".mp4", ".webm")
    assert back.shape[1:3] == ((height + height % 2, width + width % 2) if even else (height, width))
    assert np.abs(back[: len(back), :height, :width].astype(float) - frames[: len(back)]).mean() < 12


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_comment_comes_back(tmp_path: Path, suffix: str) -> None:
    text = '{"seed": 3, "prompt": "ünï 😀"}' * 50
    path = tmp_path / f"a{suffix}"
    with VideoWriter(path, comment=text) as writer:
        writer.write(moving_frames(2))
    assert read_comment(path) == text


def test_no_comment(clip_path: Path) -> None:
    assert read_comment(clip_path) is None


def test_folder_of_frames_is_lossless(tmp_path: Path) -> None:
    frames = moving_frames(7)
    with VideoWriter(tmp_path / "frames") as writer:
        writer.write(frames)
    assert names_in(tmp_path / "frames")[0] == "frame_000000.png"
    back, rate = read_video(tmp_path / "frames")
    assert np.array_equal(back, frames)
    assert rate == 25


def test_sheet_shows_every_frame(tmp_path: Path) -> None:
    import imageio.v3 as iio

    frames = moving_frames(7, 10, 12)
    with VideoWriter(tmp_path / "a.png") as writer:
        writer.write(frames)
    sheet = iio.imread(tmp_path / "a.png")
    assert sheet.shape == (30, 36, 3)
    assert np.array_equal(sheet[10:20, 24:36], frames[5])
    assert not sheet[20:, 12:].any()


def test_sheet_of_a_long_video_is_bounded(tmp_path: Path) -> None:
    import imageio.v3 as iio

    with VideoWriter(tmp_path / "a.png") as writer:
        for number in range(1000):
            writer.write(np.full((4, 4, 3), number // 4, np.uint8))
    sheet = iio.imread(tmp_path / "a.png")
    assert sheet.shape[0] * sheet.shape[1] <= 256 * 16
    assert sheet[0, 0, 0] == 0
    assert sheet.max() >= 245


def test_animations_loop_and_keep_their_timing(tmp_path: Path) -> None:
    for suffix in (".gif", ".webp"):
        path = tmp_path / f"a{suffix}"
        with VideoWriter(path, frame_rate=12.5) as writer:
            writer.write(moving_frames(10))
        info = probe(path)
        assert (info.num_frames, info.frame_rate, info.duration_seconds) == (10, Fraction(25, 2), pytest.approx(0.8))
    assert b"NETSCAPE2.0\x03\x01\x00\x00" in (tmp_path / "a.gif").read_bytes()


@pytest.mark.parametrize(("size", "threads"), [(32, 1), (64, 2), (100, 5), (512, 16)])
def test_x264_encodes_as_many_frames_at_once_on_every_machine(tmp_path: Path, size: int, threads: int) -> None:
    """What x264 was told stands in the stream."""
    with VideoWriter(tmp_path / "a.mp4") as writer:
        writer.write(moving_frames(4, size, size))
    told = (tmp_path / "a.mp4").read_bytes()
    assert f" threads={threads} ".encode() in told and b" sliced_threads=0 " in told
