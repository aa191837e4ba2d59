"""Generative models of your own video clips, and endless new clips from them.

Everything stands here: ``train``, ``load``, ``evaluate``, ``prepare``, ``inspect``, ``for_each``, ``serve``, and what
they give and raise.
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
    from videogan.data.batch import Batch, for_each
    from videogan.diagnosis import Finding, doctor
    from videogan.generation.steering import Controls
    from videogan.generation.video_stream import VideoStream
    from videogan.inspection import inspect
    from videogan.metrics import Report, compare, evaluate, load_features, load_lpips
    from videogan.model import Model, Reconstruction, load
    from videogan.models.latents import ClipLatents, Latents
    from videogan.preparation import Prepared, prepare
    from videogan.presets import Setting, settings
    from videogan.studio.server import serve, serve_beside
    from videogan.training.session import Run, train

    __version__: str

__all__ = [
    "Batch",
    "CheckpointError",
    "ClipLatents",
    "Controls",
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
    "for_each",
    "inspect",
    "load",
    "load_features",
    "load_lpips",
    "prepare",
    "serve",
    "serve_beside",
    "settings",
    "train",
]

_ROOMS = {
    "Batch": "data.batch",
    "ClipLatents": "models.latents",
    "Controls": "generation.steering",
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
    "for_each": "data.batch",
    "inspect": "inspection",
    "load": "model",
    "load_features": "metrics",
    "load_lpips": "metrics",
    "prepare": "preparation",
    "serve": "studio.server",
    "serve_beside": "studio.server",
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
