"""Which pictures a stream holds, when each is shown, and which of them the video's frames are."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from videogan.video.resampling import resample

MAX_GAP_SECONDS = 10
"""Longest time for which one frame is believed to stand."""

SLIDE_SECONDS = Fraction(1, 4)
"""An animation whose pictures all stay for longer is a row of stills, each of them one frame."""

UNSEEN, SEEN = Fraction(1, 100), Fraction(1, 10)
"""Seconds: a picture of an animation that is to be shown for no longer than the one is shown for the other.

So browsers take what nobody could see for a delay that was not given.
"""

MAX_FRAME_RATE = 1000
"""Highest average of frames per second that time stamps are believed."""


@dataclass(frozen=True)
class FrameIndex:
    """The pictures of one stream in the order in which they are shown, and for how long.

    Attributes:
        pts: int64, one a picture, in units of ``time_base`` seconds; strictly rising where ``seekable``.
        key_pts: int64, rising: the pictures where decoding can start.
        key_dts: int64: when the packets of those pictures are decoded, which is what some containers seek by.
        time_base: seconds per unit.
        seekable: whether a picture can be found again by its pts after a jump; else they are counted from the start.
        nominal_rate: frames per second that the file claims, if it does.
        last: for how long the last picture is shown, in units of ``time_base``; 0 where the file does not say.
        animation: whether a picture that does not change is stored once, for a longer time, as GIF and WebP do.
        reason: what is damaged or missing, or empty.
    """

    pts: np.ndarray
    key_pts: np.ndarray
    key_dts: np.ndarray
    time_base: Fraction
    seekable: bool
    nominal_rate: Fraction | None = None
    last: int = 0
    animation: bool = False
    reason: str = ""

    @classmethod
    def counted(cls, count: int, frame_rate: Fraction, reason: str = "") -> "FrameIndex":
        """Return the index of pictures without usable timestamps: evenly spaced, and counted from the start."""
        return cls.unseekable(np.arange(count, dtype=np.int64), 1 / frame_rate, nominal_rate=frame_rate, reason=reason)

    @classmethod
    def unseekable(cls, pts: np.ndarray, time_base: Fraction, **fields: Any) -> "FrameIndex":
        """Return the index of pictures that have time stamps, and are counted from the start."""
        nothing = np.zeros(0, np.int64)
        return cls(pts, nothing, nothing, time_base, False, **fields)

    @cached_property
    def steps(self) -> np.ndarray:
        """For how long each picture is shown, int64, in units of ``time_base``: as far as the file can be believed.

        A gap of more than MAX_GAP_SECONDS, such as where a recorder paused or its clock was set, counts as the usual
        step between pictures (and no more than that limit), so that no file of a few pictures lasts for days; so does
        a step back, where the clock began anew. Pictures at more than MAX_FRAME_RATE are taken to be 25 per second.
        """
        if self._too_fast():
            return np.full(len(self.pts), max(1, round(1 / (25 * self.time_base))), np.int64)
        limit = int(MAX_GAP_SECONDS / self.time_base)
        steps = np.append(np.diff(self.pts), self.last)
        if self.animation:
            steps[(steps >= 0) & (steps <= int(UNSEEN / self.time_base))] = round(SEEN / self.time_base)
        believed = (steps > 0) & (steps <= limit)
        between = steps[:-1][believed[:-1]]
        claimed = round(1 / ((self.nominal_rate or 25) * self.time_base))
        steps[~believed] = max(1, min(int(np.median(between)) if len(between) else claimed, limit))
        return steps

    def _too_fast(self) -> bool:
        span = (int(self.pts[-1]) - int(self.pts[0])) * self.time_base if len(self.pts) > 1 else 0
        return not self.animation and 0 < span * MAX_FRAME_RATE < len(self.pts) - 1

    @property
    def faults(self) -> str:
        """What is damaged, missing or not believed, on one line, or empty."""
        faults = [self.reason] if self.reason else []
        gaps = np.append(np.diff(self.pts), self.last) > int(MAX_GAP_SECONDS / self.time_base)
        if self._too_fast():
            faults.append(f"its time stamps claim more than {MAX_FRAME_RATE} frames per second, read as 25")
        elif gaps.any():
            faults.append(f"gaps of more than {MAX_GAP_SECONDS} seconds in its time stamps are left out: {gaps.sum()}")
        return "; ".join(faults)

    @property
    def timestamps(self) -> np.ndarray:
        """Seconds (float64) at which each picture is shown."""
        return (self.pts[0] + self.steps.cumsum() - self.steps) * float(self.time_base)

    @property
    def duration(self) -> Fraction:
        """Seconds from the first picture's start to the last one's end."""
        return int(self.steps.sum()) * self.time_base

    def numbers(self, frame_rate: Fraction | None = None) -> Sequence[int]:
        """Return which picture each frame shows, at a frame rate or (None) at the video's own; not falling.

        A video's own frames are its pictures, each once. In an animation a picture that is held for several steps of
        its clock stands for as many frames: the same frames written as MP4 are as many.
        """
        if frame_rate is not None:
            return resample(self.timestamps.tolist(), frame_rate, float(self.steps[-1] * self.time_base))
        if self.animation:
            return np.repeat(np.arange(len(self.pts)), self._ticks()).tolist()
        return range(len(self.pts))

    def _ticks(self) -> np.ndarray:
        """Return how many steps of one clock each picture of an animation is shown; 1 each where there is no clock."""
        if self.steps.min() * self.time_base > SLIDE_SECONDS:
            return np.ones_like(self.steps)
        single = self.steps[self.steps <= 1.5 * self.steps.min()].mean()
        ticks = np.maximum(1, np.rint(self.steps / single)).astype(np.int64)
        # Some writers round each time to the unit, others cut it off: end - 1/2 <= tick * length < end + 1.
        end, tick = self.steps.cumsum(), ticks.cumsum()
        return ticks if ((end - 0.5) / tick).max() < ((end + 1) / tick).min() else np.ones_like(ticks)

    @property
    def frame_rate(self) -> Fraction:
        """The average frame rate: the nominal one where it agrees with the timestamps, else what they say."""
        nominal = self.nominal_rate
        count, span = len(self.pts) - 1, int(self.steps[:-1].sum()) * self.time_base
        if self.animation:
            count, span = int(self._ticks().sum()), self.duration
        if span <= 0:
            return nominal if nominal and 0 < nominal <= MAX_FRAME_RATE else Fraction(25)
        measured = count / span
        if nominal and abs(measured / nominal - 1) < Fraction(1, 100):
            return nominal
        # Containers that count in milliseconds blur the usual rates a little, and GIF, in 1/100 s, those of short ones.
        whole = Fraction(max(1, round(measured)))
        if self.animation and abs(count / whole - span) <= self.time_base:
            return whole
        usual = min(whole, whole * 1000 / 1001, key=lambda rate: abs(rate - measured))
        if abs(usual - measured) < measured / 1000:
            return usual
        return measured.limit_denominator(1001) or measured
