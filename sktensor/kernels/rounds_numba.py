"""Missing values predicted from the others, one after the other and again: Numba."""

from __future__ import annotations

from math import sqrt

import numpy as np

from .jit import compiled


@compiled(fastmath={"reassoc", "contract"}, error_model="numpy")
def impute(x, filled, columns, weights, intercepts, low, high, rounding, out):
    """Rows of `filled` into out (n, width + 1), what is NaN in `x` predicted step by step.

    Step s predicts column c = columns[s] of the rows that lack it, `weights[s] row + intercepts[s]`
    between low[c] and high[c]. The last column says by how much what was predicted is off, as a
    part of itself and 1, or of the magnitudes it was added up of if they are less: a step is off by
    `rounding` times those, and by what it was predicted from is: their squares are added, since
    roundings go up as well as down.
    """
    width = filled.shape[1]
    off = np.empty(width)
    for i in range(len(x)):
        row, lacks = out[i, :width], 0
        for j in range(width):
            row[j] = filled[i, j]
            off[j] = 0.0
            lacks += x[i, j] != x[i, j]
        # A table without any value is filled without prediction; and a row of none is one.
        out[i, width] = np.inf if lacks == width else 0.0
        if lacks == 0 or lacks == width:
            continue
        worst = 0.0
        for s in range(len(columns)):
            c = columns[s]
            if x[i, c] == x[i, c]:
                continue
            total, sizes, carried = intercepts[s], abs(intercepts[s]), 0.0
            for j in range(width):
                term = weights[s, j] * row[j]
                total += term
                sizes += abs(term)
                carried += (weights[s, j] * off[j]) ** 2
            row[c] = min(max(total, low[c]), high[c])
            off[c] = sqrt(carried + (rounding * sizes) ** 2)
            worst = max(worst, off[c] / (abs(row[c]) + min(1.0, sizes)))
        out[i, width] = worst
