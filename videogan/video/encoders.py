"""One sink per output format: frames go in one by one, a finished file or folder lies under the given name after close.

Every sink takes RGB frames (h, w, 3) in uint8 and works in constant memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Protocol, cast

import av
import imageio.v3 as iio
import numpy as np
from av.filter import Graph
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from av.video.stream import VideoStream
from PIL.PngImagePlugin import PngInfo

from videogan.video.filters import pull
from videogan.video.formats import BT709_MATRIX
from videogan.video.pixels import SCALER_FLAGS
from videogan.video.safety import quiet_ffmpeg

SHEET_BYTES = 256 * 1024 * 1024
SHEET_FRAMES = 256


class Sink(Protocol):
    """What the writer needs of an output format."""

    def write(self, frame: np.ndarray) -> None:
        """Add one frame (h, w, 3)."""

    def close(self) -> None:
        """Write what is still held back and finish the file."""

    def abort(self) -> None:
        """Release everything without finishing."""


@dataclass(frozen=True)
class Encoding:
    """How one container is written.

    Attributes:
        container: FFmpeg's name of the muxer.
        codec: FFmpeg's name of the encoder.
        pixel_format: what the encoder takes.
        options: for the encoder.
        container_options: for the muxer.
        metadata: tags of the file.
    """

    container: str
    codec: str
    pixel_format: str
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


MOST_X264_THREADS = 16
PIXELS_OF_A_THREAD = 2048
"""Frames that x264 encodes at once: at most so many, one for each 16 rows, and for so many pixels, since on a CPU that
makes the frames, too, more only take its cores away. FFmpeg would have it cut frames into as many slices as there are
cores, which costs bits, helps small frames little, and gives other bytes on another machine."""


def opens(codec: str, width: int, height: int) -> bool:
    """Tell whether an encoder of 4:2:0 opens here for frames of even size; one of a GPU is choosy about both."""
    quiet_ffmpeg()
    try:
        context = cast(av.VideoCodecContext, av.CodecContext.create(codec, "w"))
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = Fraction(1, 25)
        context.open()
    except (av.FFmpegError, ValueError):
        return False
    return True


def pad_to_even(frame: np.ndarray) -> np.ndarray:
    """Repeat the last row and column where the size (h, w) is odd: 4:2:0 needs even sizes."""
    height, width = frame.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return frame
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def to_bt709(reformatter: VideoReformatter, picture: av.VideoFrame) -> av.VideoFrame:
    """Return an RGB picture of even size as 4:2:0 in BT.709 and limited range."""
    return reformatter.reformat(
        picture,
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
        interpolation=SCALER_FLAGS,
        threads=1,
    )


class CodecSink:
    """Encodes with FFmpeg, one frame per tick of 1/frame_rate. 4:2:0 is converted to, and tagged as, BT.709."""

    def __init__(self, path: Path, frame_rate: Fraction, encoding: Encoding) -> None:
        quiet_ffmpeg()
        self._tick = 1 / frame_rate
        self._encoding = encoding
        self._num_frames = 0
        self._reformatter = VideoReformatter()
        self._palette: Graph | None = None
        self._container = av.open(
            f"file:{path.absolute()}", "w", format=encoding.container, container_options=encoding.container_options
        )
        self._container.metadata.update(encoding.metadata)
        stream = self._container.add_stream(encoding.codec, rate=frame_rate, options=encoding.options)
        self._stream = cast(VideoStream, stream)

    def _open(self, width: int, height: int) -> None:
        context = self._stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, self._encoding.pixel_format
        context.time_base = self._tick
        if self._encoding.codec == "libx264":
            most = min(-(-height // 16), -(-height * width // PIXELS_OF_A_THREAD))
            context.thread_type, context.thread_count = "FRAME", min(MOST_X264_THREADS, most)
        if self._encoding.pixel_format == "yuv420p":
            context.colorspace, context.color_range = BT709_MATRIX, ColorRange.MPEG
            context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        if self._encoding.pixel_format == "pal8":
            self._palette = _palette_graph(width, height, self._tick)
        context.open(strict=False)

    def write(self, frame: np.ndarray) -> None:
        """Add one frame (h, w, 3)."""
        if self._encoding.pixel_format == "yuv420p":
            frame = pad_to_even(frame)
        if not self._num_frames:
            self._open(frame.shape[1], frame.shape[0])
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        picture.pts, picture.time_base = self._num_frames, self._tick
        self._num_frames += 1
        for coded in self._coded(picture):
            self._container.mux(self._stream.encode(coded))

    def _coded(self, picture: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        """Yield what goes to the encoder for a picture; None flushes what is held back."""
        if self._palette is not None:
            self._palette.vpush(picture)
            yield from pull(self._palette)
        elif picture is not None and self._encoding.pixel_format == "yuv420p":
            coded = to_bt709(self._reformatter, picture)
            coded.pts, coded.time_base = picture.pts, picture.time_base
            yield coded
        elif picture is not None:
            yield self._reformatter.reformat(picture, format=self._encoding.pixel_format, threads=1)

    def close(self) -> None:
        """Flush the encoder and write the index."""
        for coded in self._coded(None):
            self._container.mux(self._stream.encode(coded))
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def abort(self) -> None:
        """Release the file; an encoder that failed must not be flushed."""
        self._container.close()


def _palette_graph(width: int, height: int, tick: Fraction) -> Graph:
    """Build a graph that gives every frame the 256 colours that suit it best, in constant memory."""
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(width=width, height=height, format=av.VideoFormat("rgb24"), time_base=tick)
    split, choose = graph.add("split"), graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
    use, sink = graph.add("paletteuse", "new=1:dither=sierra2_4a"), graph.add("buffersink")
    source.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(choose, 1, 0)
    choose.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph


def _png(image: np.ndarray, comment: str | None = None) -> bytes:
    # Made in memory, because imageio that meets a full disk complains a second time, on the terminal.
    tags = PngInfo()
    if comment is not None:
        tags.add_itxt("comment", comment)
    return bytes(iio.imwrite("<bytes>", image, extension=".png", pnginfo=tags))


class FolderSink:
    """A folder of ``frame_000000.png`` and so on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._num_frames = 0
        path.mkdir()

    def write(self, frame: np.ndarray) -> None:
        """Add one frame (h, w, 3)."""
        (self._path / f"frame_{self._num_frames:06d}.png").write_bytes(_png(frame))
        self._num_frames += 1

    def close(self) -> None:
        """Nothing is held back."""

    def abort(self) -> None:
        """Nothing is held open."""


