"""Uploads: each a file of limited size in a temporary folder of its own, read as any other video is."""

from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import anyio
import numpy as np

from videogan.errors import UsageError
from videogan.files import printable
from videogan.model import Model
from videogan.video.formats import IMAGE_SUFFIXES, VIDEO_SUFFIXES

LARGEST_UPLOAD = 2**28
MOST_FRAMES = 128
"""Frames of a dropped clip that are looked at."""


async def receive(name: str, body: AsyncIterable[bytes], folder: Path) -> Path:
    """Write an upload into a folder of its own under ``folder``; only the suffix of its name is taken.

    Raises:
        UsageError: it is larger than LARGEST_UPLOAD, empty, or of no kind that is read; nothing of it is left.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in VIDEO_SUFFIXES | IMAGE_SUFFIXES:
        raise UsageError(f"{printable(name)[:200]}: drop a video or a picture")
    path = Path(mkdtemp(dir=folder)) / f"clip{suffix}"
    size = 0
    try:
        async with await anyio.open_file(path, "wb") as file:
            async for part in body:
                size += len(part)
                if size > LARGEST_UPLOAD:
                    raise UsageError(f"larger than {LARGEST_UPLOAD >> 20} MiB; cut it first")
                await file.write(part)
        if not size:
            raise UsageError(f"{printable(name)[:200]}: the file is empty")
    except BaseException:
        remove(path)
        raise
    return path


def remove(path: Path) -> None:
    """Remove an upload and its folder."""
    path.unlink(missing_ok=True)
    path.parent.rmdir()


def read_upload(model: Model, path: Path) -> np.ndarray:
    """Return the beginning of an upload as a model sees it: uint8 ``t h w c``, a single frame of a picture.

    Raises:
        VideoError: it cannot be read.
    """
    if path.suffix not in IMAGE_SUFFIXES:
        return model.read_clip(path, frames=MOST_FRAMES)
    with _as_frames(path) as folder:
        return model.read_clip(folder, frames=1)


@contextmanager
def _as_frames(path: Path) -> Iterator[Path]:
    """Give a picture as a folder of two frames, which the reader of videos takes."""
    frames = [path.with_name(f"frame_{number}{path.suffix}") for number in range(2)]
    try:
        for frame in frames:
            frame.hardlink_to(path)
        yield path.parent
    finally:
        for frame in frames:
            frame.unlink(missing_ok=True)
