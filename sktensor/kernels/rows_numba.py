"""What is asked of each of many rows of few columns, which NumPy is slow at: a loop in Numba."""

from __future__ import annotations

import numpy as np

from .jit import compiled


@compiled()
def argmax(x):
    """The first column of x (n, width) with the largest value, or the first with NaN."""
    out = np.empty(x.shape[0], np.int64)
    for row in range(x.shape[0]):
        best, at = x[row, 0], 0
        for column in range(1, x.shape[1]):
            value = x[row, column]
            # No branch, which for rows in any order is guessed wrong at every other one.
            better = (value > best) | ((value != value) & (best == best))
            best = value if better else best
            at = column if better else at
        out[row] = at
    return out


@compiled()
def is_best_by(x, margin):
    """Whether the second largest value of each row is below its largest by `margin`, or more."""
    clear = True
    for row in range(x.shape[0]):
        best, second = max(x[row, 0], x[row, 1]), min(x[row, 0], x[row, 1])
        finite = (x[row, 0] == x[row, 0]) & (x[row, 1] == x[row, 1])
        for column in range(2, x.shape[1]):
            value = x[row, column]
            finite &= value == value
            second = max(second, min(best, value))
            best = max(best, value)
        clear &= finite & (second <= best - margin)
    return clear
