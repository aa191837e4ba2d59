"""Writes videos so that a reader never meets a half-written one."""

import contextlib
import logging
import os
import re
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np

from videogan.errors import UsageError, did_you_mean, reason_of
from videogan.files import check_destination, sync
from videogan.parts import LONGEST_NAME, abandoned_parts, hold_part, part_of
from videogan.video.encoders import CodecSink, Encoding, FolderSink, SheetSink, Sink, opens
from videogan.video.formats import as_frame_rate

OUTPUT_SUFFIXES = (".mp4", ".webm", ".gif", ".webp", ".png")
CODECS = ("libx264", "h264_nvenc", "hevc_nvenc")
"""Encoders of MP4: x264, and those of an NVIDIA GPU."""
X264_PRESETS = ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]

_log = logging.getLogger(__name__)

_FASTEST = {".gif": Fraction(50), ".webp": Fraction(90)}
"""Frames per second that browsers show: they take a delay of 1/100 s or less for none given, and make it 1/10 s."""

_FRAME_NAME = re.compile(r"frame_\d{6,}\.png")


class VideoWriter:
    """Writes RGB frames to a video file; its suffix picks the format.

    ``.mp4`` (H.264), ``.webm`` (VP9), ``.gif``, ``.webp`` (animated; equal neighbours become one longer frame),
    ``.png`` (one contact sheet), no suffix (a folder of PNG frames). Odd sizes of MP4 and WebM are made even by
    repeating the last row or column. Of more than 50 frames per second (GIF) or 90 (WebP), which browsers would show
    ten times too slowly, some are left out, and a line of the log says so. The frames go to ``PATH.PID.part``, which
    takes the name PATH when the ``with`` block ends well and is removed when it ends with an error. Memory is constant.

    Args:
        path: what to write; its parent folder must exist.
        frame_rate: frames per second, above 0.
        crf: quality of MP4 and WebM, 0 (lossless H.264) to 51.
        preset: x264's speed, ``ultrafast`` to ``veryslow``. ``veryfast`` at a crf of 16 keeps frames as well as
            ``medium`` at 18, in half of the time and a fifth more bytes (docs/benchmarks.md).
        comment: text for the comment tag of an MP4, WebM or PNG file.
        overwrite: whether an existing PATH may be replaced.
        gop: frames between key frames at most; None for two seconds' worth.
        codec: encoder of MP4, one of ``CODECS``; where one of a GPU does not open, x264 takes its place, and a line of
            the log says so.

    Raises:
        UsageError: a wrong argument, an unknown suffix, PATH exists, cannot be written, no frame was written, the disk
            is full or failed, or the encoder refuses the frames.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        frame_rate: Fraction | float = 25,
        crf: int = 16,
        preset: str = "veryfast",
        comment: str | None = None,
        overwrite: bool = False,
        gop: int | None = None,
        codec: str = CODECS[0],
    ) -> None:
        self.path = Path(path)
        self.frame_rate = as_frame_rate(frame_rate)
        self.num_frames = 0
        self.size: tuple[int, int] | None = None
        # Of this process alone: another may be writing a video of the same name.
        self._part = part_of(self.path)
        self._held: int | None = None
        self._sink: Sink | None = None
        self._stored_rate = min(self.frame_rate, _FASTEST.get(self.path.suffix.lower(), self.frame_rate))
        self._closed = False
        _check_options(crf, preset, gop)
        check_codec(codec, self.path)
        self._crf, self._preset, self._codec = crf, preset, codec
        self._gop = gop or min(250, max(1, round(2 * self.frame_rate)))
        self._metadata = {"comment": comment} if comment is not None else {}
        check_output_path(self.path, overwrite=overwrite)
        _check_part(self._part)
        if self._stored_rate < self.frame_rate:
            asked, fastest = float(self.frame_rate), float(self._stored_rate)
            _log.warning(
                "%s: browsers show at most %g frames per second: of %g, some are left out", self.path, fastest, asked
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()
        else:
            self.discard()

    def write(self, frames: np.ndarray) -> None:
        """Add one frame (h w c) or several (t h w c): uint8 RGB in [0, 255], all of the first frame's size."""
        if self._closed:
            raise ValueError(f"{self.path}: already finished")
        frames = np.asarray(frames)
        batch = frames[None] if frames.ndim == 3 else frames
        if batch.ndim != 4 or batch.shape[-1] != 3 or batch.dtype != np.uint8 or 0 in batch.shape[1:]:
            raise UsageError(f"frames of shape {frames.shape}, {frames.dtype}: must be uint8 h w 3 or t h w 3")
        size = (batch.shape[1], batch.shape[2])
        if self.size is not None and size != self.size:
            raise UsageError(f"{self.path}: frames of {size} after frames of {self.size}; one video has one size")
        try:
            for frame in batch:
                if self._sink is None:
                    self.size = size
                    self._sink = self._open_sink()
                if self._is_stored(self.num_frames):
                    self._sink.write(frame)
                self.num_frames += 1
        except (OSError, ValueError, av.FFmpegError) as error:
            raise self._failure(error) from error

    def _is_stored(self, number: int) -> bool:
        """Say whether this frame begins another step of the clock of the file."""
        ratio = self._stored_rate / self.frame_rate
        return ratio == 1 or number == 0 or int(number * ratio) > int((number - 1) * ratio)

    def finish(self) -> None:
        """Complete the file with the frames written so far and give it its name; a second call does nothing."""
        if self._closed:
            return
        if self._sink is None:
            self._closed = True
            raise UsageError(f"{self.path}: no frame was written")
        try:
            self._sink.close()
            _sync(self._part)
            _take_name(self._part, self.path)
            self._release()
        except (OSError, ValueError, av.FFmpegError) as error:
            raise self._failure(error) from error
        self._closed = True

    def discard(self) -> None:
        """Remove what was written and leave PATH as it was; after ``finish`` this does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._sink is not None:
            with contextlib.suppress(OSError, ValueError, av.FFmpegError):
                self._sink.abort()
        _remove(self._part)
        self._release()

    def _open_sink(self) -> Sink:
        _remove(self._part)
        suffix = self.path.suffix.lower()
        if suffix == "":
            sink = FolderSink(self._part)
            self._held = hold_part(self._part)
            return sink
        self._part.touch()
        self._held = hold_part(self._part)
        if suffix == ".png":
            return SheetSink(self._part, self._metadata.get("comment"))
        return CodecSink(self._part, self._stored_rate, self._encoding(suffix))

    def _release(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _encoding(self, suffix: str) -> Encoding:
        if suffix == ".mp4" and self._codec != CODECS[0] and self._opens(self._codec):
            options = {"preset": "p4", "rc": "vbr", "cq": str(self._crf), "b": "0", "g": str(self._gop)}
            return Encoding("mp4", self._codec, "yuv420p", options, {"movflags": "+faststart"}, self._metadata)
        if suffix == ".mp4":
            # Macroblock trees off: with them x264's AVX-512 code gives other bytes at every run, even with one thread.
            options = {"crf": str(self._crf), "preset": self._preset, "g": str(self._gop), "mbtree": "0"}
            return Encoding("mp4", "libx264", "yuv420p", options, {"movflags": "+faststart"}, self._metadata)
        if suffix == ".webm":
            # VP9 looks alike at a crf about 10 above H.264's; it counts to 63. b=0 makes crf the only goal.
            options = {"crf": str(min(63, self._crf + 10)), "b": "0", "cpu-used": "4", "g": str(self._gop)}
            return Encoding("webm", "libvpx-vp9", "yuv420p", options, {}, self._metadata)
        if suffix == ".gif":
            return Encoding("gif", "gif", "pal8")
        return Encoding("webp", "libwebp_anim", "bgra", {"quality": "90"}, {"loop": "0"})

    def _opens(self, codec: str) -> bool:
        """Tell whether the encoder takes frames of the video's size here; where it does not, say so."""
        assert self.size is not None
        height, width = (side + side % 2 for side in self.size)
        taken = opens(codec, width, height)
        if not taken:
            _log.warning(
                "%s: %s does not open for %d x %d here; %s encodes it", self.path, codec, width, height, CODECS[0]
            )
        return taken

    def _failure(self, error: Exception) -> UsageError:
        self.discard()
        return UsageError(f"{self.path}: cannot be written: {reason_of(error)}; nothing was kept")


