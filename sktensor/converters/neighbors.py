"""Converters for `sklearn.neighbors`."""

from __future__ import annotations

from sklearn.neighbors import NeighborhoodComponentsAnalysis

from .linear import linear
from .registry import converts
from .responses import transformer
from .validation import validate


@converts(NeighborhoodComponentsAnalysis)
def neighborhood_components_analysis(est, x):
    return transformer(linear(validate(est, x, "numeric"), est.components_).result)
