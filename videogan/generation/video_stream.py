"""Videos as they are made: lazy frames that can be looked at, laid out, saved or piped.

Chunks are ``b t c h w`` in [-1, 1], one video per row; frames that leave are uint8 ``h w c``.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from einops import rearrange, repeat
from torch import Tensor

from videogan.artifacts.provenance import Provenance
from videogan.errors import UsageError
from videogan.files import Progress
from videogan.generation.labels import grid_labels
from videogan.generation.sampling import take
from videogan.generation.scaling import Method, check_scale, enlarge, scale_to_show
from videogan.generation.worker import Worker
from videogan.signals import StopRequest, stop_request
from videogan.video import VideoWriter, as_frame_rate, to_float, to_uint8
from videogan.video.pipe import PipeFormat, PipeWriter
from videogan.video.tensors import to_uint8_later
from videogan.video.writer import CODECS, remove_abandoned

CLIP_FRAMES = 64
"""Frames of a given clip that are laid beside or before a stream at once."""


@dataclass(frozen=True)
class VideoStream:
    """One or more videos of the same size, whose frames are made while they are read, in constant memory.

    Every iteration begins anew and gives the same frames.

    Args:
        make: begins the videos: an iterator of chunks ``(b t c h w)`` in [-1, 1].
        size: height and width of their frames in pixels.
        frame_rate: frames per second.
        num_frames: frames of each video; None where it has no end.
        num_videos: how many videos there are.
        provenance: what each video was made by; empty where that is not known.
        figures: what is measured while the frames are made, by name.
    """

    make: Callable[[], Iterator[Tensor]]
    size: tuple[int, int]
    frame_rate: Fraction
    num_frames: int | None
    num_videos: int = 1
    provenance: tuple[Provenance, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_clips(cls, clips: Tensor, frame_rate: Fraction) -> "VideoStream":
        """Return clips ``(b t c h w)`` in [-1, 1] as a stream."""
        _, frames, _, height, width = clips.shape
        return cls(lambda: iter([clips]), (height, width), frame_rate, frames, len(clips))

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the frames of a single video: uint8 ``h w c``.

        Raises:
            UsageError: there are several videos.
        """
        if self.num_videos != 1:
            raise UsageError(f"{self.num_videos} videos: take one by video(0), or lay them side by side by grid(rows)")
        return (frame for chunk in self.make() for frame in to_uint8(chunk[0].cpu()))

    def array(self) -> np.ndarray:
        """Return all frames: uint8 ``t h w c`` of a single video, ``b t h w c`` of several.

        Raises:
            UsageError: the video has no end.
        """
        if self.num_frames is None:
            raise UsageError("a video without an end fits no array: take(frames) first")
        frames = np.concatenate([to_uint8(chunk.cpu()) for chunk in self.make()], axis=1)
        return frames[0] if self.num_videos == 1 else frames

    def take(self, frames: int) -> "VideoStream":
        """Return the first ``frames`` frames, or all where there are fewer."""
        if frames < 1:
            raise UsageError(f"frames {frames}: must be at least 1")
        if self.num_frames is not None and frames >= self.num_frames:
            return self
        provenance = tuple(about.model_copy(update={"frames": frames}) for about in self.provenance)
        return replace(self, make=lambda: take(self.make(), frames), num_frames=frames, provenance=provenance)

    def video(self, number: int) -> "VideoStream":
        """Return one of the videos, counted from 0, as it is when all are made together."""
        if not 0 <= number < self.num_videos:
            raise UsageError(f"video {number}: must be from 0 to {self.num_videos - 1}")
        return replace(
            self,
            make=lambda: (chunk[number : number + 1] for chunk in self.make()),
            num_videos=1,
            provenance=self.provenance[number : number + 1],
        )

    def grid(self, rows: int) -> "VideoStream":
        """Lay the videos out as one of ``rows`` rows.

        Raises:
            UsageError: they do not fill the rows.
        """
        if rows < 1 or self.num_videos % rows:
            raise UsageError(f"{self.num_videos} videos cannot be laid out in {rows} rows")
        pattern = "(rows columns) t c h w -> 1 t c (rows h) (columns w)"
        columns = self.num_videos // rows
        return replace(
            self,
            make=lambda: (rearrange(chunk, pattern, rows=rows) for chunk in self.make()),
            size=(rows * self.size[0], columns * self.size[1]),
            num_videos=1,
            provenance=tuple(about.with_options(grid=f"{rows}x{columns}") for about in self.provenance[:1]),
        )

    def beside(self, clip: np.ndarray) -> "VideoStream":
        """Show ``clip``, uint8 ``t h w c``, to the left of every video, as far as both go."""

        def make() -> Iterator[Tensor]:
            first = 0
            for chunk in self.make():
                real = to_float(clip[first : first + chunk.shape[1]])
                first += len(real)
                left = repeat(real, "t c h w -> b t c h w", b=len(chunk))
                if len(real):
                    yield torch.cat([left, chunk[:, : len(real)].cpu()], dim=-1)

        num_frames = len(clip) if self.num_frames is None else min(len(clip), self.num_frames)
        size = (self.size[0], self.size[1] + clip.shape[2])
        return replace(self, make=make, size=size, num_frames=num_frames)

    def after(self, clip: np.ndarray) -> "VideoStream":
        """Show ``clip``, uint8 ``t h w c``, before every video."""
        starts = range(0, len(clip), CLIP_FRAMES)

        def make() -> Iterator[Tensor]:
            parts = (to_float(clip[first : first + CLIP_FRAMES]) for first in starts)
            return chain((repeat(part, "t c h w -> b t c h w", b=self.num_videos) for part in parts), self.make())

        return replace(self, make=make, num_frames=None if self.num_frames is None else self.num_frames + len(clip))

    def scaled(self, factor: int | None = None, method: Method = "lanczos") -> "VideoStream":
        """Show every frame ``factor`` times as large, since players show small videos small, or enlarge them badly.

        None is the smallest power of two that makes the shorter side at least 256 pixels.

        Raises:
            UsageError: the factor is not from 1 to 32.
        """
        factor = scale_to_show(self.size) if factor is None else factor
        check_scale(factor)
        if factor == 1:
            return self
        return replace(
            self.with_options(scale=factor, scale_method=method),
            make=lambda: (enlarge(chunk, factor, method) for chunk in self.make()),
            size=(factor * self.size[0], factor * self.size[1]),
        )

    def labelled(self, names: Sequence[str]) -> "VideoStream":
        """Write names above the columns and beside the rows of a grid that has one for each."""
        label, size = grid_labels(self.size, names)
        return replace(self, make=lambda: map(label, self.make()), size=size)

    def with_frame_rate(self, frame_rate: float | None) -> "VideoStream":
        """Show the same frames at another rate, in frames per second; None leaves it."""
        if frame_rate is None:
            return self
        return replace(self.with_options(frame_rate=frame_rate), frame_rate=as_frame_rate(frame_rate))

    def with_options(self, **options: object) -> "VideoStream":
        """Add to the options that the videos' provenance names."""
        return replace(self, provenance=tuple(about.with_options(**options) for about in self.provenance))

    def save(
        self,
        *paths: str | os.PathLike[str],
        overwrite: bool = False,
        metadata: bool = True,
        preset: str = "veryfast",
        codec: str = CODECS[0],
        progress: Progress | None = None,
    ) -> None:
        """Write every video to a path of its own, in the size that it has; the suffix picks the format.

        Args:
            paths: one for each video: .mp4 .webm .gif .webp .png, or a folder of frames.
            overwrite: whether existing files are replaced.
            metadata: whether the files say how they were made.
            preset: x264's speed.
            codec: encoder of MP4, one of ``CODECS``: x264, or one of an NVIDIA GPU, whose place x264 takes where it
                does not open.
            progress: called with the frames of each video so far, and how many there will be, 0 without an end.

        Raises:
            UsageError: there are more or fewer paths than videos, or one of them cannot be written.
            Interrupted: by Ctrl-C or SIGTERM; the files hold the frames so far.
        """
        with stop_request() as wish:
            options: dict[str, Any] = {"overwrite": overwrite, "metadata": metadata, "preset": preset, "codec": codec}
            written = self.write(paths, **options, wish=wish, progress=progress)
        if wish:
            wish.raise_as(f"stopped; {paths[0]} holds the {written} frames so far")

    def write(
        self,
        paths: Sequence[str | os.PathLike[str]],
        *,
        overwrite: bool = False,
        metadata: bool = True,
        preset: str = "veryfast",
        codec: str = CODECS[0],
        wish: StopRequest | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Write as :meth:`save` does, until the caller's ``wish`` to stop comes; returns the frames written."""
        if len(paths) != self.num_videos:
            raise UsageError(f"{len(paths)} paths for {self.num_videos} videos; name one for each")
        texts = [about.model_dump_json() for about in self.provenance] if metadata else []
        comments: Sequence[str | None] = texts or [None] * len(paths)
        written = 0
        for path in paths:
            remove_abandoned(Path(path))
        with ExitStack() as stack:
            writers = [
                stack.enter_context(
                    VideoWriter(
                        Path(path),
                        frame_rate=self.frame_rate,
                        overwrite=overwrite,
                        comment=comment,
                        preset=preset,
                        codec=codec,
                    )
                )
                for path, comment in zip(paths, comments, strict=True)
            ]

            def encode(frames: Callable[[], np.ndarray]) -> None:
                for writer, video in zip(writers, frames(), strict=True):
                    writer.write(video)

            worker = stack.enter_context(Worker(encode))
            for chunk in self.make():
                worker.put(to_uint8_later(chunk))
                written += chunk.shape[1]
                if progress is not None:
                    progress(written, self.num_frames or 0)
                if wish:
                    break
        return written

    def pipe(self, descriptor: int, pipe_format: PipeFormat = "y4m") -> bool:
        """Write a single video to a file descriptor, and tell whether its reader took all of it.

        One that has seen enough ends it without a word.

        Raises:
            UsageError: the descriptor is a terminal, or there are several videos.
            Interrupted: by Ctrl-C or SIGTERM.
        """
        if self.num_videos != 1:
            raise UsageError(f"{self.num_videos} videos: one goes into a pipe")
        with stop_request() as wish:
            with PipeWriter(descriptor, pipe_format, self.frame_rate) as writer:
                for chunk in self.make():
                    writer.write(to_uint8(chunk[0].cpu()))
                    if wish or writer.broken:
                        break
            if wish:
                wish.raise_as(f"stopped after {writer.num_frames} frames")
        return not writer.broken
