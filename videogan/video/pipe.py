"""Frames as bytes into a pipe, for FFmpeg, ffplay and the like."""

import os
from fractions import Fraction
from types import TracebackType
from typing import Literal, Self

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from videogan.errors import UsageError
from videogan.video import y4m
from videogan.video.encoders import pad_to_even, to_bt709

PipeFormat = Literal["y4m", "rawvideo"]


class PipeWriter:
    """Writes RGB frames to a file descriptor that is not a terminal.

    ``y4m`` says size and frame rate by itself; its frames are 4:2:0 in BT.709 and limited range, odd sizes made even by
    repeating the last row or column. ``rawvideo`` is the bare RGB bytes. ``broken`` becomes True when the reader has
    gone; what is written after that is dropped.

    Raises:
        UsageError: the descriptor is a terminal, or writing failed.
    """

    def __init__(self, descriptor: int, pipe_format: PipeFormat, frame_rate: Fraction) -> None:
        if os.isatty(descriptor):
            raise UsageError("OUT is -, but stdout is a terminal; pipe it into a program, or name a file")
        self.broken = False
        self.num_frames = 0
        self._format = pipe_format
        self._rate = frame_rate
        self._reformatter = VideoReformatter()
        # An own descriptor, so that closing it (or failing to) leaves sys.stdout alone.
        self._file = os.fdopen(os.dup(descriptor), "wb", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, frames: np.ndarray) -> None:
        """Add frames ``t h w c``, uint8 RGB."""
        for frame in frames:
            self._send(np.ascontiguousarray(frame).tobytes() if self._format == "rawvideo" else self._y4m(frame))
            self.num_frames += 1

    def _y4m(self, frame: np.ndarray) -> bytes:
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pad_to_even(frame)), format="rgb24")
        coded = to_bt709(self._reformatter, picture)
        head = b""
        if not self.num_frames:
            head = y4m.header(coded.width, coded.height, self._rate)
        return head + b"FRAME\n" + coded.to_ndarray().tobytes()

    def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        while len(rest) and not self.broken:
            try:
                rest = rest[self._file.write(rest) or 0 :]
            except BrokenPipeError:
                self.broken = True
            except OSError as error:
                raise UsageError(f"stdout: cannot be written: {error.strerror}") from error
