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
    from videogan.generation.video_stream import VideoStream
    from videogan.inspection import inspect
    from videogan.model import Model, Reconstruction, load
    from videogan.models.latents import ClipLatents, Latents

    __version__: str

__all__ = [
    "CheckpointError",
    "ClipLatents",
    "DataError",
    "DivergedError",
    "Interrupted",
    "Latents",
    "MissingPathError",
    "Model",
    "Reconstruction",
    "UsageError",
    "VideoError",
    "VideoStream",
    "VideoganError",
    "__version__",
    "inspect",
    "load",
]

_ROOMS = {
    "ClipLatents": "models.latents",
    "Latents": "models.latents",
    "Model": "model",
    "Reconstruction": "model",
    "VideoStream": "generation.video_stream",
    "inspect": "inspection",
    "load": "model",
}


def __getattr__(name: str) -> Any:
    # torch takes seconds to load, and `videogan --help` imports this module too.
    if name in _ROOMS:
        return getattr(import_module(f"videogan.{_ROOMS[name]}"), name)
    if name == "__version__":
        return _version()
    raise AttributeError(f"module 'videogan' has no attribute {name!r}")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("videogan")
    except PackageNotFoundError:
        return "unknown"
