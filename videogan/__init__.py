"""Generative models of your own video clips, and endless new clips from them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from videogan.api import load as load
    from videogan.training.session import train as train

__version__ = "0.1.0"
__all__ = ["__version__", "load", "train"]


def __getattr__(name: str) -> Any:
    # torch takes seconds to load, and `videogan --help` imports this module too.
    if name == "load":
        from videogan.api import load

        return load
    if name == "train":
        from videogan.training.session import train

        return train
    raise AttributeError(f"module 'videogan' has no attribute {name!r}")
