"""Writes videos so that a reader never meets a half-written one."""

import os
import shutil
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np

from videogan.errors import MissingPathError, UsageError, VideoganError, did_you_mean
from videogan.video.encoders import CodecSink, FolderSink, Sink
from videogan.video.formats import as_frame_rate

OUTPUT_SUFFIXES = (".mp4", ".webm", ".gif", ".webp", ".png")
X264_PRESETS = "ultrafast superfast veryfast faster fast medium slow slower veryslow".split()


class VideoWriter:
    """Writes RGB frames to a video file; its suffix picks the format.

    ``.mp4`` (H.264), ``.webm`` (VP9), ``.gif``, ``.webp`` (animated), ``.png`` (one contact sheet), no suffix (a folder of
    PNG frames). The frames go to ``PATH.part``, which takes the name PATH when the ``with`` block ends well and is removed
    when it ends with an error.

    Args:
        path: what to write; its parent folder must exist.
        frame_rate: frames per second, above 0.
        crf: H.264 quality, 0 (lossless) to 51.
        preset: x264's speed, ``ultrafast`` to ``veryslow``.
        comment: text for the comment tag of an MP4 or WebM file.
        overwrite: whether an existing PATH may be replaced.
        gop: frames between key frames at most; None for two seconds' worth.

    Raises:
        UsageError: a wrong argument, an unknown suffix, PATH exists, cannot be written, or no frame was written.
        VideoganError: the disk is full or failed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        frame_rate: Fraction | float = 25,
        crf: int = 18,
        preset: str = "medium",
        comment: str | None = None,
        overwrite: bool = False,
        gop: int | None = None,
    ) -> None:
        self.path = Path(path)
        self.frame_rate = as_frame_rate(frame_rate)
        self.num_frames = 0
        self.size: tuple[int, int] | None = None
        self._overwrite = overwrite
        self._part = self.path.with_name(self.path.name + ".part")
        self._sink: Sink | None = None
        self._finished = False
        _check_options(crf, preset, gop)
        self._options = {
            "crf": str(crf),
            "preset": preset,
            "g": str(gop or min(250, max(1, round(2 * self.frame_rate)))),
        }
        self._metadata = {"comment": comment} if comment is not None else {}
        check_output_path(self.path, overwrite=overwrite)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()
        elif not self._finished:
            self.discard()

    def write(self, frames: np.ndarray) -> None:
        """Add one frame (h w c) or several (t h w c): uint8 RGB in [0, 255], all of the first frame's size."""
        frames = np.asarray(frames)
        batch = frames[None] if frames.ndim == 3 else frames
        if batch.ndim != 4 or batch.shape[-1] != 3 or batch.dtype != np.uint8:
            raise UsageError(f"frames of shape {frames.shape}, {frames.dtype}: must be uint8 h w 3 or t h w 3")
        size = (batch.shape[1], batch.shape[2])
        if self.size is not None and size != self.size:
            raise UsageError(f"{self.path}: frames of {size} after frames of {self.size}; one video has one size")
        try:
            for frame in batch:
                if self._sink is None:
                    self.size = size
                    self._sink = self._open_sink()
                self._sink.write(frame)
                self.num_frames += 1
        except (OSError, av.FFmpegError) as error:
            raise self._failure(error) from error

    def finish(self) -> None:
        """Complete the file with the frames written so far and give it its name; a second call does nothing."""
        if self._finished:
            return
        if self._sink is None:
            raise UsageError(f"{self.path}: no frame was written")
        try:
            self._sink.close()
            _sync(self._part)
            _replace(self._part, self.path)
        except (OSError, av.FFmpegError) as error:
            self.discard()
            raise self._failure(error) from error
        self._finished = True

    def discard(self) -> None:
        """Remove what was written; PATH stays as it was."""
        self._finished = True
        if self._sink is not None:
            try:
                self._sink.abort()
            except (OSError, av.FFmpegError):
                pass
        _remove(self._part)

    def _open_sink(self) -> Sink:
        _remove(self._part)
        suffix = self.path.suffix.lower()
        if suffix == "":
            return FolderSink(self._part)
        if suffix == ".mp4":
            return CodecSink(self._part, "mp4", "libx264", self.frame_rate, self._options, self._metadata)
        raise UsageError(f"{self.path}: not written yet")

    def _failure(self, error: OSError | av.FFmpegError) -> VideoganError:
        reason = getattr(error, "strerror", None) or str(error)
        return VideoganError(f"{self.path}: cannot be written: {reason}; nothing was kept")


def check_output_path(path: Path, *, overwrite: bool) -> None:
    """Raise UsageError unless a video can be written to ``path``."""
    suffix = path.suffix.lower()
    if suffix and suffix not in OUTPUT_SUFFIXES:
        known = ", ".join(OUTPUT_SUFFIXES)
        hint = did_you_mean(suffix, OUTPUT_SUFFIXES)
        raise UsageError(f"{path}: cannot write {suffix!r}{hint}; use {known}, or no suffix for a folder of frames")
    if not path.parent.is_dir():
        raise MissingPathError(f"{path.parent}: no such folder; make it first")
    if os.path.lexists(path) and not overwrite:
        raise UsageError(f"{path} exists; use --yes to replace it, or another name")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UsageError(f"{path.parent}: no permission to write here; choose another folder")


def _check_options(crf: int, preset: str, gop: int | None) -> None:
    if not 0 <= crf <= 51:
        raise UsageError(f"crf {crf}: must be from 0 (lossless) to 51")
    if preset not in X264_PRESETS:
        raise UsageError(
            f"preset {preset!r}{did_you_mean(preset, X264_PRESETS)}: must be one of {', '.join(X264_PRESETS)}"
        )
    if gop is not None and gop < 1:
        raise UsageError(f"gop {gop}: must be at least 1")


def _sync(path: Path) -> None:
    """Force a file, or every file of a folder, to the disk."""
    for member in [*path.iterdir(), path] if path.is_dir() else [path]:
        descriptor = os.open(member, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _replace(part: Path, path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    part.replace(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
