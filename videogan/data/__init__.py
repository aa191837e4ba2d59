"""Videos on disk to training batches: which frames, which files, the clip cache, the loader."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from videogan.data.cache import ClipCache, open_cache
    from videogan.data.folder import VideoFolder, scan_folder, survey_folder
    from videogan.data.loader import ClipBatch, ClipLoader

__all__ = ["ClipBatch", "ClipCache", "ClipLoader", "VideoFolder", "open_cache", "scan_folder", "survey_folder"]

_HOMES = {
    "ClipBatch": "loader",
    "ClipCache": "cache",
    "ClipLoader": "loader",
    "VideoFolder": "folder",
    "open_cache": "cache",
    "scan_folder": "folder",
    "survey_folder": "folder",
}


def __getattr__(name: str) -> Any:
    """Import an entrance when it is first asked for: to look at a folder takes no torch, which the loader needs."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