class SheetSink:
    """One PNG with the frames side by side, row by row, as nearly square as it goes.

    Of long videos every second, fourth, ... frame is shown, so that at most SHEET_FRAMES frames and SHEET_BYTES are
    held.
    """

    def __init__(self, path: Path, comment: str | None = None) -> None:
        self._path = path
        self._comment = comment
        self._kept: list[np.ndarray] = []
        self._stride = 1
        self._num_frames = 0

    def write(self, frame: np.ndarray) -> None:
        """Add one frame (h, w, 3)."""
        if self._num_frames % self._stride == 0:
            if len(self._kept) >= min(SHEET_FRAMES, max(4, SHEET_BYTES // frame.nbytes)):
                self._kept = self._kept[::2]
                self._stride *= 2
            if self._num_frames % self._stride == 0:
                self._kept.append(frame.copy())
        self._num_frames += 1

    def close(self) -> None:
        """Lay out the frames and write the file."""
        columns = int(np.ceil(np.sqrt(len(self._kept))))
        rows = -(-len(self._kept) // columns)
        height, width = self._kept[0].shape[:2]
        sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
        for number, frame in enumerate(self._kept):
            row, column = divmod(number, columns)
            sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = frame
        self._path.write_bytes(_png(sheet, self._comment))

    def abort(self) -> None:
        """Nothing is held open."""
