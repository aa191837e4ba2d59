"""Generative models of your own video clips, and endless new clips from them."""

__version__ = "0.1.0"
