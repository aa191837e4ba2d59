"""One sink per output format: frames go in one by one, a finished file or folder lies under the given name after close.

Every sink takes RGB frames (h, w, 3) in uint8 and works in constant memory.
"""

from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import imageio.v3 as iio
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter

from videogan.video.pixels import SCALER_FLAGS


class Sink(Protocol):
    """What the writer needs of an output format."""

    def write(self, frame: np.ndarray) -> None:
        """Add one frame (h, w, 3)."""

    def close(self) -> None:
        """Write what is still held back and finish the file."""

    def abort(self) -> None:
        """Release everything without finishing."""


def pad_to_even(frame: np.ndarray) -> np.ndarray:
    """Repeat the last row and column where the size (h, w) is odd: 4:2:0 needs even sizes."""
    height, width = frame.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return frame
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


class CodecSink:
    """MP4 (H.264) and WebM (VP9): 8-bit 4:2:0, converted to and tagged as BT.709, one frame per tick of 1/frame_rate."""

    def __init__(
        self,
        path: Path,
        container: str,
        codec: str,
        frame_rate: Fraction,
        options: dict[str, str],
        metadata: dict[str, str],
    ) -> None:
        self._rate = frame_rate
        self._num_frames = 0
        self._reformatter = VideoReformatter()
        muxer = {"movflags": "+faststart"} if container == "mp4" else {}
        self._container = av.open(f"file:{path.absolute()}", "w", format=container, container_options=muxer)
        self._container.metadata.update(metadata)
        self._stream = self._container.add_stream(codec, rate=frame_rate, options=options)

    def _open(self, width: int, height: int) -> None:
        context = self._stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = 1 / self._rate
        context.colorspace, context.color_range = 1, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        context.open(strict=False)

    def write(self, frame: np.ndarray) -> None:
        """Add one frame (h, w, 3)."""
        frame = pad_to_even(frame)
        if not self._num_frames:
            self._open(frame.shape[1], frame.shape[0])
        rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        picture = self._reformatter.reformat(
            rgb,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=SCALER_FLAGS,
            threads=1,
        )
        picture.pts, picture.time_base = self._num_frames, 1 / self._rate
        self._num_frames += 1
        self._container.mux(self._stream.encode(picture))

    def close(self) -> None:
        """Flush the encoder and write the index."""
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def abort(self) -> None:
        """Release the file without flushing the encoder."""
        self._container.close()


class FolderSink:
    """A folder of ``frame_000000.png`` and so on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._num_frames = 0
        path.mkdir()

    def write(self, frame: np.ndarray) -> None:
        """Add one frame (h, w, 3)."""
        iio.imwrite(self._path / f"frame_{self._num_frames:06d}.png", frame)
        self._num_frames += 1

    def close(self) -> None:
        """Nothing is held back."""

    def abort(self) -> None:
        """Nothing is held open."""
