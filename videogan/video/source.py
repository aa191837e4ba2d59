"""Decodes the one video stream of a container: from the start, or from any frame."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from videogan.errors import UsageError, VideoError, reason_of
from videogan.video.deinterlace import deinterlace
from videogan.video.formats import MAX_PIXELS
from videogan.video.index import FrameIndex, PacketList
from videogan.video.safety import DECODER_OPTIONS, open_container
from videogan.video.seek import FrameMissingError, Seeker

IMAGE_FORMATS = ("gif", "apng")
IMAGE_BRANDS = ("avif", "avis", "mif1", "heic", "heix", "msf1")

# Where the header tells the number of frames, or the duration, without looking at how long the file really is. The
# number in an AVI is often off by a few, so that part of it may be missing without a word.
COUNTED_FORMATS = {"mov,mp4,m4a,3gp,3g2,mj2": 0.0, "avi": 0.05}
TIMED_FORMATS = ("matroska,webm", "avi", "flv")


class ReaderBusyError(UsageError, RuntimeError):
    """A reader was asked for other frames while it was giving them in order."""


class ContainerSource:
    """One open video file. Neither safe to share between threads nor to carry over a fork."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.errors = 0
        self.last_error = ""
        self._seeker: Seeker | None = None
        self._running: Iterator[av.VideoFrame] | None = None
        self._fresh: Iterator[av.VideoFrame] | None = None
        self._open()
        try:
            pictures = self._decode_all()
            first = next(pictures, None)
            if first is None:
                raise VideoError(path, f"no frame can be decoded{self.because()}")
            self.first: av.VideoFrame = first
            self._fresh = chain([first], pictures)
            if self._is_image_format():
                second = next(pictures, None)
                if second is None:
                    raise VideoError(path, "a still image, not a video")
                self._fresh = chain([first, second], pictures)
        except BaseException:
            self.close()
            raise
        self.interlaced = first.interlaced_frame or self.context.field_order > 1
        self.sample_aspect = self.context.sample_aspect_ratio or self.stream.sample_aspect_ratio or Fraction(1)

    def _open(self) -> None:
        self.container = open_container(self.path)
        try:
            self.stream = choose_stream(self.path, self.container)
        except VideoError:
            self.container.close()
            raise
        self.context = self.stream.codec_context
        self.context.thread_count = 1
        self.context.options = DECODER_OPTIONS
        self.time_base = self.stream.time_base or Fraction(1, 1_000_000)
        self.codec = self.context.name
        self.nominal_rate = self.stream.average_rate
        self._running = self._fresh = None

    def close(self) -> None:
        """Close the file."""
        self._forget_seeker()
        self._running = self._fresh = None
        self.container.close()

    def _forget_seeker(self) -> None:
        if self._seeker is not None:
            self._seeker.close()
        self._seeker = None

    def because(self) -> str:
        """Return the last thing the decoder complained about, to be added to a message."""
        return f": {self.last_error}" if self.last_error else ""

    def _is_image_format(self) -> bool:
        brand = self.container.metadata.get("major_brand", "")
        return self.container.format.name in IMAGE_FORMATS or brand in IMAGE_BRANDS

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Yield every picture that decodes, in display order. Damaged packets are counted and passed over."""
        pictures = self.coded_pictures()
        return deinterlace(pictures) if self.interlaced else pictures

    def coded_pictures(self) -> Iterator[av.VideoFrame]:
        """Yield the same pictures, still interlaced where they are stored so."""
        if self._fresh is None:
            self.restart()
        pictures = self._fresh or self._decode_all()
        self._forget_seeker()
        self._running, self._fresh = pictures, None
        for picture in pictures:
            yield picture
            if self._running is not pictures:
                raise ReaderBusyError(
                    "frames() cannot go on after another read of the same VideoReader; open a second one"
                )

    def restart(self) -> None:
        """Go back to the first packet."""
        # Opening again is the one way back to the start that works for every container and every broken file.
        self.container.close()
        self._open()

    def _decode_all(self) -> Iterator[av.VideoFrame]:
        for packet in self.packets():
            yield from self.decode(packet)

    def packets(self) -> Iterator[av.Packet]:
        """Yield the stream's packets from here on, up to the end or to damage that the container cannot pass over."""
        try:
            yield from self.container.demux(self.stream)
        except (av.FFmpegError, ValueError, MemoryError) as error:
            self._note(error)

    def _note(self, error: Exception) -> None:
        self.errors += 1
        self.last_error = reason_of(error)

    def decode(self, packet: av.Packet | None) -> Sequence[av.VideoFrame]:
        """Decode one packet, or what is held back for None; nothing where it is damaged."""
        try:
            return self.context.decode(packet)
        except av.error.EOFError:
            return ()
        except (av.FFmpegError, ValueError, MemoryError) as error:
            self._note(error)
            return ()

    def index(self, *, budget: int = 0) -> FrameIndex:
        """List the frames.

        The list of packets is enough where it is consistent; the pictures are decoded where it is not, or where that
        takes no more than ``budget`` pixels.
        """
        listed = list_packets(self.path, self.stream.index)
        work = listed.num_packets * self.first.width * self.first.height
        if listed.consistent() and work > budget:
            return listed.index(listed.pts, self.time_base)
        return self._index_by_decoding(listed)

    def _index_by_decoding(self, listed: PacketList) -> FrameIndex:
        other = ContainerSource(self.path)
        try:
            pictures = [(picture.pts, picture.is_corrupt) for picture in other.coded_pictures()]
        finally:
            other.close()
        damaged = other.errors + sum(corrupt for _, corrupt in pictures)
        if damaged:
            listed.faults.append(f"{damaged} damaged packets or pictures{other.because()}")
        pts = [time for time, _ in pictures if time is not None]
        if len(pts) < len(pictures) or any(a >= b for a, b in pairwise(pts)):
            return FrameIndex.counted(len(pictures), self.nominal_rate or Fraction(25), listed.reason)
        return listed.index(pts, self.time_base)

    def pick(self, index: FrameIndex, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (number, picture) for each of these rising frame numbers; FrameMissingError where one is not there."""
        if not index.seekable:
            yield from self._count_up_to(numbers)
            return
        if self._seeker is None or self._seeker.index is not index:
            self._forget_seeker()
            self._seeker = Seeker(self, index)
        self._running = self._fresh = None
        if not self.interlaced:
            yield from self._seeker.pick(numbers)
            return
        run = range(max(0, numbers[0] - 1), min(len(index.pts), numbers[-1] + 2))
        whole = deinterlace(picture for _, picture in self._seeker.pick(run))
        asked = set(numbers)
        yield from ((number, picture) for number, picture in zip(run, whole, strict=False) if number in asked)

    def _count_up_to(self, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        missing = set(numbers)
        for number, picture in enumerate(self.pictures()):
            if number in missing:
                missing.remove(number)
                yield number, picture
            if not missing:
                return
        raise FrameMissingError(f"frame {min(missing)} does not decode{self.because()}")


def choose_stream(path: Path, container: InputContainer) -> VideoStream:
    """Return the video stream to read; VideoError where there is none.

    Cover art is no video. A stream of several pictures goes before a still (AVIF sequences list their poster first),
    colour before grey (their alpha channel is a stream of its own), then the one marked as default, then the first.
    """
    decodable = [stream for stream in container.streams.video if stream.codec_context is not None]
    videos = [stream for stream in decodable if not stream.disposition & Disposition.attached_pic]
    if not videos:
        unknown = len(container.streams.video) > len(decodable)
        what = (
            "only cover art, no video"
            if decodable
            else "a codec that cannot be decoded"
            if unknown
            else "no video stream"
        )
        raise VideoError(path, what)

    largest = max(videos, key=lambda stream: stream.width * stream.height)
    if largest.width * largest.height > MAX_PIXELS:
        size = f"{largest.width}x{largest.height}"
        raise VideoError(path, f"pictures of {size} are larger than the limit of {MAX_PIXELS} pixels")

    def preference(stream: VideoStream) -> tuple[bool, bool, bool, int]:
        colour = not (stream.codec_context.pix_fmt or "").startswith("gray")
        default = bool(stream.disposition & Disposition.default)
        return stream.frames != 1, colour, default, -stream.index

    return max(videos, key=preference)


def list_packets(path: Path, stream_index: int) -> PacketList:
    """List the packets of a whole stream, without decoding."""
    listed, end = PacketList(), Fraction(0)
    with open_container(path) as container:
        stream = container.streams[stream_index]
        for packet in container.demux():
            if not packet.size:
                continue
            if packet.pts is not None and packet.time_base:
                end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
            if packet.stream_index == stream_index:
                whole = not (packet.is_discard or packet.is_corrupt)
                listed.add(packet.pts, packet.dts, packet.is_keyframe, whole)
        if listed.num_leading:
            listed.faults.append(f"begins with {listed.num_leading} frames without their key frame")
        tolerated = COUNTED_FORMATS.get(container.format.name)
        if tolerated is not None and stream.frames - listed.num_packets > tolerated * stream.frames:
            listed.faults.append(f"cut off: {listed.num_packets} of {stream.frames} frames are there")
        duration = Fraction(container.duration or 0, av.time_base) if container.format.name in TIMED_FORMATS else 0
        if duration - end > max(Fraction(1), duration / 20):
            listed.faults.append(f"cut off: {float(end):.1f} of {float(duration):.1f} seconds are there")
    return listed
