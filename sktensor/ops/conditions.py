"""Conditions of guards, which NumPy answers too: `few` of an array of rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from .rows import by_row, is_best_by, two_largest

ROUNDING = 1e-9  # of scores, as a part of the largest and 1: far more than any


@dataclass(frozen=True)
class FarApart:
    """Whether `best - second > 1e-9 (largest + 1)`, in magnitude: rounding is far from that."""

    def __call__(self, scores: Tensor) -> Tensor:
        best, second = two_largest(scores)
        return best - second > ROUNDING * (scores.abs().amax(dim=1, keepdim=True) + 1)

    def few(self, scores: np.ndarray) -> bool:
        if not len(scores):
            return True
        margin = ROUNDING * (by_row(np.maximum, np.abs(scores)) + 1)
        return bool(np.isfinite(margin).all()) and is_best_by(scores, margin)


@dataclass(frozen=True)
class AwayFrom:
    """Whether a score is so far from a value that rounding cannot have moved it across."""

    value: float

    def __call__(self, scores: Tensor) -> Tensor:
        return (scores - self.value).abs() > ROUNDING * (scores.abs() + 1)

    def few(self, scores: np.ndarray) -> bool:
        return bool((np.abs(scores - self.value) > ROUNDING * (np.abs(scores) + 1)).all())


@dataclass(frozen=True)
class Below:
    """Whether magnitudes are below a limit."""

    limit: float

    def __call__(self, x: Tensor) -> Tensor:
        return x.abs() < self.limit

    def few(self, x: np.ndarray) -> bool:
        return bool((np.abs(x) < self.limit).all())


@dataclass(frozen=True)
class AtLeast:
    """Whether values are not below a limit."""

    limit: float

    def __call__(self, x: Tensor) -> Tensor:
        return x >= self.limit

    def few(self, x: np.ndarray) -> bool:
        return bool((x >= self.limit).all())
