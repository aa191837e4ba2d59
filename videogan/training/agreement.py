"""What has to be the same in all processes of a training: the program, what was asked of it, and the clips."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from videogan.artifacts.provenance import package_version
from videogan.data.cache.clip_cache import ClipCache
from videogan.data.folder import VideoFolder
from videogan.training.changes import OF_MACHINE
from videogan.training.resume import listing_sha256

PACKAGE = Path(__file__).parents[1]


def facts_of_program() -> dict[str, str]:
    """Return the versions that results depend on, and a hash of this package's sources, whatever their version."""
    sources = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        sources.update(f"{file.relative_to(PACKAGE).as_posix()}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    versions = {f"version of {name}": package_version(name) for name in ("videogan", "torch")}
    return {**versions, "code of videogan": sources.hexdigest()[:12]}


def facts_of_request(settings: Mapping[str, Any], **arguments: object) -> dict[str, str]:
    """Return what was asked for, but for what each machine may decide for itself."""
    asked = {**arguments, **settings}
    return {name: str(value) for name, value in asked.items() if name not in OF_MACHINE}


def facts_of_clips(videos: VideoFolder) -> dict[str, str]:
    """Return the classes in order, and which clips there are, by names and sizes."""
    return {
        "list of classes": ", ".join(videos.class_names) or "none",
        "list of clips": f"{len(videos.videos)} videos (names and sizes {listing_sha256(videos)[:12]})",
    }


def facts_of_cache(cache: ClipCache) -> dict[str, str]:
    """Return what is left of the clips once all have been decoded."""
    frames = int(cache.videos.num_frames.sum())
    return {"cache": f"{len(cache.videos)} videos of {frames} frames in {len(cache.class_names)} classes"}
