"""Conditions of guards, which NumPy answers too: `few` of an array of rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .rows import by_row, is_best_by, two_largest

EPS = float(np.finfo(np.float64).eps)
ROUNDING = 1e-9  # of scores, as a part of the largest and 1: far more than any
OF_SQUARES = 1e-13  # as a part of a sum of few squares
WHOLE = 2.0**10  # of which multiples, and parts, have squares that are not rounded


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
class NotBelow:
    """Whether values are not below a limit."""

    limit: float

    def __call__(self, x: Tensor) -> Tensor:
        return x >= self.limit

    def few(self, x: np.ndarray) -> bool:
        return bool((x >= self.limit).all())


@dataclass(frozen=True)
class Several:
    """Whether there is more than one row: some answer of one in another shape."""

    def __call__(self, x: Tensor) -> Tensor:
        # Counted, not asked: an exported program has any number of rows.
        return x.new_ones(x.shape[0]).sum() > 1

    def few(self, x: np.ndarray) -> bool:
        return len(x) > 1


@dataclass(frozen=True)
class OneNearest:
    """Whether rounding cannot have made nearest the point that is: far by more, or none rounded.

    Columns are first a score of each point, `2 x c - |c|^2` of points c of whole numbers, then x.
    """

    n_points: int

    def __call__(self, both: Tensor) -> Tensor:
        scores, rows = both[:, : self.n_points], both[:, self.n_points :]
        best, second = two_largest(scores)
        if not torch.compiler.is_compiling() and both.device.type == "cpu" and len(both):
            # No magnitude of a row is above the largest of all, which is found in one look.
            least, most = (end.item() for end in torch.aminmax(rows))
            size = rows.shape[1] * max(-least, most)
            far = best - second > ROUNDING * (size + 1) + OF_SQUARES * size**2
            if far.all():
                return far
        # Sums of a row's columns as products: torch takes several times as long for others.
        ones, large = rows.new_ones(rows.shape[1], 1), rows.abs()
        far = best - second > ROUNDING * (large @ ones + 1) + OF_SQUARES * (rows.square() @ ones)
        parts = rows * WHOLE
        rest = (parts - parts.round()).abs() + (large - WHOLE).clamp(min=0)
        return far | (rest @ ones == 0)

    def few(self, both: np.ndarray) -> bool:
        scores, rows = both[:, : self.n_points], both[:, self.n_points :]
        sizes, squares = by_row(np.add, np.abs(rows)), by_row(np.add, np.square(rows))
        margin = ROUNDING * (sizes + 1) + OF_SQUARES * squares
        if np.isfinite(margin).all() and is_best_by(scores, margin):
            return True
        best, second = two_largest(torch.from_numpy(np.ascontiguousarray(scores)))
        far = (best - second).numpy() > margin
        parts = rows * WHOLE
        whole = (parts == np.rint(parts)) & (np.abs(rows) <= WHOLE)
        return bool((far[:, 0] | whole.all(axis=1)).all())
