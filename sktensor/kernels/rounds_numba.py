"""Missing values predicted from the others, one after the other and again: Numba."""

from __future__ import annotations

from math import sqrt

import numpy as np

from .jit import compiled

TIMES = 3.0  # the root of the mean square of some tries, what nearly no other comes to


@compiled(fastmath={"reassoc", "contract"}, error_model="numpy")
def impute(x, filled, columns, weights, intercepts, low, high, signs, rounding, out):
    """Rows of `filled` into out (n, width + 1), what is NaN in `x` predicted step by step.

    Step s predicts column c = columns[s] of the rows that lack it, `weights[s] row + intercepts[s]`
    between low[c] and high[c]. The last column says by how much what was predicted is off, as a
    part of itself and 1, or of the magnitudes it was added up of if they are less. A step is off by
    `rounding` times those, up or down as signs[s] (n_tries,) has it, and by what its weights make
    of what it was predicted from: of all tries the root of the mean square, `TIMES` that.
    """
    width, n_tries = filled.shape[1], signs.shape[1]
    off = np.empty((n_tries, width))
    for i in range(len(x)):
        row, lacks = out[i, :width], 0
        for j in range(width):
            row[j] = filled[i, j]
            lacks += x[i, j] != x[i, j]
        # A table without any value is filled without prediction; and a row of none is one.
        out[i, width] = np.inf if lacks == width else 0.0
        if lacks == 0 or lacks == width:
            continue
        off[:] = 0.0
        worst = 0.0
        for s in range(len(columns)):
            c = columns[s]
            if x[i, c] == x[i, c]:
                continue
            total, sizes = intercepts[s], abs(intercepts[s])
            for j in range(width):
                term = weights[s, j] * row[j]
                total += term
                sizes += abs(term)
            row[c] = min(max(total, low[c]), high[c])
            squares = 0.0
            for k in range(n_tries):
                moved = rounding * sizes * signs[s, k]
                for j in range(width):
                    moved += weights[s, j] * off[k, j]
                off[k, c] = moved
                squares += moved * moved
            known = abs(row[c]) + min(1.0, sizes)
            worst = max(worst, TIMES * sqrt(squares / n_tries) / known)
        out[i, width] = worst
