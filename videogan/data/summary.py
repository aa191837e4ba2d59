"""What a video or a folder of videos holds, as plain values for ``videogan inspect``."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from videogan.data.folder import SourceVideo, VideoFolder
from videogan.errors import MissingPathError, VideoError
from videogan.files import Progress, map_in_threads
from videogan.video import VideoInfo, VideoReader

_THUMBNAIL = 16
# A new encoding moves thumbnails by up to 9 of 255 levels and mirroring a vivid one by up to 19, as colours are stored
# between pixels; takes of the same person in front of the same wall differ by 46 and more.
_SAME_LEVELS = 24


def file_report(path: Path, info: VideoInfo | str, class_name: str | None = None) -> dict[str, Any]:
    """One video: ``status`` ok, salvaged or rejected (then ``info`` is the reason), sizes in pixels, seconds."""
    report: dict[str, Any] = {"path": os.fspath(path), "status": "rejected", "reason": info, "frames": 0}
    if isinstance(info, str):
        return {**report, **dict.fromkeys(("width", "height", "frame_rate", "duration_seconds", "codec", "class"))}
    report |= {"status": info.status, "reason": info.reason, "frames": info.num_frames}
    report |= {"width": info.width, "height": info.height, "frame_rate": round(float(info.frame_rate), 6)}
    return {**report, "duration_seconds": round(info.duration_seconds, 6), "codec": info.codec, "class": class_name}


def folder_report(folder: VideoFolder, *, progress: Progress | None = None) -> dict[str, Any]:
    """``{"files": [...], "totals": {...}}``: every file as ``file_report`` has it, then what they add up to."""
    files = [
        file_report(v.path, v.info, None if v.label is None else folder.class_names[v.label]) for v in folder.videos
    ]
    files += [file_report(path, reason) for path, reason in folder.rejected]
    lengths = Counter(_length_bin(v.info.num_frames) for v in folder.videos)
    sizes = Counter(f"{v.info.width}x{v.info.height}" for v in folder.videos)
    rates = Counter(f"{float(v.info.frame_rate):g}" for v in folder.videos)
    classes = Counter(v.label for v in folder.videos)
    totals = {
        "videos": len(folder.videos),
        "salvaged": sum(v.info.status == "salvaged" for v in folder.videos),
        "rejected": len(folder.rejected),
        "hidden": folder.hidden,
        "ignored": len(folder.ignored),
        "frames": sum(v.info.num_frames for v in folder.videos),
        "duration_seconds": round(sum(v.info.duration_seconds for v in folder.videos), 3),
        "classes": {name: classes[label] for label, name in enumerate(folder.class_names)},
        "unlabelled": classes[None],
        "frames_histogram": {name: lengths[name] for name in sorted(lengths, key=lambda name: int(name.split("-")[0]))},
        "sizes": dict(sizes.most_common()),
        "frame_rates": dict(rates.most_common()),
        "near_duplicates": [[os.fspath(p) for p in group] for group in near_duplicates(folder.videos, progress)],
    }
    return {"files": files, "totals": totals}


def near_duplicates(videos: Sequence[SourceVideo], progress: Progress | None = None) -> list[list[Path]]:
    """Groups of videos that look alike, or like each other's mirror image, at three moments.

    Compares 16x16 grey thumbnails of the frames at a quarter, half and three quarters: alike means that no point of
    them differs by more than 24 of 255 levels.
    """
    thumbnails = map_in_threads(_thumbnails, videos, progress=progress)
    readable = [(video.path, each) for video, each in zip(videos, thumbnails, strict=True) if each is not None]
    if len(readable) < 2:
        return []
    usable = [path for path, _ in readable]
    stacked = np.stack([each for _, each in readable])
    # Videos that are alike are about as bright, mirrored or not: only neighbours by brightness need comparing.
    brightness = stacked.mean((1, 2, 3))
    order = np.argsort(brightness, kind="stable")
    stacked, brightness = stacked[order], brightness[order]
    group = np.arange(len(order))
    for i in range(len(order) - 1):
        end = int(np.searchsorted(brightness, brightness[i] + _SAME_LEVELS / 8, side="right"))
        others = stacked[i + 1 : end]
        alike = np.abs(others - stacked[i]).max((1, 2, 3), initial=0) <= _SAME_LEVELS
        alike |= np.abs(others - stacked[i][:, :, ::-1]).max((1, 2, 3), initial=0) <= _SAME_LEVELS
        for j in np.flatnonzero(alike) + i + 1:
            group[group == group[j]] = group[i]
    members: dict[int, list[int]] = {}
    for position, number in enumerate(group.tolist()):
        members.setdefault(number, []).append(int(order[position]))
    groups = sorted(sorted(member) for member in members.values() if len(member) > 1)
    return [[usable[number] for number in member] for member in groups]


def _thumbnails(video: SourceVideo) -> np.ndarray | None:
    """Grey levels at three moments, float32 (3, 16, 16); None if the video cannot be read."""
    moments = [video.info.num_frames * quarter // 4 for quarter in (1, 2, 3)]
    try:
        with VideoReader(video.path, size=(_THUMBNAIL, _THUMBNAIL), fit="stretch") as reader:
            frames = reader.read(moments)
    except (VideoError, MissingPathError, IndexError):
        return None
    return frames.astype(np.float32).mean(-1)


def _length_bin(num_frames: int) -> str:
    low = 1 << (num_frames.bit_length() - 1)
    return f"{low}-{2 * low - 1}" if low > 1 else "1"
