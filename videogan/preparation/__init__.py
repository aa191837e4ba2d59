"""Datasets, drawn or already fetched, into folders of clean, cut, resized clips."""

from videogan.preparation.cutting import Prepared
from videogan.preparation.dataset import prepare
from videogan.preparation.recipes import load_recipe, recipe_names
from videogan.preparation.synthetic import moving_digits, moving_shapes

__all__ = ["Prepared", "load_recipe", "moving_digits", "moving_shapes", "prepare", "recipe_names"]
