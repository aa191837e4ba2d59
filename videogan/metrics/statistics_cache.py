"""What was measured of a folder of real clips is kept, by the files and the protocol."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from videogan.data.folder import VideoFolder, fingerprint
from videogan.files import cache_root, sync
from videogan.metrics.features import FeatureNet
from videogan.metrics.measure import Measured, measure
from videogan.metrics.sources import FolderSource

_VERSION = 1


def measure_cached(
    source: FolderSource,
    net: FeatureNet,
    protocol: Mapping[str, Any],
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Measured:
    """As ``measure``, but what is known of the same files under the same protocol is not measured again.

    ``protocol`` holds all that the result depends on beside the files. A damaged file is made anew, and a cache that
    cannot be written is no error: it only saves time.
    """
    file = cache_root(cache_dir) / "statistics" / f"{key(source.folder, protocol)}.safetensors"
    known = _read(file)
    if known is not None:
        return known
    found = measure(source, net, progress)
    if len(found) == len(source):  # a file that could not be read may be readable the next time
        _write(file, found)
    return found


def key(folder: VideoFolder, protocol: Mapping[str, Any]) -> str:
    """Return a name that changes with the path, size or time of change of any video, and with the protocol."""
    files = [[os.fspath(video.path.resolve()), fingerprint(video.path), video.label] for video in folder.videos]
    text = json.dumps([_VERSION, files, dict(protocol)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _read(file: Path) -> Measured | None:
    try:
        with safe_open(file, framework="pt") as stored:
            return Measured(**{name: stored.get_tensor(name) for name in stored.keys()})  # noqa: SIM118 (a handle)
    except (OSError, SafetensorError, TypeError):
        return None


def _write(file: Path, found: Measured) -> None:
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.contiguous() for name, tensor in found.tensors().items()}, part)
        sync(part)
        part.replace(file)
    except (OSError, SafetensorError):
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
