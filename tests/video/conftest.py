from pathlib import Path

import pytest
from video_samples import moving_frames

from videogan.video import VideoWriter


@pytest.fixture(scope="session")
def clip_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ordinary MP4: 60 frames of 64x48 at 25 frames per second, a key frame at least every 12."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with VideoWriter(path, gop=12) as writer:
        writer.write(moving_frames(60))
    return path
