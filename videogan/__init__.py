"""Generative models of your own video clips, and endless new clips from them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from videogan.model import load as load

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    # torch takes seconds to load, and `videogan --help` imports this module too.
    if name == "load":
        from videogan.model import load

        return load
    raise AttributeError(f"module 'videogan' has no attribute {name!r}")
