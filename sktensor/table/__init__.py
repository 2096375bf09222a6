"""Tables on the host: what kind of input a caller passed, and its columns without copies.

A `Signature` is everything the compiler may know of a table before it runs: programs are compiled
for one signature. A `Table` gives the columns of a frame or of an array of objects one by one.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from threading import Lock
from typing import Any

import numpy as np
import torch
from scipy.sparse import (
    coo_array,
    coo_matrix,
    csc_array,
    csc_matrix,
    csr_array,
    csr_matrix,
    issparse,
)
from sklearn import get_config
from sklearn.utils import _safe_indexing

from .cells import Coded, array_of, coded, objects_of, strings, values_of

TORCH_DTYPES: dict[np.dtype, torch.dtype] = {
    np.dtype(name): getattr(torch, name)
    for name in (
        "float32",
        "float64",
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
    )
}
NUMPY_DTYPES: dict[torch.dtype, np.dtype] = {t: n for n, t in TORCH_DTYPES.items()}

NULLABLE_NUMBERS = frozenset(
    [f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)] + ["Float64", "boolean"]
)
# The same as Arrow has them; floats of 32 bits are for scikit-learn to make wider.
ARROW_NUMBERS = frozenset(
    [f"{sign}int{bits}[pyarrow]" for sign in ("", "u") for bits in (8, 16, 32, 64)]
    + ["double[pyarrow]", "bool[pyarrow]"]
)
UNKNOWN = "unknown"
SPARSE = frozenset([csr_array, csr_matrix, csc_array, csc_matrix, coo_array, coo_matrix])


@dataclass(frozen=True)
class Signature:
    """What is known of a table before its rows are.

    `dtype` is that of a numeric array and None for a table of columns, whose `kinds` are then the
    name of each column's dtype ("float64", "object", "str", "category", ... or "unknown").
    `width` is None for one value a row.
    """

    width: int | None
    dtype: torch.dtype | None = None
    kinds: tuple[str, ...] | None = None
    names: tuple[Any, ...] | None = None
    container: str = "numpy"

    @property
    def is_frame(self) -> bool:
        return self.container in ("pandas", "polars")

    @property
    def is_sparse(self) -> bool:
        """Whether it is a sparse matrix, of the format that `container` names."""
        return self.container in ("csr", "csc", "coo")

    def select(self, columns: Sequence[int]) -> Signature:
        """The signature of some of the columns."""
        kinds = None if self.kinds is None else tuple(self.kinds[i] for i in columns)
        names = None if self.names is None else tuple(self.names[i] for i in columns)
        return replace(self, width=len(columns), kinds=kinds, names=names)


def unknown_signature(width: int, names: Sequence[Any] | None = None) -> Signature:
    """A table of which only the number of its columns, and perhaps their names, is known."""
    return Signature(
        width,
        kinds=(UNKNOWN,) * width,
        names=None if names is None else tuple(names),
        container="numpy" if names is None else "pandas",
    )


def signature_of(X: Any) -> Signature | None:
    """The signature of what a caller passed, or None for what no program is made for."""
    kind = type(X)
    if kind is np.ndarray or kind is np.memmap:
        return _array_signature(X)
    if kind is torch.Tensor or kind is torch.nn.Parameter:
        fits = X.ndim == 2 and X.layout is torch.strided and X.dtype in NUMPY_DTYPES
        return Signature(X.shape[1], X.dtype, container="torch") if fits else None
    if kind in SPARSE:
        dtype = TORCH_DTYPES.get(X.dtype) if X.ndim == 2 else None
        return None if dtype is None else Signature(X.shape[1], dtype, container=X.format)
    library = kind.__module__.partition(".")[0]
    if library == "pandas" and kind is sys.modules["pandas"].DataFrame:
        return _pandas_signature(X)
    if library == "polars" and kind is sys.modules["polars"].DataFrame:
        kinds = tuple(_polars_kind(dtype) for dtype in X.dtypes)
        return Signature(X.width, None, kinds, tuple(X.columns), "polars")
    return None


def row_count(X: Any) -> int:
    """How many rows there are of what a caller passed, or of a `Table`."""
    return X.shape[0] if issparse(X) else len(X)


def first_rows(X: Any, n: int) -> Any:
    """At most `n` rows of what a caller passed, in its own container."""
    return type(X)(X.tocsr()[:n]) if issparse(X) else X[:n]


def _array_signature(X: np.ndarray) -> Signature | None:
    if X.ndim != 2 or not X.dtype.isnative:
        return None
    dtype = TORCH_DTYPES.get(X.dtype)
    if dtype is not None:
        return _numbers(X.shape[1], dtype)
    if X.dtype.kind in "OU":
        kind = "object" if X.dtype.kind == "O" else "str"
        return Signature(X.shape[1], None, (kind,) * X.shape[1])
    return None


@lru_cache(maxsize=256)
def _numbers(width: int, dtype: torch.dtype) -> Signature:
    """The same object each time, which is found among others without a look at its fields."""
    return Signature(width, dtype)


def _pandas_signature(X: Any) -> Signature | None:
    if X.columns.nlevels > 1:
        return None
    return Signature(
        X.shape[1], None, tuple(map(_pandas_kind, X.dtypes)), tuple(X.columns.tolist()), "pandas"
    )


def _pandas_kind(dtype: Any) -> str:
    if isinstance(dtype, np.dtype):
        return _numpy_kind(dtype)
    name = getattr(dtype, "name", str(dtype))
    if isinstance(dtype, sys.modules["pandas"].StringDtype):
        return "str"
    return name


@cache
def _numpy_kind(dtype: np.dtype) -> str:
    return "str" if dtype.kind == "U" else dtype.name


def _polars_kind(dtype: Any) -> str:
    name = str(dtype)
    known = {"String": "str", "Utf8": "str", "Boolean": "bool"}
    if name.startswith(("Categorical", "Enum")):
        return "category"
    return known.get(name, name.lower())


class _Taken(dict[int, Any]):
    """The columns that were taken from a frame, by whichever thread came first."""

    __slots__ = ("lock",)

    def __init__(self) -> None:
        self.lock = Lock()


class Table:
    """Some columns of a frame or of an array of objects, each taken once and never copied."""

    def __init__(self, source: Any, positions: Sequence[int], taken: _Taken | None = None):
        self.source, self.positions = source, positions
        self._taken = _Taken() if taken is None else taken

    @classmethod
    def of(cls, source: Any) -> Table:
        return cls(source, range(source.shape[1]))

    def __len__(self) -> int:
        return self.source.shape[0]

    def select(self, columns: Sequence[int]) -> Table:
        return Table(self.source, [self.positions[i] for i in columns], self._taken)

    def rows(self, lo: int, hi: int) -> Table:
        """A table of some of the rows, on its own."""
        return Table(_safe_indexing(self.source, slice(lo, hi)), self.positions)

    def native(self) -> Any:
        """These columns in the container they came in, as scikit-learn would select them."""
        if len(self.positions) == self.source.shape[1] and list(self.positions) == list(
            range(self.source.shape[1])
        ):
            return self.source
        return _safe_indexing(self.source, list(self.positions), axis=1)

    def column(self, i: int) -> Any:
        """Column `i` as it is stored: a 1-D NumPy array, or the library's own array."""
        at = self.positions[i]
        if at not in self._taken:
            with self._taken.lock:
                if at not in self._taken:
                    self._taken[at] = self._take(at)
        return self._taken[at]

    def _take(self, at: int) -> Any:
        return _column(self.source, at)

    def values(self, i: int) -> np.ndarray:
        """Column `i` as scikit-learn's encoders see it; ValueError where they refuse it."""
        return values_of(self.source, self.positions[i])

    def objects(self, i: int) -> np.ndarray:
        """Column `i` as one of an array of objects."""
        return objects_of(self.source, self.positions[i])

    def coded(self, i: int) -> Coded | None:
        """Column `i` where it is stored as codes of a few values."""
        return coded(self.source, self.positions[i])

    def strings(self, i: int) -> tuple[Any, Any] | None:
        """Column `i` as an Arrow array of strings where it is one, and what a null is to NumPy."""
        return strings(self.source, self.positions[i])

    def numbers(self, lo: int, hi: int, dtype: np.dtype) -> np.ndarray:
        """Rows `lo` to `hi` as one array of numbers; ValueError or TypeError where one is none."""
        out = np.empty((hi - lo, len(self.positions)), dtype)
        for j in range(len(self.positions)):
            part = self.column(j)[lo:hi]
            if not isinstance(part, np.ndarray):
                # pandas 2.2 has no NaN for a null of Arrow's, and scikit-learn its TypeError then.
                null = {} if "[pyarrow]" in part.dtype.name else {"na_value": np.nan}
                part = part.to_numpy(dtype=np.float64, **null)
            # Objects are cast one by one as Python does, and only floats refuse what is none.
            source = np.dtype(np.float64) if part.dtype == object else part.dtype
            if not np.can_cast(source, dtype, "same_kind"):
                raise TypeError(f"{source} among numbers of {dtype}")
            out[:, j] = part
        return out


def _column(source: Any, at: int) -> Any:
    if isinstance(source, np.ndarray):
        return source[:, at]
    if type(source).__module__.partition(".")[0] == "polars":
        return _polars_column(source[:, at])
    return array_of(source, at)


def _polars_column(series: Any) -> np.ndarray:
    """A polars column as NumPy has it for scikit-learn: null is NaN among numbers, None else."""
    return series.to_numpy()


def sparse_class() -> Any:
    """The class of sparse matrices that scikit-learn is set to return."""
    return csr_array if get_config().get("sparse_interface") == "sparray" else csr_matrix


def as_dense(x: Any) -> Any:
    """An array of what a native method returned as a sparse one; anything else as it is."""
    return x.toarray() if issparse(x) else x
