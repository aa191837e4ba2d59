"""A trained model: what it holds, and what it can do."""

from videogan.model.model import Model, Reconstruction, load

__all__ = ["Model", "Reconstruction", "load"]
