"""Whether clips show anything, move, and differ from each other: what a look at them would tell, in words."""

import torch
import torch.nn.functional as F
from torch import Tensor

THUMBNAIL = 8
LEVELS = 3 / 127.5
"""A difference of three levels of 255, which no eye sees."""
COLLAPSED = 0.1
"""Spread of samples, as a share of the real clips', below which they are all one."""
VARIED = 0.3
"""The same above which they were not."""
LEARNT = 20_000
"""Clips seen after which samples should differ."""


def still_clips(clips: Tensor) -> str:
    """Warn where most of the clips ``(b t c h w)`` in [-1, 1] show one colour, or do not move; else return nothing."""
    over_time = clips.amax(1) - clips.amin(1)
    over_space = clips.amax((3, 4)) - clips.amin((3, 4))
    blank = (over_space.amax((1, 2)) <= LEVELS) & (over_time.amax((1, 2, 3)) <= LEVELS)
    still = over_time.amax((1, 2, 3)) <= LEVELS
    of = f"of {len(clips)} clips that were looked at"
    if blank.float().mean() >= 0.5:
        return f"{int(blank.sum())} {of} show one colour and nothing else; a model of them will, too"
    if still.float().mean() >= 0.5:
        return f"{int(still.sum())} {of} do not move; a model of them will not, either"
    return ""


def spread(frames: Tensor, labels: Tensor | None) -> float:
    """Return the root mean square by which frames ``(b c h w)`` of one class, as thumbnails, differ from their mean."""
    small = F.interpolate(frames.float(), (THUMBNAIL, THUMBNAIL), mode="area").flatten(1)
    groups = torch.zeros(len(small), dtype=torch.long) if labels is None else labels.cpu()
    parts = [small[groups == label] for label in groups.unique()]
    apart = [(part - part.mean(0)).square().mean(1) for part in parts if len(part) > 1]
    return float(torch.cat(apart).mean().sqrt()) if apart else 0.0


class CollapseWatch:
    """Notices when samples that differed come to be alike, or after much training still are."""

    def __init__(self, real_spread: float) -> None:
        self._real, self._varied, self._told = real_spread, False, False

    def look(self, sample_spread: float, clips_seen: int) -> str:
        """Return a warning, once until samples differ again, or nothing."""
        if self._real <= LEVELS:
            return ""
        share = sample_spread / self._real
        if share >= VARIED:
            self._varied, self._told = True, False
        if share >= COLLAPSED or self._told or not (self._varied or clips_seen >= LEARNT):
            return ""
        self._told = True
        return (
            f"samples hardly differ from each other ({share:.0%} of the spread of real clips): the generator has "
            "collapsed; a higher penalty.r1_weight and penalty.r2_weight, augment.probability or more clips may help, "
            "from an earlier checkpoint"
        )