def remove_abandoned(path: Path) -> None:
    """Remove what processes that were killed left half-written of a video of this name."""
    for part in abandoned_parts(path):
        with contextlib.suppress(OSError):
            _remove(part)
            _log.info("%s is removed: the process that was writing it is gone", part)


def check_output_path(path: Path, *, overwrite: bool) -> None:
    """Raise UsageError unless a video can be written to ``path``, or MissingPathError without its folder."""
    if len(os.fsencode(path.name)) > LONGEST_NAME:
        raise UsageError(f"{path.name[:40]}...: cannot be written: a name has at most {LONGEST_NAME} bytes")
    suffix = path.suffix.lower()
    if path.name.lower() in OUTPUT_SUFFIXES or path.name.endswith("."):
        raise UsageError(f"{path}: needs a name and a suffix, such as out.mp4")
    if suffix and suffix not in OUTPUT_SUFFIXES:
        suffixes = ", ".join(OUTPUT_SUFFIXES)
        hint = did_you_mean(suffix, OUTPUT_SUFFIXES)
        raise UsageError(f"{path}: cannot write {suffix!r}{hint}; use {suffixes}, or no suffix for a folder of frames")
    check_destination(path, overwrite=overwrite, folder=True)
    if path.is_dir() and not path.is_symlink() and (path.suffix or not _holds_only_frames(path)):
        raise UsageError(f"{path} is a folder with other files in it; choose another name")


