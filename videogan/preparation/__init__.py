"""Datasets, drawn or already fetched, into folders of clean, cut, resized clips."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from videogan.preparation.cutting import Prepared
    from videogan.preparation.dataset import prepare
    from videogan.preparation.recipes import load_recipe, recipe_names
    from videogan.preparation.synthetic import moving_digits, moving_shapes

__all__ = ["Prepared", "load_recipe", "moving_digits", "moving_shapes", "prepare", "recipe_names"]

_HOMES = {
    "Prepared": "cutting",
    "load_recipe": "recipes",
    "moving_digits": "synthetic",
    "moving_shapes": "synthetic",
    "prepare": "dataset",
    "recipe_names": "recipes",
}


def __getattr__(name: str) -> Any:
    """Import an entrance when it is first asked for: the command line knows this room without loading codecs."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
