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

UNDECIDED = 1e-6
"""A score nearer to zero is rounding: the clip says nothing about the direction of time."""


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


def long_drift(early: Tensor, late: Tensor) -> float:
    """Return how far long videos go from what they showed at first, by features of their first and late frames (n d).

    The mean distance within a video over the mean distance between the first frames of two different ones: near 0
    where videos keep their content (less what moves), near 1 where each has become any other. The average content
    distance of Tulyakov et al. 2018, section 4, between distant frames.
    """
    if len(early) < 2:
        raise DataError("drift along long videos needs two videos; take more clips")
    within = (early - late).double().norm(dim=1).mean()
    between = torch.pdist(early.double()).mean()
    return float(within / between.clamp_min(1e-12))


class ArrowOfTime:
    """Tells clips that run forward from reversed ones, by logistic regression on how their pictures change.

    Each clip is followed along the few directions in which real clips change most, its mean picture taken away. What is
    summed over its frames there says in which sense it turns, whatever the phase of the motion, and whether it starts
    faster than it stops. These features change their sign when a clip is reversed, and the classifier has no constant
    term: its accuracy on reversed clips is one minus that on the clips. Motion that looks the same both ways gives 0.5.
    (The task: Pickup et al. 2014, "Seeing the arrow of time".)
    """

    def __init__(self, strength: float = 0.01, directions: int = 8) -> None:
        self._strength, self._count = strength, directions

    def fit(self, real: Tensor) -> "ArrowOfTime":
        """Learn from real clips (b t c h w), forward and reversed."""
        from sklearn.linear_model import LogisticRegression

        deviations = rearrange(_deviations(real), "b t d -> (b t) d")
        self._directions = torch.linalg.svd(deviations, full_matrices=False)[2][: self._count].T
        features = self._antisymmetric(real)
        size = features.square().mean(dim=0).sqrt()
        # Halfway to one size for all: directions in which little happens are mostly noise.
        self._scale = (size * size.square().mean().sqrt()).sqrt().clamp_min(1e-6)
        scaled = features / self._scale
        model = LogisticRegression(C=self._strength, fit_intercept=False, max_iter=1000)
        model.fit(torch.cat((scaled, -scaled)).numpy(), [1] * len(real) + [0] * len(real))
        self._weights = torch.from_numpy(model.coef_[0]).double()
        return self

    def accuracy(self, clips: Tensor) -> float:
        """Return the share of clips (b t c h w) seen as running forward; undecided ones count a half."""
        score = (self._antisymmetric(clips) / self._scale) @ self._weights
        undecided = score.abs() < UNDECIDED
        return float(torch.where(undecided, 0.5, (score > 0).double()).mean())

    def _antisymmetric(self, clips: Tensor) -> Tensor:
        """Features (b d) that change their sign with the direction of time."""
        coordinates = _deviations(clips) @ self._directions
        turned = torch.einsum("b t i, b t j -> b i j", coordinates[:, :-1], coordinates[:, 1:])
        one, other = torch.triu_indices(coordinates.shape[2], coordinates.shape[2], 1)
        change = coordinates.diff(dim=1)
        return torch.cat((turned[:, one, other] - turned[:, other, one], (change * change.abs()).sum(dim=1)), dim=1)


def _deviations(clips: Tensor) -> Tensor:
    """Grey frames of 8 x 8 less their mean over the clip, as vectors (b t d) in double precision."""
    frames = _small(clips, 8).double().cpu()
    return frames - frames.mean(dim=1, keepdim=True)


def _changes(clips: Tensor) -> Tensor:
    if clips.shape[1] < 2:
        raise DataError("motion needs clips of two frames or more; take longer clips")
    return clips.float().diff(dim=1).abs().mean(dim=(2, 3, 4))


def _small(clips: Tensor, size: int) -> Tensor:
    """Grey frames of size x size as vectors (b t d)."""
    grey = rearrange(clips.float().mean(dim=2, keepdim=True), "b t c h w -> (b t) c h w")
    pooled = F.interpolate(grey, (size, size), mode="area")
    return rearrange(pooled, "(b t) c h w -> b t (c h w)", b=clips.shape[0])
