"""Which frames a stream holds, and when each is shown."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np


@dataclass(frozen=True)
class FrameIndex:
    """The frames of one stream in display order.

    Attributes:
        pts: int64, one a frame, in units of ``time_base`` seconds; strictly rising where ``seekable``.
        key_pts: int64, rising: the frames where decoding can start.
        time_base: seconds per unit.
        seekable: whether a frame can be found again by its pts after a jump; otherwise frames are counted from the start.
        reason: what is damaged or missing, or empty.
    """

    pts: np.ndarray
    key_pts: np.ndarray
    time_base: Fraction
    seekable: bool
    reason: str = ""

    @property
    def timestamps(self) -> np.ndarray:
        """Seconds (float64) at which each frame is shown."""
        return self.pts * float(self.time_base)

    def frame_rate(self, nominal: Fraction | None) -> Fraction:
        """Return the average frame rate: ``nominal`` where it agrees with the timestamps, else what they say."""
        span = (int(self.pts[-1]) - int(self.pts[0])) * self.time_base if len(self.pts) > 1 else Fraction(0)
        if span <= 0:
            return nominal or Fraction(25)
        measured = (len(self.pts) - 1) / span
        if nominal and abs(measured / nominal - 1) < Fraction(1, 100):
            return nominal
        return measured.limit_denominator(1001)
