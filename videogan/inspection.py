"""What a video, a folder of videos, a model or saved latents hold, as plain values."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from videogan.artifacts.checkpoint_files import WEIGHTS, list_checkpoints, newest_checkpoint
from videogan.artifacts.latents_file import holds_latents, load_latents
from videogan.artifacts.metrics_file import read_metrics
from videogan.artifacts.provenance import read_provenance
from videogan.artifacts.runs import RunFolder, find_weights
from videogan.artifacts.weights import networks_sha256, read_weights
from videogan.data.clips import clip_span
from videogan.data.folder import VideoFolder, survey_folder
from videogan.data.paths import names_shards, split_parts
from videogan.data.summary import file_report, folder_report
from videogan.errors import UsageError, VideoError
from videogan.files import Progress, read_json
from videogan.presets import PRESETS, preset
from videogan.video import probe


def inspect(path: str | os.PathLike[str], progress: Progress | None = None) -> dict[str, Any]:
    """Return what is known of a video, a folder of videos, a run, a checkpoint, a weights or a latents file.

    A video has ``status`` (``ok``, ``salvaged`` or ``rejected``, with the ``reason``) and, where videogan made it, its
    ``recipe``; a folder, or tar shards named as for training, has ``files`` and ``totals``; everything else has a
    ``kind``, a PNG of videogan's (``sheet``) and its ``recipe`` too.

    Raises:
        MissingPathError: there is no such path.
        CheckpointError: a model is damaged; a run without a checkpoint is reported all the same.
    """
    path = Path(path)
    if _looks_like_model(path):
        return _model_report(path)
    if path.is_dir() or names_shards(path):
        folder = survey_folder(path, progress=progress)
        report = folder_report(folder, progress=progress)
        report["totals"]["training"] = _training(folder)
        report["totals"]["parts"] = {part: held.name for part, held in split_parts(path).items()}
        return report
    try:
        report = file_report(path, probe(path))
    except VideoError as error:
        report = file_report(path, error.reason)
    about = read_provenance(path)
    if about is not None and path.suffix.lower() == ".png":
        report = {"kind": "sheet", "path": str(path)}
    return report | ({} if about is None else {"recipe": about.model_dump(mode="json")})


def _looks_like_model(path: Path) -> bool:
    """Tell whether a path holds a model or latents."""
    if path.is_dir():
        return (path / "generator.safetensors").is_file() or (
            (path / "config.json").is_file() and (path / "checkpoints").is_dir()
        )
    return path.suffix.lower() == ".safetensors" and path.is_file()


def _training(folder: VideoFolder) -> dict[str, Any]:
    """For each preset: how many of the videos are long enough for its clips, and as large as its frames."""
    fits: dict[str, Any] = {}
    for name in PRESETS:
        data = preset(name, []).data
        span = clip_span(data.num_frames, data.frame_stride)
        fits[name] = {
            "num_frames": span,
            "size": data.size,
            "long_enough": sum(video.info.num_frames >= span for video in folder.videos),
            "large_enough": sum(min(video.info.width, video.info.height) >= data.size for video in folder.videos),
        }
    return fits


def _model_report(path: Path) -> dict[str, Any]:
    if path.is_file() and holds_latents(path):
        return _latents_report(path)
    if path.is_file() or (path / WEIGHTS).is_file():
        weights = find_weights(path)
        return {"kind": "weights" if path.is_file() else "checkpoint", "path": str(path), **_weights_report(weights)}
    run = RunFolder(path)
    newest = newest_checkpoint(run.checkpoints)
    status = read_json(run.status)
    return {
        "kind": "run",
        "path": str(path),
        "status": status if isinstance(status, dict) else {},
        "metrics": _last_row(run.metrics),
        "checkpoints": [checkpoint.name for checkpoint in list_checkpoints(run.checkpoints)],
        **({} if newest is None else _weights_report(newest / WEIGHTS)),
    }


def _weights_report(weights: Path) -> dict[str, Any]:
    card, tensors = read_weights(weights)
    data = card.config.data
    return {
        "sha256": networks_sha256(tensors),
        "bytes": weights.stat().st_size,
        "step": card.step,
        "clips_seen": card.clips_seen,
        "preset": card.config.preset,
        "size": data.size,
        "num_frames": data.num_frames,
        "frame_rate": float(card.frame_rate),
        "classes": list(card.class_names),
        "started_from": card.config.start.model_dump() if card.config.start.sha256 else None,
        "for_training": card.for_training,
        "parameters": _parameters(tensors),
    }


def _latents_report(path: Path) -> dict[str, Any]:
    file = load_latents(path)
    return {
        "kind": "latents",
        "path": str(path),
        "frames": file.latents.num_frames,
        "frame_rate": float(file.frame_rate),
        "class": file.class_name,
        "model_sha256": file.model_sha256,
    }


def _parameters(tensors: Mapping[str, Tensor]) -> dict[str, int]:
    """Count the numbers in the weights of each network."""
    counts: Counter[str] = Counter()
    for name, tensor in tensors.items():
        counts[name.split(".")[0]] += tensor.numel()
    return dict(counts)


def _last_row(path: Path) -> Mapping[str, float]:
    """Return the last row of metrics that can be read."""
    try:
        return (read_metrics(path) or [{}])[-1]
    except UsageError:
        return {}
