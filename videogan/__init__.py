"""Generative models of your own video clips, and endless new clips from them.

Everything stands here: ``train``, ``load``, ``evaluate``, ``prepare``, ``inspect``, and what they give and raise.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from videogan.errors import (
    CheckpointError,
    DataError,
    DivergedError,
    Interrupted,
    MissingPathError,
    UsageError,
    VideoError,
    VideoganError,
)

if TYPE_CHECKING:
    from videogan.diagnosis import Finding, doctor
    from videogan.generation.video_stream import VideoStream
    from videogan.inspection import inspect
    from videogan.metrics import Report, compare, evaluate, load_features, load_lpips
    from videogan.model import Model, Reconstruction, load
    from videogan.models.latents import ClipLatents, Latents
    from videogan.preparation import Prepared, prepare
    from videogan.presets import Setting, settings
    from videogan.training.session import Run, train

    __version__: str

__all__ = [
    "CheckpointError",
    "ClipLatents",
    "DataError",
    "DivergedError",
    "Finding",
    "Interrupted",
    "Latents",
    "MissingPathError",
    "Model",
    "Prepared",
    "Reconstruction",
    "Report",
    "Run",
    "Setting",
    "UsageError",
    "VideoError",
    "VideoStream",
    "VideoganError",
    "__version__",
    "compare",
    "doctor",
    "evaluate",
    "inspect",
    "load",
    "load_features",
    "load_lpips",
    "prepare",
    "settings",
    "train",
]

_ROOMS = {
    "ClipLatents": "models.latents",
    "Finding": "diagnosis",
    "Latents": "models.latents",
    "Model": "model",
    "Prepared": "preparation",
    "Reconstruction": "model",
    "Report": "metrics",
    "Run": "training.session",
    "Setting": "presets",
    "VideoStream": "generation.video_stream",
    "compare": "metrics",
    "doctor": "diagnosis",
    "evaluate": "metrics",
    "inspect": "inspection",
    "load": "model",
    "load_features": "metrics",
    "load_lpips": "metrics",
    "prepare": "preparation",
    "settings": "presets",
    "train": "training.session",
}


def __getattr__(name: str) -> Any:
    # torch takes seconds to load, and `videogan --help` imports this module too.
    if name in _ROOMS:
        return getattr(import_module(f"videogan.{_ROOMS[name]}"), name)
    if name == "__version__":
        return import_module("videogan.artifacts.provenance").package_version("videogan")
    raise AttributeError(f"module 'videogan' has no attribute {name!r}")