def check_codec(codec: str, path: Path) -> None:
    """Raise UsageError unless ``codec`` is an encoder of ours, and of the format that the path's suffix names."""
    if codec not in CODECS:
        raise UsageError(f"codec {codec!r}{did_you_mean(codec, CODECS)}: must be one of {', '.join(CODECS)}")
    if codec != CODECS[0] and path.suffix.lower() != ".mp4":
        raise UsageError(f"{path}: codec {codec} is for .mp4")


def _check_part(part: Path) -> None:
    if part.is_dir() and not part.is_symlink() and not _holds_only_frames(part):
        raise UsageError(f"{part} is in the way; remove it or choose another name")


def _check_options(crf: int, preset: str, gop: int | None) -> None:
    if not 0 <= crf <= 51:
        raise UsageError(f"crf {crf}: must be from 0 (lossless) to 51")
    if preset not in X264_PRESETS:
        hint = did_you_mean(preset, X264_PRESETS)
        raise UsageError(f"preset {preset!r}{hint}: must be one of {', '.join(X264_PRESETS)}")
    if gop is not None and gop < 1:
        raise UsageError(f"gop {gop}: must be at least 1")


def _holds_only_frames(folder: Path) -> bool:
    return all(_FRAME_NAME.fullmatch(path.name) and not path.is_dir() for path in folder.iterdir())


def _sync(path: Path) -> None:
    """Force a file, or every file of a folder and the folder, to the disk."""
    for member in [*path.iterdir(), path] if path.is_dir() else [path]:
        sync(member)


def _take_name(part: Path, path: Path) -> None:
    """Rename ``part`` to ``path``, replacing a file or an earlier folder of frames."""
    if path.is_dir() and not path.is_symlink():
        _remove(path)
    part.replace(path)
    with contextlib.suppress(OSError):
        sync(path.parent)


def _remove(path: Path) -> None:
    """Remove a file or a folder of frames; a folder that holds anything else stays, with an OSError."""
    if path.is_dir() and not path.is_symlink():
        for frame in path.iterdir():
            if _FRAME_NAME.fullmatch(frame.name):
                frame.unlink()
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
