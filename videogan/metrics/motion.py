"""How clips move: how much, whether at all, in which direction of time, and whether what they show stays the same.

Clips are (b t c h w) float in [-1, 1].
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from videogan.errors import DataError

FROZEN = 1e-3
"""Mean absolute change, in units of the range [-1, 1], below which a frame repeats the one before: an eighth of a
level."""


def motion_energy(clips: Tensor) -> Tensor:
    """Return the mean absolute change from frame to frame of each clip (b)."""
    return _changes(clips).mean(dim=1)


def frozen_share(clips: Tensor) -> float:
    """Return the share of frames, first ones left out, that repeat the frame before."""
    return float((_changes(clips) < FROZEN).double().mean())


def content_drift(clips: Tensor) -> float:
    """Return the mean distance between two frames of a clip: the average content distance.

    Tulyakov et al. 2018, section 4, on frames of 8 x 8 pixels instead of a colour histogram; root mean
    square per value.
    """
    frames = _small(clips, 8)
    count = frames.shape[1]
    if count < 2:
        raise DataError("content drift needs clips of two frames; take longer clips")
    return float(torch.cdist(frames, frames).sum(dim=(1, 2)).mean() / (count * (count - 1)) / frames.shape[2] ** 0.5)


def long_drift(videos: Tensor, segments: int = 4) -> list[float]:
    """Return for each later segment of long videos (b t c h w) how far its mean picture is from the first one's."""
    if videos.shape[1] < segments:
        raise DataError(f"drift needs videos of {segments} frames or more, not {videos.shape[1]}; take longer videos")
    parts = [part.mean(dim=1) for part in _small(videos, 8).tensor_split(segments, dim=1)]
    return [float((part - parts[0]).square().mean(dim=1).sqrt().mean()) for part in parts[1:]]


class ArrowOfTime:
    """Tells clips that run forward from reversed ones, by logistic regression on differences of frames.

    The features change their sign when a clip is reversed, and the classifier has no constant term: its accuracy on
    reversed clips is one minus that on the clips. Motion that looks the same both ways gives 0.5.
    (The task: Pickup et al. 2014, "Seeing the arrow of time".)
    """

    def __init__(self, strength: float = 0.01) -> None:
        self._strength = strength

    def fit(self, real: Tensor) -> "ArrowOfTime":
        """Learn from real clips (b t c h w), forward and reversed."""
        from sklearn.linear_model import LogisticRegression

        features = _antisymmetric(real)
        self._scale = features.square().mean(dim=0).sqrt().clamp_min(1e-6)
        scaled = features / self._scale
        model = LogisticRegression(C=self._strength, fit_intercept=False, max_iter=1000)
        model.fit(torch.cat((scaled, -scaled)).numpy(), [1] * len(real) + [0] * len(real))
        self._weights = torch.from_numpy(model.coef_[0]).float()
        return self

    def accuracy(self, clips: Tensor) -> float:
        """Return the share of clips (b t c h w) seen as running forward; undecided ones count a half."""
        score = (_antisymmetric(clips) / self._scale) @ self._weights
        return float(((score > 0).double() + 0.5 * (score == 0).double()).mean())


def _antisymmetric(clips: Tensor) -> Tensor:
    """Features (b d) that change their sign with the direction of time: change, and when and where it happens."""
    frames = _small(clips, 8)
    change = frames.diff(dim=1)
    amount = change.abs()
    # Reversal maps change[t] to -change[-t] and amount[t] to amount[-t].
    signed = change + change.flip(1)
    when = amount - amount.flip(1)
    brighter = (change * amount).sum(dim=1)
    return torch.cat((signed.flatten(1), when.flatten(1), brighter), dim=1).cpu()


def _changes(clips: Tensor) -> Tensor:
    if clips.shape[1] < 2:
        raise DataError("motion needs clips of two frames or more; take longer clips")
    return clips.float().diff(dim=1).abs().mean(dim=(2, 3, 4))


def _small(clips: Tensor, size: int) -> Tensor:
    """Grey frames of size x size as vectors (b t d)."""
    grey = rearrange(clips.float().mean(dim=2, keepdim=True), "b t c h w -> (b t) c h w")
    pooled = F.interpolate(grey, (size, size), mode="area")
    return rearrange(pooled, "(b t) c h w -> b t (c h w)", b=clips.shape[0])
