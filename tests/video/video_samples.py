"""Sample videos for the tests of videogan.video."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from videogan.video import VideoReader


def moving_frames(num_frames: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Smooth coloured waves that move (t h w c); every frame differs from every other."""
    time, row, column = np.ogrid[:num_frames, :height, :width]
    red = 128 + 90 * np.sin((row + 3 * time) / 12)
    green = 128 + 90 * np.cos((column - 2 * time) / 15)
    blue = 40 + 150 * time / max(1, num_frames - 1) + 0 * row * column
    return np.stack(np.broadcast_arrays(red, green, blue), axis=-1).astype(np.uint8)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def psnr(ours: np.ndarray, theirs: np.ndarray) -> float:
    error = (ours.astype(float) - theirs) ** 2
    return float(10 * np.log10(255**2 / max(error.mean(), 1e-9)))


def encode(
    path: Path,
    frames: np.ndarray,
    *,
    codec: str = "libx264",
    rate: Fraction | int = 25,
    pts: list[int] | None = None,
    time_base: Fraction | None = None,
    options: dict[str, str] | None = None,
    prepare: Callable[[av.video.stream.VideoStream], None] | None = None,
    mark: Callable[[av.VideoFrame], None] | None = None,
) -> Path:
    """Encode with FFmpeg directly, for what the writer never makes."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {"crf": "5"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        if time_base is not None:
            stream.codec_context.time_base = time_base
        if prepare is not None:
            prepare(stream)
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            picture = picture.reformat(format=stream.pix_fmt, threads=1)
            picture.pts = pts[number] if pts else number
            picture.time_base = time_base or 1 / Fraction(rate)
            if mark is not None:
                mark(picture)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def all_frames(path: Path) -> np.ndarray:
    """Decode a whole video in order: ``t h w c``."""
    with VideoReader(path) as reader:
        return np.stack(list(reader.frames()))
