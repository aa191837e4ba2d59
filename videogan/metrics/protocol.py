"""What an evaluation is asked for, and what its figures depend on, as every report says it."""

import hashlib
import os
from dataclasses import dataclass

from videogan.artifacts.provenance import LARGEST_SEED
from videogan.data.folder import VideoFolder
from videogan.data.stamps import size_of
from videogan.errors import UsageError
from videogan.metrics.feature_net import FeatureNet
from videogan.metrics.report import Setting
from videogan.metrics.sources import CHOICE, ClipRule

_RANGES = {
    "clips": (2, 16_384),  # a matrix of the distances between all pairs is then 2 GiB
    "seed": (0, LARGEST_SEED),
    "size": (8, 4_096),
    "num_frames": (2, 65_536),
    "frame_stride": (1, 65_536),
    "generated_stride": (1, 65_536),
}


@dataclass(frozen=True)
class ClipChoice:
    """Which clips are asked for, and how they are cut; None where the model, or the generated videos, decide.

    Raises:
        UsageError: a number is out of its range.
    """

    clips: int
    seed: int
    size: int | None
    num_frames: int | None
    frame_stride: int | None
    generated_stride: int

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise UsageError(f"{name} {value}: must be from {low} to {high}"[:200])


def real_protocol(net: FeatureNet, rule: ClipRule, *, clips: int, seed: int) -> dict[str, Setting]:
    """Return what the measures of the real set depend on, the files left out."""
    return {
        "features": net.name,
        "weights_hash": net.hash,
        **{f"features_{name}": value for name, value in net.protocol.items()},
        "features_resize": net.resize,
        "features_precision": net.precision,
        **clip_protocol(rule, clips=clips, seed=seed),
    }


def clip_protocol(rule: ClipRule, *, clips: int, seed: int) -> dict[str, Setting]:
    """Return what decides which clips are cut from videos, and how."""
    return {
        "size": rule.size,
        "fit": rule.fit,
        "num_frames": rule.num_frames,
        "frame_stride": rule.frame_stride,
        "frame_rate": rule.frame_rate,
        "short": rule.short,
        "clip_choice": CHOICE,
        "clips_asked": clips,
        "seed": seed if seed < 2**63 else str(seed),
    }


def real_set(folder: VideoFolder) -> str:
    """Return a name of the set that is the same wherever the folder lies: of relative paths and sizes of files."""
    digest = hashlib.sha256()
    for video in folder.videos:
        name = os.fsencode(os.path.relpath(video.path, folder.root))
        digest.update(name + b"\0" + str(size_of(video.source)).encode() + b"\0")
    return digest.hexdigest()[:16]
