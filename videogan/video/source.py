"""Decodes one video stream of a container: from the start, or from any picture."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import chain, islice, pairwise
from typing import cast

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from videogan.errors import NotAVideoError, UsageError, VideoError, reason_of
from videogan.storage.member import AnyFile
from videogan.video import y4m
from videogan.video.filters import Cropper, deinterlace
from videogan.video.formats import BT709_MATRIX, MAX_PIXELS
from videogan.video.index import FrameIndex
from videogan.video.matroska import pixel_crop
from videogan.video.mp4 import Crop, clean_aperture
from videogan.video.packets import PacketList, list_packets, note_faults
from videogan.video.safety import DECODER_OPTIONS, open_container
from videogan.video.seek import FrameMissingError, Seeker

IMAGE_FORMATS = ("gif", "apng")
IMAGE_BRANDS = ("avif", "avis", "mif1", "heic", "heix", "msf1")


class ReaderBusyError(UsageError, RuntimeError):
    """A reader was asked for other frames while it was giving them in order."""


class ContainerSource:
    """One open video file. Neither safe to share between threads nor to carry over a fork."""

    def __init__(self, path: AnyFile) -> None:
        self.path = path
        self.errors = 0
        self.last_error = ""
        self._cropper: Cropper | None = None
        self._seeker: Seeker | None = None
        self._running: Iterator[av.VideoFrame] | None = None
        self._fresh: Iterator[av.VideoFrame] | None = None
        self._listed: PacketList | None = None
        self.container = open_container(path)
        try:
            self.first = self._begin(rank_streams(path, self.container))
        except BaseException:
            self.close()
            raise
        self.interlaced = self.first.interlaced_frame or self.context.field_order > 1
        self.sample_aspect = self.context.sample_aspect_ratio or self.stream.sample_aspect_ratio or Fraction(1)

    def _begin(self, streams: Sequence[int]) -> av.VideoFrame:
        """Choose the first of these streams that has a picture, and return that."""
        for attempt, self._stream_index in enumerate(streams):
            self.errors = 0
            if attempt:
                self.restart()
            else:
                self._select()
            crop = container_crop(self.path, self.container, self.stream)
            self._cropper = None if crop is None else Cropper(crop)
            self._listed = PacketList() if len(self.container.streams) == 1 else None
            pictures = self._decode_all()
            begun = list(islice(pictures, 2 if self.animation else 1))
            if begun:
                if self.animation and len(begun) < 2:
                    if self.errors:
                        raise VideoError(self.path, f"only its first picture can be decoded{self.because()}")
                    raise NotAVideoError(self.path, "a still image, not a video")
                self._fresh = chain(begun, pictures)
                return begun[0]
        raise VideoError(self.path, f"no frame can be decoded{self.because()}")

    def _select(self) -> None:
        """Make ready to decode the chosen stream from the first packet on."""
        self.stream = cast(VideoStream, self.container.streams[self._stream_index])
        self.context = self.stream.codec_context
        self.context.thread_count = 1
        self.context.options = DECODER_OPTIONS
        if self.container.format.name == "yuv4mpegpipe" and y4m.is_own(self.path):
            self.context.colorspace = BT709_MATRIX
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

    @property
    def animation(self) -> bool:
        """Whether this is an image format, in which a picture that does not change is stored once."""
        brand = self.container.metadata.get("major_brand", "")
        return self.container.format.name in IMAGE_FORMATS or brand in IMAGE_BRANDS

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Yield every picture that decodes, in display order. Damaged packets are counted and passed over."""
        self._listed = None
        return deinterlace(self.coded_pictures())

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
        self.container = open_container(self.path)
        self._listed = None
        self._select()

    def _decode_all(self) -> Iterator[av.VideoFrame]:
        for packet in self.packets():
            yield from self.decode(packet)

    def packets(self) -> Iterator[av.Packet]:
        """Yield the stream's packets from here on, up to the end or to damage that the container cannot pass over."""
        try:
            for packet in self.container.demux(self.stream):
                if self._listed is not None and packet.size:
                    self._listed.add(packet)
                yield packet
        except (av.FFmpegError, ValueError, MemoryError) as error:
            self._note(error)

    def _note(self, error: Exception) -> None:
        self.errors += 1
        self.last_error = reason_of(error)

    def decode(self, packet: av.Packet | None) -> Sequence[av.VideoFrame]:
        """Decode one packet, or what is held back for None; nothing where it is damaged."""
        try:
            pictures = self.context.decode(packet)
            return [self._cropper.cut(picture) for picture in pictures] if self._cropper else pictures
        except av.error.EOFError:
            return ()
        except (av.FFmpegError, ValueError, MemoryError) as error:
            self._note(error)
            return ()

    def index(self, *, budget: int = 0, each: Callable[[av.VideoFrame], None] | None = None) -> FrameIndex:
        """List the frames by the packets where these are consistent and the pictures have more than ``budget`` pixels.

        Else by decoding: ``each`` is called with every picture, in display order.
        """
        most = budget // (self.first.width * self.first.height)
        if self._fresh is not None and self._listed is not None and 0 < self.stream.frames <= most:
            pictures = list(islice(_decoded(self, each), most + 1))
            if len(pictures) <= most and not self.errors:
                note_faults(self._listed, self.container, self.stream.index)
                return self._index_of(pictures, self._listed, self)
        listed = list_packets(self.path, self.stream.index)
        if listed.consistent() and listed.num_packets > most:
            return self._index_at(listed, sorted(listed.pts))
        other = ContainerSource(self.path)
        try:
            return self._index_of(list(_decoded(other, each)), listed, other)
        finally:
            other.close()

    def _index_of(
        self, pictures: Sequence[tuple[int | None, bool]], listed: PacketList, source: "ContainerSource"
    ) -> FrameIndex:
        """Return the index of the pictures that a source has decoded."""
        damaged = source.errors + sum(corrupt for _, corrupt in pictures)
        if damaged:
            listed.faults.append(f"{damaged} damaged packets or pictures{source.because()}")
        pts = [time for time, _ in pictures if time is not None]
        back = sum(a >= b for a, b in pairwise(pts))
        if len(pts) < len(pictures) or back > len(pts) // 8:  # where a clock begins anew it goes back once
            return FrameIndex.counted(len(pictures), self.nominal_rate or Fraction(25), listed.reason)
        return self._index_at(listed, pts)

    def _index_at(self, listed: PacketList, pts: list[int]) -> FrameIndex:
        return listed.index(pts, self.time_base, self.nominal_rate, animation=self.animation)

    def pick(self, index: FrameIndex, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (number, picture) for each of these rising numbers; FrameMissingError where one is not there."""
        if not index.seekable:
            yield from self._count_up_to(numbers)
            return
        self._running = self._fresh = self._listed = None
        done = 0
        if not self.interlaced:
            for number, picture in self._seek(index).pick(numbers):
                if picture.interlaced_frame:  # the first of them: from here on neighbours are needed
                    self.interlaced = True
                    self._forget_seeker()
                    break
                yield number, picture
                done += 1
        if numbers[done:]:
            yield from self._pick_whole(index, numbers[done:])

    def _pick_whole(self, index: FrameIndex, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield the same from pictures that may be interlaced: each is made of its neighbours too."""
        run = range(max(0, numbers[0] - 1), min(len(index.pts), numbers[-1] + 2))
        whole = deinterlace(picture for _, picture in self._seek(index).pick(run))
        asked = set(numbers)
        yield from ((number, picture) for number, picture in zip(run, whole, strict=False) if number in asked)

    def _seek(self, index: FrameIndex) -> Seeker:
        if self._seeker is None or self._seeker.index is not index:
            self._forget_seeker()
            self._seeker = Seeker(self, index)
        return self._seeker

    def _count_up_to(self, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        missing = set(numbers)
        for number, picture in enumerate(self.pictures()):
            if number in missing:
                missing.remove(number)
                yield number, picture
            if not missing:
                return
        raise FrameMissingError(f"frame {min(missing)} does not decode{self.because()}")


def _decoded(
    source: ContainerSource, each: Callable[[av.VideoFrame], None] | None
) -> Iterator[tuple[int | None, bool]]:
    """Yield time and damage of every picture that decodes; ``each`` sees them as they are to be shown."""
    coded: list[tuple[int | None, bool]] = []

    def noted() -> Iterator[av.VideoFrame]:
        for picture in source.coded_pictures():
            coded.append((picture.pts, picture.is_corrupt))
            yield picture

    for picture in noted() if each is None else deinterlace(noted()):
        if each is not None:
            each(picture)
        yield from coded
        coded.clear()
    yield from coded


def rank_streams(path: AnyFile, container: InputContainer) -> list[int]:
    """Return the indices of the video streams that may be read, the likeliest first; VideoError where there is none.

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

    fitting = [stream for stream in videos if stream.width * stream.height <= MAX_PIXELS]
    if not fitting:
        size = f"{videos[0].width}x{videos[0].height}"
        raise VideoError(path, f"pictures of {size} are larger than the limit of {MAX_PIXELS} pixels")

    def preference(stream: VideoStream) -> tuple[bool, bool, bool, int]:
        colour = not (stream.codec_context.pix_fmt or "").startswith("gray")
        default = bool(stream.disposition & Disposition.default)
        return stream.frames != 1, colour, default, -stream.index

    return [stream.index for stream in sorted(fitting, key=preference, reverse=True)]


def container_crop(path: AnyFile, container: InputContainer, stream: VideoStream) -> Crop | None:
    """Return what the container says is not to be shown of a stream's pictures."""
    name = container.format.name
    if name.startswith("mov"):
        return clean_aperture(path, stream.id)
    return pixel_crop(path, container.streams.video.index(stream)) if name.startswith("matroska") else None
