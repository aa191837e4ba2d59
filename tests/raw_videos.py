"""Raw videos for tests to prepare."""

from pathlib import Path

import numpy as np

from videogan.preparation.synthetic import moving_shapes
from videogan.video import VideoWriter


def clip_of(num_frames=20, seed=0, size=48):
    return moving_shapes(seed, size=size, num_frames=num_frames)[0]


def write(path: Path, frames: np.ndarray, frame_rate=25) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.with_name("being-written.mp4")
    with VideoWriter(target, frame_rate=frame_rate, overwrite=True) as writer:
        writer.write(frames)
    return target.rename(path)
