"""Decodes the one video stream of a container: from the start, or from any frame."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from av.video.stream import VideoStream

from videogan.errors import VideoError
from videogan.video.formats import MAX_PIXELS
from videogan.video.index import FrameIndex
from videogan.video.safety import open_container, reason_of


class ContainerSource:
    """One open video file. Neither safe to share between threads nor to carry over a fork."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        self.path = path
        self.container = open_container(path)
        try:
            self.stream = choose_stream(path, self.container)
        except VideoError:
            self.container.close()
            raise
        self.context = self.stream.codec_context
        self.context.thread_count = threads
        self.context.options = {"max_pixels": str(MAX_PIXELS)}
        self.time_base = self.stream.time_base or Fraction(1, 1_000_000)
        self.broken_packets = 0
        self.last_error = ""

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Decode every picture from the start, in display order; damaged packets are counted and passed over."""
        self.rewind()
        for packet in self.container.demux(self.stream):
            yield from self.decode(packet)

    def rewind(self) -> None:
        """Go back to the first packet."""
        start = self.stream.start_time
        self.container.seek(min(start or 0, 0), stream=self.stream)
        self.context.flush_buffers()

    def decode(self, packet: av.Packet) -> list[av.VideoFrame]:
        """Decode one packet; nothing where it is damaged."""
        try:
            return self.context.decode(packet)
        except (av.FFmpegError, ValueError) as error:
            if isinstance(error, av.error.EOFError):
                return []
            self.broken_packets += 1
            self.last_error = reason_of(error)
            return []

    def index(self) -> FrameIndex:
        """List the frames from the packets alone, where these can be trusted, else by decoding everything."""
        keys, pts, trusted = [], [], True
        self.rewind()
        for packet in self.container.demux(self.stream):
            if not packet.size:
                continue
            if packet.pts is None or packet.is_discard or packet.is_corrupt:
                trusted = False
                break
            pts.append(packet.pts)
            if packet.is_keyframe:
                keys.append(packet.pts)
        if not trusted or not keys or keys[0] != pts[0] or len(set(pts)) != len(pts):
            return self.index_by_decoding()
        return FrameIndex(np.sort(np.array(pts, np.int64)), np.sort(np.array(keys, np.int64)), self.time_base, True)

    def index_by_decoding(self) -> FrameIndex:
        """List the frames that really decode."""
        self.broken_packets = 0
        pts, keys = [], []
        for picture in self.pictures():
            pts.append(picture.pts)
            if picture.key_frame:
                keys.append(picture.pts)
        known = all(value is not None for value in pts)
        rising = known and all(a < b for a, b in zip(pts, pts[1:], strict=False))
        if not pts:
            raise VideoError(self.path, f"no frame can be decoded{f': {self.last_error}' if self.last_error else ''}")
        if not rising:
            rate = self.stream.average_rate or Fraction(25)
            self.time_base = 1 / rate
            return FrameIndex(np.arange(len(pts)), np.zeros(1, np.int64), self.time_base, False)
        return FrameIndex(np.array(pts, np.int64), np.array(keys, np.int64), self.time_base, bool(keys))


def choose_stream(path: Path, container: av.container.InputContainer) -> VideoStream:
    """Return the video stream to read; VideoError where there is none."""
    streams = [stream for stream in container.streams.video if stream.codec_context is not None]
    videos = [stream for stream in streams if not stream.disposition & Disposition.attached_pic]
    if not videos:
        raise VideoError(path, "only cover art, no video" if streams else "no video stream")
    return max(videos, key=lambda stream: (stream.frames > 1, -stream.index))
