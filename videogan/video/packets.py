"""What the packets of a stream say about its pictures, without decoding them."""

from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy as np
from av.container import InputContainer

from videogan.storage.member import AnyFile
from videogan.video.index import FrameIndex
from videogan.video.safety import open_container

# Where the header tells the number of frames, or the duration, without looking at how long the file really is. The
# number in an AVI is often off by a few, so that part of it may be missing without a word.
COUNTED_FORMATS = {"mov,mp4,m4a,3gp,3g2,mj2": 0.0, "avi": 0.05}
TIMED_FORMATS = ("matroska,webm", "avi", "flv")


@dataclass
class PacketList:
    """What the packets of one stream say about its pictures, gathered one by one.

    Attributes:
        pts: when each packet is shown.
        keys: (pts, dts) of the key frames.
        num_packets: all of them.
        num_leading: those before the first key frame.
        trusted: whether each packet is one whole, shown picture with a time of its own, as far as one can tell.
        faults: what is damaged or missing.
        last: pts and duration of the packet that is shown last.
        end: when the last picture's time is over.
    """

    pts: list[int] = field(default_factory=list)
    keys: list[tuple[int, int]] = field(default_factory=list)
    num_packets: int = 0
    num_leading: int = 0
    trusted: bool = True
    faults: list[str] = field(default_factory=list)
    last: tuple[int, int] = (-(1 << 63), 0)
    end: int = 0
    _last_dts: int = -(1 << 63)

    def add(self, packet: av.Packet) -> None:
        """Take note of the next packet."""
        pts, dts = packet.pts, packet.dts
        self.num_leading += not packet.is_keyframe and self.num_leading == self.num_packets
        self.num_packets += 1
        if pts is not None:
            self.end = max(self.end, pts + (packet.duration or 0))
        if pts is None or packet.is_discard or packet.is_corrupt:
            self.trusted = False
            return
        self.pts.append(pts)
        self.last = max(self.last, (pts, packet.duration or 0))
        if packet.is_keyframe:
            self.keys.append((pts, pts if dts is None else min(dts, pts)))
        if dts is not None:
            # Where the clock begins anew, sorting by time would mix what was recorded before and after.
            self.trusted &= dts >= self._last_dts
            self._last_dts = dts

    def consistent(self) -> bool:
        """Say whether the list can stand for the pictures without decoding them."""
        if not self.trusted or self.num_leading or not self.keys:
            return False
        # What is shown before the first key frame refers to pictures that were cut away, so it does not decode.
        return min(self.pts) >= self.keys[0][0] and len(set(self.pts)) == len(self.pts)

    @property
    def reason(self) -> str:
        """All faults on one line."""
        return "; ".join(self.faults)

    def index(
        self, pts: list[int], time_base: Fraction, nominal_rate: Fraction | None, *, animation: bool = False
    ) -> FrameIndex:
        """Return the index of pictures at ``pts``, with the key frames of this list where those times rise."""
        times = np.array(pts, np.int64)
        last = self.last[1] if self.last[0] == times[-1] else 0
        keys = np.array(sorted(self.keys), np.int64).reshape(-1, 2) if (np.diff(times) > 0).all() else np.zeros((0, 2))
        keys = keys.astype(np.int64)
        return FrameIndex(
            times, keys[:, 0], keys[:, 1], time_base, bool(len(keys)), nominal_rate, last, animation, self.reason
        )


def list_packets(path: AnyFile, stream_index: int) -> PacketList:
    """List the packets of a whole stream, without decoding."""
    listed = PacketList()
    ends: dict[int, int] = {}  # of the other streams, each in its own units
    with open_container(path) as container:
        for packet in container.demux():
            if not packet.size:
                continue
            number = packet.stream_index
            if number == stream_index:
                listed.add(packet)
            elif packet.pts is not None:
                ends[number] = max(ends.get(number, 0), packet.pts + (packet.duration or 0))
        others = [end * (container.streams[number].time_base or Fraction(0)) for number, end in ends.items()]
        note_faults(listed, container, stream_index, max(others, default=Fraction(0)))
    return listed


def note_faults(listed: PacketList, container: InputContainer, stream_index: int, end: Fraction = Fraction(0)) -> None:
    """Note in a whole list what is missing of what the header promises; other streams end at ``end`` seconds."""
    stream = container.streams[stream_index]
    end = max(end, listed.end * (stream.time_base or Fraction(0)))
    if listed.num_leading:
        listed.faults.append(f"begins with {listed.num_leading} frames without their key frame")
    tolerated = COUNTED_FORMATS.get(container.format.name)
    # An AVI counts the empty packets too, by which a picture is held.
    there = max(listed.num_packets, round(end * (stream.average_rate or 0)))
    if tolerated is not None and stream.frames - there > tolerated * stream.frames:
        listed.faults.append(f"cut off: {listed.num_packets} of {stream.frames} frames are there")
    duration = Fraction(container.duration or 0, av.time_base) if container.format.name in TIMED_FORMATS else 0
    if duration - end > max(Fraction(1), duration / 20):
        listed.faults.append(f"cut off: {float(end):.1f} of {float(duration):.1f} seconds are there")
