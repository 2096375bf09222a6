"""What guards ask of a handful of rows: a loop in Numba takes a fraction of NumPy's calls."""

from __future__ import annotations

from .jit import compiled


@compiled()
def finite(x, allow_nan):
    """Whether every value of x (n, width) is finite, or NaN where that is allowed."""
    for row in range(x.shape[0]):
        for column in range(x.shape[1]):
            value = x[row, column]
            if value - value != 0 and not (allow_nan and value != value):
                return False
    return True


@compiled()
def within(x, bound):
    """Whether no value of x (n, width) is NaN or further from 0 than `bound`."""
    for row in range(x.shape[0]):
        for column in range(x.shape[1]):
            if not abs(x[row, column]) <= bound:
                return False
    return True
