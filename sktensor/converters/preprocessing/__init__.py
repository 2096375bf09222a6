"""Converters for `sklearn.preprocessing`."""

from . import curves, functions, scaling

__all__ = ["curves", "functions", "scaling"]
