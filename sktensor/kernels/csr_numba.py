"""Products of sparse rows for CPUs: serial Numba, as the kernels of forests.

Rows are shared out over threads by the caller. Each sum is in the order in which the row's values
are stored, as SciPy's is, whatever that order and however often a column occurs.
"""

from __future__ import annotations

import numpy as np

from .jit import compiled


@compiled()
def product(indptr, indices, data, weight, n_columns, out, lo, hi):
    """`out[row, :] += data weight[column, :]`; whether all rows `lo` to `hi` are well formed.

    indptr, indices (int32 or int64) and data (nnz,) float64 are those of a CSR matrix, weight
    (n_columns * n_outputs,) float64 holds a row per column, out (n_rows, n_outputs) float64.
    """
    n_outputs = np.uint64(out.shape[1])
    one = n_outputs == 1
    bound, size = np.uint64(n_columns), np.int64(min(len(data), len(indices)))
    for row in range(lo, hi):
        begin, end = np.int64(indptr[row]), np.int64(indptr[row + 1])
        if begin < 0 or end < begin or end > size:
            return False
        total = 0.0
        for k in range(begin, end):
            column = np.uint64(np.int64(indices[k]))  # a negative one is larger than any
            if column >= bound:
                return False
            value = data[k]
            if one:
                total += value * weight[column]
                continue
            at = column * n_outputs
            for j in range(n_outputs):
                out[row, j] += value * weight[at + j]
        if one:
            out[row, 0] = total
    return True


@compiled(fastmath={"reassoc"})  # of a bound, whose last bits tell nothing
def sizes(indptr, data, out, lo, hi):
    """`out[row] = n sum |data|`, of the n values of each row; whether all are well formed."""
    size = np.int64(len(data))
    for row in range(lo, hi):
        begin, end = np.int64(indptr[row]), np.int64(indptr[row + 1])
        if begin < 0 or end < begin or end > size:
            return False
        total = 0.0
        for k in range(begin, end):
            total += abs(data[k])
        out[row, 0] = total * (end - begin)
    return True
