"""What is asked of each row of few columns, a column at a time: going along rows takes longer."""

from __future__ import annotations

from functools import reduce

import numpy as np
import torch
from torch import Tensor

FEW_COLUMNS = 16  # up to which columns are taken one by one
FEW_SUMMED = 4  # of torch's sums, which are slow for so few alone
MANY_ROWS = 256  # from which on NumPy is faster so


def by_row(ufunc: np.ufunc, x: np.ndarray) -> np.ndarray:
    """`ufunc.reduce` over the columns of x, (n, 1)."""
    if x.shape[1] > FEW_COLUMNS or len(x) < MANY_ROWS or x.shape[1] < 2:
        return np.asarray(ufunc.reduce(x, 1, keepdims=True))
    out = ufunc(x[:, 0], x[:, 1])
    for k in range(2, x.shape[1]):
        ufunc(out, x[:, k], out=out)
    return out[:, None]


def is_best_by(x: np.ndarray, margin: float) -> bool:
    """Whether of each row just one value is above its largest less a margin; not so with NaN."""
    if x.shape[1] < 2:
        return True
    if x.shape[1] > FEW_COLUMNS or len(x) < MANY_ROWS:
        close = x > np.maximum.reduce(x, 1, keepdims=True) - margin
        return bool((np.add.reduce(close, 1) <= 1).all())
    best, second = np.maximum(x[:, 0], x[:, 1]), np.minimum(x[:, 0], x[:, 1])
    for k in range(2, x.shape[1]):
        np.maximum(second, np.minimum(best, x[:, k]), out=second)
        np.maximum(best, x[:, k], out=best)
    return bool((second <= best - margin).all())


def two_largest(x: Tensor) -> tuple[Tensor, Tensor]:
    """Of each row the largest value and the next one, (n, 1); NaN for both where there is one."""
    if x.device.type != "cpu" or x.shape[1] > FEW_COLUMNS:
        best, second = x.topk(2, dim=1).values.unbind(dim=1)
        return best[:, None], second[:, None]
    first, other, *rest = x.unbind(dim=1)
    best, second = torch.maximum(first, other), torch.minimum(first, other)
    for column in rest:
        second = torch.maximum(second, torch.minimum(best, column))
        best = torch.maximum(best, column)
    return best[:, None], second[:, None]


def row_sum(x: Tensor) -> Tensor:
    """The sum of each row, (n, 1)."""
    if x.device.type != "cpu" or not 1 < x.shape[1] <= FEW_SUMMED:
        return x.sum(dim=1, keepdim=True)
    return reduce(torch.add, x.unbind(dim=1))[:, None]
