"""What is asked of each row of few columns, a column at a time: going along rows takes longer."""

from __future__ import annotations

from functools import reduce

import numpy as np
import torch
from torch import Tensor

from ..kernels import rows_numba

FEW_COLUMNS = 16  # up to which columns are taken one by one, and
FEWER_COLUMNS = 8  # up to which a kernel takes them row by row
FEW_SUMMED = 4  # of torch's sums, which are slow for so few alone
MANY_ROWS = 256  # from which on NumPy is faster so
WORTH_A_KERNEL = 2**14  # values, of which NumPy takes longer than a kernel that is on disk


def by_row(ufunc: np.ufunc, x: np.ndarray) -> np.ndarray:
    """`ufunc.reduce` over the columns of x, (n, 1)."""
    if x.shape[1] > FEW_COLUMNS or len(x) < MANY_ROWS or x.shape[1] < 2:
        return np.asarray(ufunc.reduce(x, 1, keepdims=True))
    out = ufunc(x[:, 0], x[:, 1])
    for k in range(2, x.shape[1]):
        ufunc(out, x[:, k], out=out)
    return out[:, None]


def is_best_by(x: np.ndarray, margin: float | np.ndarray) -> bool:
    """Whether the second largest value of each row is below its largest by a margin or more.

    The margin is one for all rows, or (n, 1). A row that has NaN has no largest value.
    """
    if x.shape[1] < 2:
        return True
    if np.ndim(margin) == 0 and x.size >= WORTH_A_KERNEL and x.flags.carray:
        return bool(rows_numba.is_best_by(x, margin))
    if x.shape[1] > FEW_COLUMNS or len(x) < MANY_ROWS:
        close = ~(x <= np.maximum.reduce(x, 1, keepdims=True) - margin)
        return bool((np.add.reduce(close, 1) <= 1).all())
    best, second = np.maximum(x[:, 0], x[:, 1]), np.minimum(x[:, 0], x[:, 1])
    for k in range(2, x.shape[1]):
        np.maximum(second, np.minimum(best, x[:, k]), out=second)
        np.maximum(best, x[:, k], out=best)
    return bool((second <= best - np.ravel(margin)).all())


def row_argmax(x: np.ndarray) -> np.ndarray:
    """The first column with the largest value, (n,) int64; or the first with NaN."""
    return np.asarray(rows_numba.argmax(x)) if _worth_a_kernel(x) else x.argmax(1)


def argmax(x: Tensor) -> Tensor:
    """The same of a tensor: NumPy is several times as fast as torch where columns are many."""
    if x.shape[1] > FEW_COLUMNS and runs_kernels(x):
        return torch.from_numpy(x.numpy().argmax(1))
    return x.argmax(dim=1)


def runs_kernels(x: Tensor) -> bool:
    """Whether a tensor may be handed to what is no part of torch."""
    on_cpu = not torch.compiler.is_compiling() and x.device.type == "cpu"
    return on_cpu and x.is_contiguous() and not x.requires_grad


def _worth_a_kernel(x: np.ndarray) -> bool:
    return x.size >= WORTH_A_KERNEL and x.shape[1] <= FEWER_COLUMNS and x.flags.carray


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
