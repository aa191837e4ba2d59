"""What a figure depends on, written into every report."""

import hashlib
import os

from videogan.data.folder import VideoFolder
from videogan.metrics.feature_net import FeatureNet
from videogan.metrics.report import Setting
from videogan.metrics.sources import CHOICE, ClipRule


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
        "seed": seed,
    }


def real_set(folder: VideoFolder) -> str:
    """Return a name of the set that is the same wherever the folder lies: of relative paths and sizes of files."""
    digest = hashlib.sha256()
    for video in folder.videos:
        name = os.fsencode(os.path.relpath(video.path, folder.root))
        digest.update(name + b"\0" + str(video.path.stat().st_size).encode() + b"\0")
    return digest.hexdigest()[:16]
