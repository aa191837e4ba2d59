"""Which frames a stream holds, and when each is shown."""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

MAX_GAP_SECONDS = 10
"""Longest time for which one frame is believed to stand."""

MAX_FRAME_RATE = 1000
"""Highest average of frames per second that time stamps are believed."""


@dataclass(frozen=True)
class FrameIndex:
    """The frames of one stream in display order.

    Attributes:
        pts: int64, one a frame, in units of ``time_base`` seconds; strictly rising where ``seekable``.
        key_pts: int64, rising: the frames where decoding can start.
        key_dts: int64: when the packets of those frames are decoded, which is what some containers seek by.
        time_base: seconds per unit.
        seekable: whether a frame can be found again by its pts after a jump; else frames are counted from the start.
        reason: what is damaged or missing, or empty.
    """

    pts: np.ndarray
    key_pts: np.ndarray
    key_dts: np.ndarray
    time_base: Fraction
    seekable: bool
    reason: str = ""

    @classmethod
    def counted(cls, num_frames: int, frame_rate: Fraction, reason: str = "") -> "FrameIndex":
        """Return the index of frames without usable timestamps: evenly spaced, and counted from the start."""
        nothing = np.zeros(0, np.int64)
        pts = np.arange(num_frames, dtype=np.int64)
        return cls(pts, nothing, nothing, 1 / frame_rate, False, reason)

    @property
    def times(self) -> np.ndarray:
        """When each frame is shown, int64, in units of ``time_base``: the pts, as far as they can be believed.

        A gap of more than MAX_GAP_SECONDS, such as where a recorder paused or its clock was set, counts as the usual
        step between frames (and no more than that limit), so that no file of a few frames lasts for days. Frames at
        more than MAX_FRAME_RATE are taken to be 25 per second.
        """
        if self._too_fast():
            return np.arange(len(self.pts), dtype=np.int64) * max(1, round(1 / (25 * self.time_base)))
        steps, limit = np.diff(self.pts), int(MAX_GAP_SECONDS / self.time_base)
        gaps = self._gaps()
        if not gaps.any():
            return self.pts
        steps[gaps] = min(int(np.median(steps)), limit)
        return self.pts[0] + np.concatenate([[0], np.cumsum(steps)])

    def _gaps(self) -> np.ndarray:
        """Return which steps from frame to frame are too long, or too long for 64 bits, which makes them negative."""
        steps = np.diff(self.pts)
        return (steps > int(MAX_GAP_SECONDS / self.time_base)) | (steps < 0)

    def _too_fast(self) -> bool:
        span = (int(self.pts[-1]) - int(self.pts[0])) * self.time_base if len(self.pts) > 1 else 0
        return 0 < span * MAX_FRAME_RATE < len(self.pts) - 1

    @property
    def faults(self) -> str:
        """What is damaged, missing or not believed, on one line, or empty."""
        faults = [self.reason] if self.reason else []
        if self._too_fast():
            faults.append(f"its time stamps claim more than {MAX_FRAME_RATE} frames per second, read as 25")
        elif gaps := int(self._gaps().sum()):
            faults.append(f"gaps of more than {MAX_GAP_SECONDS} seconds in its time stamps are left out: {gaps}")
        return "; ".join(faults)

    @property
    def timestamps(self) -> np.ndarray:
        """Seconds (float64) at which each frame is shown."""
        return self.times * float(self.time_base)

    def frame_rate(self, nominal: Fraction | None) -> Fraction:
        """Return the average frame rate: ``nominal`` where it agrees with the timestamps, else what they say."""
        times = self.times
        span = (int(times[-1]) - int(times[0])) * self.time_base if len(times) > 1 else Fraction(0)
        if span <= 0:
            return nominal if nominal and 0 < nominal <= MAX_FRAME_RATE else Fraction(25)
        measured = (len(self.pts) - 1) / span
        if nominal and abs(measured / nominal - 1) < Fraction(1, 100):
            return nominal
        # Containers that count in milliseconds blur the usual rates a little.
        whole = Fraction(round(measured))
        usual = min(whole, whole * 1000 / 1001, key=lambda rate: abs(rate - measured))
        if abs(usual - measured) < measured / 1000:
            return usual
        return measured.limit_denominator(1001) or measured


@dataclass
class PacketList:
    """What the packets of one stream say about its frames, gathered one by one.

    Attributes:
        pts: when each packet is shown.
        keys: (pts, dts) of the key frames.
        num_packets: all of them.
        num_leading: those before the first key frame.
        trusted: whether each packet is one whole, shown frame with a time of its own, as far as one can tell.
        faults: what is damaged or missing.
    """

    pts: list[int] = field(default_factory=list)
    keys: list[tuple[int, int]] = field(default_factory=list)
    num_packets: int = 0
    num_leading: int = 0
    trusted: bool = True
    faults: list[str] = field(default_factory=list)

    def add(self, pts: int | None, dts: int | None, key: bool, whole: bool) -> None:
        """Take note of the next packet; ``whole`` unless it is marked as damaged or as not to be shown."""
        self.num_leading += not key and self.num_leading == self.num_packets
        self.num_packets += 1
        if pts is None or not whole:
            self.trusted = False
            return
        self.pts.append(pts)
        if key:
            self.keys.append((pts, pts if dts is None else min(dts, pts)))

    def consistent(self) -> bool:
        """Say whether the list can stand for the frames without decoding them."""
        if not self.trusted or self.num_leading or not self.keys:
            return False
        # What is shown before the first key frame refers to pictures that were cut away, so it does not decode.
        return min(self.pts) >= self.keys[0][0] and len(set(self.pts)) == len(self.pts)

    @property
    def reason(self) -> str:
        """All faults on one line."""
        return "; ".join(self.faults)

    def index(self, pts: list[int], time_base: Fraction) -> FrameIndex:
        """Return the index of frames at ``pts``, with the key frames of this list."""
        keys = np.array(sorted(self.keys), np.int64).reshape(-1, 2)
        times = np.sort(np.array(pts, np.int64))
        return FrameIndex(times, keys[:, 0], keys[:, 1], time_base, bool(len(keys)), self.reason)
