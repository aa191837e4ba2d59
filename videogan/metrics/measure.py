"""What is kept of every clip of a set, its features and a few numbers; for real sets also until the next call."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange
from safetensors import SafetensorError
from torch import Tensor

from videogan.artifacts.tensor_file import HASH, TensorType, pack, read_metadata, read_tensors
from videogan.data.cache.videos import CachedVideo
from videogan.data.listing import SourceVideo
from videogan.data.stamps import change_stamp
from videogan.errors import DataError
from videogan.files import Progress, cache_root, write_bytes
from videogan.metrics.feature_net import FeatureNet
from videogan.metrics.motion import frozen_share, motion_energy
from videogan.metrics.report import Setting
from videogan.metrics.sources import Batch, ClipSource, FolderSource
from videogan.metrics.spectrum import sharpness
from videogan.models.latents import random_generator

THUMBNAIL = 8
"""Height and width at which the measures of content, of variance and of time's arrow look at frames."""
_CACHE_VERSION = 4


@dataclass(frozen=True)
class Measured:
    """A measured set of n clips.

    features (n d); thumbnails (n t 3 8 8); energy and frozen (n): mean change and share of repeated frames; sharpness
    (n); labels (n), -1 for none; groups (n): the video of each clip; indices (n): the clip's index in its source.
    """

    features: Tensor
    thumbnails: Tensor
    energy: Tensor
    frozen: Tensor
    sharpness: Tensor
    labels: Tensor
    groups: Tensor
    indices: Tensor

    def __len__(self) -> int:
        return len(self.features)

    def part(self, rows: Tensor) -> "Measured":
        """Return the clips in these rows (m)."""
        return Measured(**{name: tensor[rows] for name, tensor in self.tensors().items()})

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
        kinds = kinds[torch.randperm(len(kinds), generator=random_generator(seed))]
        inside = torch.isin(groups, kinds[: len(kinds) // 2])
        return self.part(inside.nonzero()[:, 0]), self.part((~inside).nonzero()[:, 0])


def measure(source: ClipSource, net: FeatureNet, progress: Progress | None = None) -> Measured:
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


def measure_cached(
    source: FolderSource,
    net: FeatureNet,
    protocol: Mapping[str, Setting],
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Measured:
    """As ``measure``, but the same files are not measured again under the same protocol.

    ``protocol`` holds all that the result depends on beside the files. A damaged file is made anew, and a cache that
    cannot be written is no error: it only saves time.
    """
    file = cache_root(cache_dir) / "statistics" / f"{cache_key(source.folder.videos, protocol)}.safetensors"
    cached = _read(file)
    if cached is not None:
        return cached
    measured = measure(source, net, progress)
    if len(measured) == len(source):  # a file that could not be read may be readable the next time
        _write(file, measured)
    return measured


def cache_key(videos: Iterable[SourceVideo | CachedVideo], protocol: Mapping[str, Setting]) -> str:
    """Return a name that changes with the path, size or time of change of any video, and with the protocol."""
    files = [[os.fspath(video.path.resolve()), change_stamp(video.source), video.label] for video in videos]
    text = json.dumps([_CACHE_VERSION, files, dict(protocol)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _measure(batch: Batch, net: FeatureNet) -> Measured:
    clips = batch.clips.cpu()
    small = F.interpolate(rearrange(clips, "b t c h w -> (b t) c h w"), (THUMBNAIL, THUMBNAIL), mode="area")
    return Measured(
        features=net(clips),
        thumbnails=rearrange(small, "(b t) c h w -> b t c h w", b=len(clips)),
        energy=motion_energy(clips),
        frozen=torch.tensor([frozen_share(clip[None]) for clip in clips]),
        sharpness=sharpness(clips),
        labels=batch.labels,
        groups=batch.groups,
        indices=batch.indices,
    )


def _read(file: Path) -> Measured | None:
    """What was kept, or None where there is nothing, or not what was written."""
    kinds = {field.name: TensorType((torch.float32, torch.int64)) for field in fields(Measured)}
    try:
        return Measured(**read_tensors(file, kinds)) if HASH in read_metadata(file) else None
    except (OSError, SafetensorError, ValueError):
        return None


def _write(file: Path, measured: Measured) -> None:
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(file, pack(measured.tensors(), {}))
