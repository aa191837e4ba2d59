from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from videogan.config import DataConfig
from videogan.data.cache.clip_cache import ClipCache, open_cache
from videogan.data.folder import scan_folder
from videogan.preparation.synthetic import moving_shapes
from videogan.video import VideoWriter


@pytest.fixture
def make_video() -> Callable[..., Path]:
    def make(path: Path, num_frames: int = 12, size: int = 32, frame_rate: float = 25, seed: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        frames, _ = moving_shapes(seed, size=size, num_frames=num_frames)
        with VideoWriter(path, frame_rate=frame_rate, overwrite=True) as writer:
            writer.write(frames)
        return path

    return make


@pytest.fixture
def labelled(tmp_path, make_video) -> Path:
    """Two classes: three videos of 20, 24 and 8 frames, and one of 30."""
    for number, num_frames in enumerate((20, 24, 8)):
        make_video(tmp_path / "clips" / "a" / f"{number}.mp4", num_frames, seed=number)
    make_video(tmp_path / "clips" / "b" / "0.mp4", 30, seed=7)
    return tmp_path / "clips"


@pytest.fixture
def cached(tmp_path) -> Callable[..., ClipCache]:
    def make(root: Path, **settings: object) -> ClipCache:
        data = DataConfig(**{"size": 32, "cache_dir": str(tmp_path / "cache"), **settings})
        folder = scan_folder(root, cache_dir=data.cache_dir, labels=data.labels)
        return open_cache(folder, data)

    return make


def frames_of(cache: ClipCache, video: int) -> np.ndarray:
    """All frames of one cached video."""
    count = cache.videos[video].num_frames
    out = np.empty((count, cache.height, cache.width, 3), np.uint8)
    cache.read(video, range(count), out)
    return out


@pytest.fixture
def read_all() -> Callable[[ClipCache, int], np.ndarray]:
    return frames_of
