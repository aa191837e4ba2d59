import os
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from video_samples import moving_frames

from videogan.errors import UsageError, VideoganError
from videogan.video import probe
from videogan.video.pipe import PipeWriter


def written(frames: np.ndarray, pipe_format: str, path: Path) -> None:
    with path.open("wb") as file, PipeWriter(file.fileno(), pipe_format, Fraction(30000, 1001)) as writer:
        writer.write(frames[:2])
        writer.write(frames[2:])


@pytest.mark.parametrize("size", [(64, 48), (33, 31)])
def test_y4m_is_read_back(tmp_path: Path, size: tuple[int, int]) -> None:
    frames = moving_frames(6, *size)
    written(frames, "y4m", tmp_path / "a.y4m")
    info = probe(tmp_path / "a.y4m")
    assert (info.num_frames, info.frame_rate) == (6, Fraction(30000, 1001))
    assert (info.height, info.width) == tuple(side + side % 2 for side in size)


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (200, 30, 60)])
def test_y4m_is_bt709(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    written(np.full((3, 16, 16, 3), colour, np.uint8), "y4m", tmp_path / "a.y4m")
    data = (tmp_path / "a.y4m").read_bytes()
    body = data[data.index(b"FRAME\n") + 6 :]
    luma, blue, red = body[0], body[256], body[256 + 64]
    r, g, b = (value / 255 for value in colour)
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b  # ITU-R BT.709-6, section 3
    assert abs(luma - (16 + 219 * y)) <= 1
    assert abs(blue - (128 + 224 * (b - y) / 1.8556)) <= 1
    assert abs(red - (128 + 224 * (r - y) / 1.5748)) <= 1


def test_rawvideo_is_the_bytes(tmp_path: Path) -> None:
    frames = moving_frames(4, 33, 31)
    written(frames, "rawvideo", tmp_path / "a.rgb")
    assert (tmp_path / "a.rgb").read_bytes() == frames.tobytes()


def test_a_reader_that_leaves_is_no_error() -> None:
    reader, writing = os.pipe()
    with PipeWriter(writing, "rawvideo", Fraction(25)) as writer:
        os.close(reader)
        writer.write(moving_frames(3))
        assert writer.broken
    os.close(writing)


def test_a_slow_reader_gets_everything() -> None:
    reader, writing = os.pipe()
    frames = moving_frames(20, 128, 128)
    got = bytearray()

    def read() -> None:
        while part := os.read(reader, 5000):
            got.extend(part)

    thread = threading.Thread(target=read)
    thread.start()
    with PipeWriter(writing, "rawvideo", Fraction(25)) as writer:
        writer.write(frames)
    os.close(writing)
    thread.join()
    os.close(reader)
    assert bytes(got) == frames.tobytes()


def test_never_to_a_terminal() -> None:
    main, terminal = os.openpty()
    with pytest.raises(UsageError, match="stdout is a terminal"):
        PipeWriter(terminal, "y4m", Fraction(25))
    os.close(main)
    os.close(terminal)


def test_a_full_disk_is_told() -> None:
    with (
        Path("/dev/full").open("wb") as file,
        PipeWriter(file.fileno(), "y4m", Fraction(25)) as writer,
        pytest.raises(VideoganError, match="stdout: cannot be written: No space"),
    ):
        writer.write(moving_frames(1))
