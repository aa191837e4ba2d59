from fractions import Fraction

import numpy as np
import pytest

from videogan.data.whole import read_whole
from videogan.errors import MissingPathError, VideoError
from videogan.video import VideoWriter, read_video


@pytest.fixture
def video(tmp_path):
    """Fifty frames at 25 per second, 48 x 32, each of its own grey."""
    path = tmp_path / "a.mp4"
    with VideoWriter(path, frame_rate=25, crf=0) as writer:
        writer.write(np.broadcast_to(np.arange(50, dtype=np.uint8)[:, None, None, None] * 4, (50, 32, 48, 3)))
    return path


def test_every_frame_at_its_own_rate(video):
    frames = read_whole(video, size=16, fit="crop", frame_rate=Fraction(25))
    assert np.array_equal(frames, read_video(video, size=(16, 16))[0])


@pytest.mark.parametrize(("rate", "count"), [(Fraction(25, 2), 25), (Fraction(50), 100), (Fraction(10), 20)])
def test_another_rate_repeats_or_drops_frames(video, rate, count):
    frames = read_whole(video, size=16, fit="stretch", frame_rate=rate)
    assert len(frames) == count
    grey = frames.mean(axis=(1, 2, 3))
    assert (np.diff(grey) >= -1).all()
    assert grey[-1] > 180


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(MissingPathError, match="no such video"):
        read_whole(tmp_path / "absent.mp4", size=16, fit="crop", frame_rate=Fraction(25))
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(VideoError):
        read_whole(tmp_path / "text.mp4", size=16, fit="crop", frame_rate=Fraction(25))
