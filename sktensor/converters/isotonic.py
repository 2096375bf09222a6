"""Converters for `sklearn.isotonic`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.isotonic import IsotonicRegression

from ..ops import Arith, Between, Column, Finite, Interpolate, Op
from ..ops.elementwise import Within
from .registry import Responses, Unsupported, converts
from .validation import as_numbers, settled


@converts(IsotonicRegression)
def isotonic_regression(est, x):
    if x.width != 1 or x.sparse:
        raise Unsupported("rows of more than one column, or sparse")
    x = Finite(settled(as_numbers(x, torch.float64)))  # whose names are not looked at
    low, high = float(est.X_min_), float(est.X_max_)
    if est.out_of_bounds == "raise" and len(est.X_thresholds_) > 1:
        x = Between(x, x, np.array([low]), np.array([high]))
    values = steps(est, x)
    if est.out_of_bounds == "nan" and len(est.X_thresholds_) > 1:
        values = Arith(Within(low, high), x, values)
    answer = Column(values, 0)
    return Responses(transform=answer, predict=answer)


def steps(est: Any, x: Op) -> Op:
    """The lines between the thresholds of a fitted isotonic regression, constant beyond them."""
    points, values = est.X_thresholds_, est.y_thresholds_
    if points.dtype != np.float64:
        raise Unsupported("an isotonic regression in float32")
    return Interpolate(x, points[None], values[None])
