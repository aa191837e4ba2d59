"""Which frames show a video at a constant frame rate."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

# A frame this close (in output frames) before the middle between two ticks still counts as past it. Simple ratios
# such as 60 to 30 put every other frame exactly on the middle, where timestamps rounded to milliseconds would
# otherwise fall to either side at random.
_TICK_TOLERANCE = 0.05


def resample(timestamps: Sequence[float], frame_rate: Fraction | float, last_shown: float | None = None) -> list[int]:
    """Return the frame numbers that show a video at a constant ``frame_rate``, by its timestamps, not by counting.

    Args:
        timestamps: seconds at which each frame appears, ascending; need not start at 0 or be evenly spaced.
        frame_rate: frames per second, above 0.
        last_shown: seconds for which the last frame is shown; None for the median of the others.

    Returns:
        One number for each tick of ``1 / frame_rate`` from the first frame to the end of the last, not falling: each
        frame is moved to the nearest tick and shown until the next one appears, so frames are repeated or left out.
    """
    count = len(timestamps)
    if count == 0:
        return []
    if not frame_rate > 0:
        raise ValueError(f"frame_rate must be positive, not {frame_rate}")
    rate = float(frame_rate)
    ticks = [int((time - timestamps[0]) * rate + 0.5 + _TICK_TOLERANCE) for time in timestamps]
    if last_shown is None:
        intervals = sorted(after - before for before, after in pairwise(timestamps))
        last_shown = intervals[len(intervals) // 2] if intervals else 0.0
    end = int((timestamps[-1] + last_shown - timestamps[0]) * rate + 0.5 + _TICK_TOLERANCE)
    numbers: list[int] = []
    for number, tick in enumerate(ticks):
        following = ticks[number + 1] if number + 1 < count else max(end, 1)
        numbers.extend([number] * (following - max(tick, len(numbers))))
    return numbers
