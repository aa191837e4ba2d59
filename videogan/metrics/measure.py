"""What is kept of every clip of a set: its features and a few numbers, never its pixels."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from videogan.errors import DataError
from videogan.metrics.features import FeatureNet
from videogan.metrics.motion import frozen_share, motion_energy
from videogan.metrics.sources import Batch, Source

THUMBNAIL = 8
"""Height and width at which the measures of content and of time's arrow look at frames."""


@dataclass(frozen=True)
class Measured:
    """A measured set of n clips.

    features (n d); thumbnails (n t 1 8 8), grey; energy and frozen (n): mean change and share of repeated frames;
    labels (n), -1 for none; groups (n): the video of each clip; places (n): the clip's place in its source.
    """

    features: Tensor
    thumbnails: Tensor
    energy: Tensor
    frozen: Tensor
    labels: Tensor
    groups: Tensor
    places: Tensor

    def __len__(self) -> int:
        return len(self.features)

    def part(self, chosen: Tensor) -> "Measured":
        """Return the clips with these numbers (m)."""
        return Measured(**{name: tensor[chosen] for name, tensor in self.tensors().items()})

    def tensors(self) -> dict[str, Tensor]:
        """Return all that is kept, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def halves(self, seed: int) -> tuple["Measured", "Measured"]:
        """Return two halves without a video in common (clips of one video are too alike), where there are videos.

        Raises:
            DataError: there are fewer than two clips.
        """
        if len(self) < 2:
            raise DataError(f"{len(self)} clip cannot be halved; take two clips or more")
        groups = self.groups if len(self.groups.unique()) > 1 else torch.arange(len(self))
        kinds = groups.unique()
        kinds = kinds[torch.randperm(len(kinds), generator=torch.Generator().manual_seed(seed))]
        inside = torch.isin(groups, kinds[: len(kinds) // 2])
        return self.part(inside.nonzero()[:, 0]), self.part((~inside).nonzero()[:, 0])


def measure(source: Source, net: FeatureNet, progress: Callable[[int, int], None] | None = None) -> Measured:
    """Go through a source once; memory grows by what :class:`Measured` keeps only.

    Raises:
        DataError: not one clip could be read.
    """
    parts: list[Measured] = []
    done = 0
    for batch in source.batches():
        parts.append(_measure(batch, net))
        done += len(batch.clips)
        if progress is not None:
            progress(done, len(source))
    if not parts:
        raise DataError("none of the clips can be read; `videogan inspect` shows every file")
    names = [field.name for field in fields(Measured)]
    return Measured(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names})


def _measure(batch: Batch, net: FeatureNet) -> Measured:
    clips = batch.clips.cpu()
    grey = rearrange(clips.mean(dim=2, keepdim=True), "b t c h w -> (b t) c h w")
    small = F.interpolate(grey, (THUMBNAIL, THUMBNAIL), mode="area")
    return Measured(
        features=net(clips),
        thumbnails=rearrange(small, "(b t) c h w -> b t c h w", b=len(clips)),
        energy=motion_energy(clips),
        frozen=torch.tensor([frozen_share(clip[None]) for clip in clips]),
        labels=batch.labels,
        groups=batch.groups,
        places=batch.places,
    )
