"""Tables that are sparse matrices, which stay so up to a product: none of these makes them dense.

All of it runs on the host, over SciPy's own arrays. What scikit-learn does to such a table on the
way is done by the same calls here, so that the values, and the order in which they are stored and
added up, are its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from ..kernels import csr_numba
from ..table import NUMPY_DTYPES
from ..threads import WORTH_A_THREAD, share_rows
from .base import Op, Retreat

BLOCKS_A_THREAD = 4


@dataclass(frozen=True, eq=False)
class SparseStep(Op):
    """An op that reads a sparse matrix, and hands one on unless it says otherwise."""

    x: Op

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    @property
    def on_host(self) -> bool:
        return True

    @property
    def sparse(self) -> bool:
        return self.stays_sparse

    @property
    def stays_sparse(self) -> bool:
        return True

    @property
    def takes_sparse(self) -> bool:
        return True


@dataclass(frozen=True, eq=False)
class ValidCsr(SparseStep):
    """The matrix as CSR and in the dtype `to`, where its values are what scikit-learn allows."""

    to: torch.dtype
    allow_nan: bool = False
    allow_inf: bool = False

    @property
    def dtype(self) -> torch.dtype:
        return self.to

    def forward(self, x: Any, to: torch.dtype, allow_nan: bool, allow_inf: bool) -> Any:
        x = x.asformat("csr")
        if x.dtype != NUMPY_DTYPES[to]:
            x = x.astype(NUMPY_DTYPES[to])
        if not allow_inf and x.dtype.kind == "f":
            _check_finite(x.data, allow_nan)
        return x


def _check_finite(data: np.ndarray, allow_nan: bool) -> None:
    """Retreat where a stored value is infinite, or NaN unless allowed."""
    with np.errstate(all="ignore"):
        if np.isfinite(data.sum()):  # which may overflow, or be NaN, where each is fine
            return
    if np.isinf(data).any() or not (allow_nan or not np.isnan(data).any()):
        raise Retreat("a value that is not finite")


@dataclass(frozen=True, eq=False)
class CsrScale(SparseStep):
    """Every column times its factor, rounded to the dtype of the matrix."""

    factor: np.ndarray = field(repr=False)  # (x.width,)

    def forward(self, x: Any, factor: np.ndarray) -> Any:
        if len(x.indices) and not 0 <= x.indices.min() <= x.indices.max() < len(factor):
            raise Retreat("a sparse matrix that is damaged")
        x = x.copy()
        with np.errstate(all="ignore"):
            x.data *= factor.take(x.indices)
        return x


@dataclass(frozen=True, eq=False)
class CsrSelect(SparseStep):
    """Some of the columns, in the order given."""

    columns: np.ndarray  # (width,) int64

    @property
    def width(self) -> int:
        return len(self.columns)

    def forward(self, x: Any, columns: np.ndarray) -> Any:
        return x[:, columns]


@dataclass(frozen=True, eq=False)
class SparseSum(SparseStep):
    """Sums over the values of each row, as an array of float64."""

    @property
    def dtype(self) -> torch.dtype:
        return torch.float64

    @property
    def exact(self) -> bool:
        # Products and sums may be contracted by the one compiler and not by the other.
        return False

    @property
    def stays_sparse(self) -> bool:
        return False


@dataclass(frozen=True, eq=False)
class CsrProduct(SparseSum):
    """`x @ weight`."""

    weight: np.ndarray = field(repr=False)  # (x.width, n) or (x.width,) float64

    @property
    def width(self) -> int | None:
        return self.weight.shape[1] if self.weight.ndim == 2 else None

    def forward(self, x: Any, weight: np.ndarray) -> np.ndarray:
        data, flat = _values(x), weight.reshape(-1)
        n_columns, n_outputs = len(weight), 1 if weight.ndim == 1 else weight.shape[1]
        out = np.zeros((x.shape[0], n_outputs))

        def rows(lo: int, hi: int) -> bool:
            return csr_numba.product(x.indptr, x.indices, data, flat, n_columns, out, lo, hi)

        _over_rows(rows, x.shape[0], len(data) * (1.3 + 0.3 * n_outputs))
        return out if weight.ndim == 2 else out[:, 0]


@dataclass(frozen=True, eq=False)
class CsrSizes(SparseSum):
    """`n (|x_1| + ... + |x_n|)` for the n values stored of each row, as one column of float64.

    A product with weights up to w is `eps w` times that from the exact one, in any order, at most.
    """

    @property
    def width(self) -> int:
        return 1

    def forward(self, x: Any) -> np.ndarray:
        data, out = _values(x), np.empty((x.shape[0], 1))
        _over_rows(
            lambda lo, hi: csr_numba.sizes(x.indptr, data, out, lo, hi), x.shape[0], 0.3 * len(data)
        )
        return out


def _values(x: Any) -> np.ndarray:
    """The stored values as kernels read them, where all of them belong to a row."""
    if not len(x.data) == len(x.indices) == x.indptr[-1]:
        raise Retreat("a sparse matrix with room for more")
    return np.ascontiguousarray(x.data, np.float64)


def _over_rows(rows: Callable[[int, int], bool], n_rows: int, work: float) -> None:
    """Call `rows(lo, hi)` for all of the rows, over threads where they take long enough, in ns."""

    def task(lo: int, hi: int) -> None:
        if not rows(lo, hi):
            raise Retreat("a sparse matrix that is damaged")

    blocks = 1 if work < WORTH_A_THREAD else torch.get_num_threads() * BLOCKS_A_THREAD
    share_rows(task, n_rows, -(-n_rows // blocks))
