"""Sums of squares of the parts of many rows, each read once: a loop in Numba."""

from __future__ import annotations

import numpy as np

from .jit import compiled


@compiled(fastmath={"reassoc", "contract"})  # sums in any order, as vectors of a CPU add them
def squared_distances(x, shift, weight):
    """`|x_k - shift_k|^2` of the parts of x (n, parts * columns), then these sums weighted."""
    parts, columns = shift.shape
    out = np.empty((x.shape[0], 2 * parts), x.dtype)
    for row in range(x.shape[0]):
        for part in range(parts):
            total = weighted = 0.0
            for column in range(columns):
                apart = x[row, part * columns + column] - shift[part, column]
                square = apart * apart
                total += square
                weighted += square * weight[part, column]
            out[row, part] = total
            out[row, parts + part] = weighted
    return out
