"""What a video or a folder of videos holds, as plain values for ``videogan inspect``."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

from videogan.data.duplicates import near_duplicates
from videogan.data.folder import VideoFolder
from videogan.files import Progress
from videogan.video import VideoInfo


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


def _length_bin(num_frames: int) -> str:
    low = 1 << (num_frames.bit_length() - 1)
    return f"{low}-{2 * low - 1}" if low > 1 else "1"
