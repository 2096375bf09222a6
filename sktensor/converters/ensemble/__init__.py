"""Converters for `sklearn.ensemble`."""

from . import committees, forests

__all__ = ["committees", "forests"]
