"""Finds frames by number without decoding what comes before their key frame."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Protocol

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from videogan.video.index import FrameIndex

# Codecs where a picture that is marked as not referred to can be left out without changing any other.
SKIPPABLE_CODECS = ("h264", "mpeg2video", "mpeg4")

# Codecs where one packet is one picture, so that a picture can be had as soon as its packet was given to the decoder.
DRAINABLE_CODECS = (*SKIPPABLE_CODECS, "hevc")

# Decoding a few pictures more is cheaper than a jump.
_WORTH_A_JUMP = 3

# Where the key frame is no farther back than this, coming back to it later costs little.
_NEAR_KEY = 32


class FrameMissingError(LookupError):
    """A listed frame does not come out of the decoder."""


class SeekableSource(Protocol):
    """What a seeker needs of an open file."""

    container: InputContainer
    stream: VideoStream
    context: VideoCodecContext
    codec: str
    interlaced: bool

    def packets(self) -> Iterator[av.Packet]:
        """Yield the stream's packets from here on."""

    def decode(self, packet: av.Packet | None) -> Sequence[av.VideoFrame]:
        """Decode one packet, or what is held back for None."""

    def restart(self) -> None:
        """Go back to the first packet."""

    def because(self) -> str:
        """Return the last complaint of the decoder, to be added to a message."""


class Seeker:
    """Decodes chosen frames of a source, going on from where it is where that is nearer than the frame's key frame."""

    def __init__(self, source: SeekableSource, index: FrameIndex) -> None:
        self.index = index
        self._source = source
        # These find a key frame by when it is shown, the others by when it is decoded, which is earlier.
        by_pts = source.container.format.name.startswith(("matroska", "mov"))
        # Arrays as they are: lists of a video of hours would take longer than decoding a clip.
        self._times, self._keys = index.pts, index.key_pts
        self._offsets = self._keys if by_pts else index.key_dts
        self._skips = source.codec in SKIPPABLE_CODECS and not source.interlaced
        self._drains = source.codec in DRAINABLE_CODECS and not source.interlaced
        self._asked: frozenset[int] = frozenset()
        self._unsent: set[int] = set()
        self._final = 0
        self._running: Iterator[av.VideoFrame] | None = None
        self._last = 0
        self._sure = self._drained = False

    def close(self) -> None:
        """Let go of the run of pictures, which holds this seeker and would wait for the garbage collector with it."""
        self._running = None

    def pick(self, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (number, picture) for each of these rising frame numbers; FrameMissingError where one is not there."""
        times = self._times[list(numbers)].tolist()
        self._asked, self._final = frozenset(times), times[-1]
        near_key = self._frames_between(self._key_before(self._final), numbers[-1]) <= _NEAR_KEY
        done = 0
        while done < len(times):
            yielded = 0
            for attempt, start in enumerate(self._starts(times[done])):
                self._unsent = set(times[done:]) if self._drains and near_key and not attempt else set()
                self._go_to(start)
                for picture in self._run_through(numbers[done:]):
                    yield numbers[done + yielded], picture
                    yielded += 1
                if yielded:
                    break
            if not yielded:
                raise FrameMissingError(f"frame {numbers[done]} does not decode{self._source.because()}")
            done += yielded

    def _run_through(self, numbers: Sequence[int]) -> Iterator[av.VideoFrame]:
        """Yield the pictures of these numbers in turn, as long as none is missing and no jump would be quicker."""
        done = 0
        times = self._times[list(numbers)].tolist()
        for picture in self._running or ():
            if picture.pts is None:
                continue
            self._last = picture.pts
            if picture.pts > times[done]:
                return
            if picture.pts == times[done] and self._sure:
                yield picture
                done += 1
                if done == len(times):
                    return
                close = self._drained or numbers[done] - numbers[done - 1] <= _WORTH_A_JUMP
                if not close and not self._is_near(times[done]):
                    return

    def _starts(self, time: int) -> Iterator[int | None]:
        """Yield the key frames to start from, nearest first; None: go on from here, -1: from the very start."""
        if self._is_near(time):
            yield None
        key = self._key_before(time)
        yield from dict.fromkeys(max(key - back, -1) for back in (0, 1, 3))
        if key - 3 > -1:
            yield -1

    def _key_before(self, time: int) -> int:
        return bisect_right(self._keys, time) - 1

    def _is_near(self, time: int) -> bool:
        """Say whether going on from here is better than a jump."""
        if self._running is None or self._drained or not self._sure or time <= self._last:
            return False
        key = self._key_before(time)
        if key < 0 or int(self._keys[key]) <= self._last:
            return True
        return self._frames_between(key, bisect_left(self._times, self._last)) >= -_WORTH_A_JUMP

    def _frames_between(self, key: int, number: int) -> int:
        """Return how many frames after a key frame this frame number is."""
        return number - bisect_left(self._times, self._keys[max(key, 0)])

    def _go_to(self, key: int | None) -> None:
        if key is None:
            return
        if key >= 0:
            try:
                self._source.container.seek(int(self._offsets[key]), stream=self._source.stream)
            except (av.FFmpegError, OSError):
                key = -1
        if key < 0:
            self._source.restart()
        self._running = self._pictures(int(self._keys[max(key, 0)]), sure=key < 0)
        self._sure = self._drained = False

    def _pictures(self, key_pts: int, sure: bool) -> Iterator[av.VideoFrame]:
        """Yield pictures from here on; ``_sure`` is set once a key frame from which all wanted ones follow was met."""
        source, context, skipping = self._source, self._source.context, False
        context.skip_frame = "DEFAULT"
        self._sure = sure
        for packet in source.packets():
            if not self._sure and packet.is_keyframe and packet.pts is not None:
                self._sure = packet.pts <= key_pts
            if self._skips:
                skip = packet.pts is not None and packet.pts < self._final and packet.pts not in self._asked
                if skip != skipping:
                    skipping, context.skip_frame = skip, "NONREF" if skip else "DEFAULT"
            yield from source.decode(packet)
            if packet.pts in self._unsent:
                self._unsent.remove(packet.pts)
                if not self._unsent:
                    # The decoder has all that it needs. Asked for what it holds back, it need not decode what follows.
                    self._drained = True
                    yield from source.decode(None)
                    return
