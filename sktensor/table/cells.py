"""The cells of one column, as scikit-learn's encoders and imputers see them.

What a missing cell is depends on where it comes from: None, NaN and `pandas.NA` are three values.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from importlib import import_module
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_array


@dataclass(frozen=True)
class Coded:
    """A column as `values[codes]`: where a code is -1, the last value is what is missing."""

    codes: np.ndarray
    values: np.ndarray

    def cells(self) -> np.ndarray:
        return self.values[self.codes]


def is_nan(value: Any) -> bool:
    """Whether a value is NaN, which None and `pandas.NA` are not."""
    if type(value) is str:
        return False
    return isinstance(value, Real) and not isinstance(value, Integral) and math.isnan(value)


def is_na(value: Any) -> bool:
    """Whether a value is `pandas.NA`."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and value is pandas.NA


def _library(source: Any) -> str:
    return type(source).__module__.partition(".")[0]


def array_of(frame: Any, at: int) -> Any:
    """One column of a pandas frame as it is stored: NumPy's array, or the library's own."""
    take = getattr(frame, "_get_column_array", None)  # makes no Series, which takes much longer
    if take is not None:
        return take(at)
    array = frame.iloc[:, at].array
    plain = isinstance(array, sys.modules["pandas"].arrays.NumpyExtensionArray)
    return array.to_numpy() if plain else array


def values_of(source: Any, at: int) -> np.ndarray:
    """One column as encoders see it: `check_array` of it, in its own dtype.

    A polars frame is an array of objects for them, if any of its columns is none of numbers, and
    where all are of numbers nobody asks for one alone.
    """
    if isinstance(source, np.ndarray):
        return source[:, at]
    if _library(source) == "polars":
        return source[:, at].to_numpy().astype(object)
    array = array_of(source, at)
    if isinstance(array, np.ndarray) and array.dtype.kind in "Obiu":
        return array
    if isinstance(array.dtype, sys.modules["pandas"].StringDtype):
        return np.asarray(array)  # objects, in which `check_array` changes nothing either
    return _checked(source.iloc[:, at])


def _checked(series: Any) -> np.ndarray:
    return check_array(series, ensure_2d=False, dtype=None, ensure_all_finite="allow-nan")


def objects_of(source: Any, at: int) -> np.ndarray:
    """One column of the frame, or array, as an array of objects."""
    if isinstance(source, np.ndarray):
        return source[:, at].astype(object)
    if _library(source) == "polars":
        return source[:, at].to_numpy().astype(object)
    return np.asarray(source.iloc[:, at], dtype=object)


def coded(source: Any, at: int) -> Coded | None:
    """A pandas categorical, or dictionary of Arrow or polars, as codes of its values."""
    if isinstance(source, np.ndarray):
        return None
    if _library(source) == "polars":
        series = source[:, at]
        if not str(series.dtype).startswith(("Categorical", "Enum")) or not _arrow():
            return None
        return _of_dictionary(series.to_arrow(), None)
    array = array_of(source, at)
    if isinstance(array, np.ndarray):
        return None
    pandas = sys.modules["pandas"]
    if isinstance(array.dtype, pandas.CategoricalDtype):
        codes = np.asarray(array.codes)
        known = np.arange(len(array.categories))
        if (codes < 0).any():
            known = np.append(known, -1)
        few = pandas.Categorical.from_codes(known, dtype=array.dtype)
        # A column of all these values has the dtype, and the missing value, of the whole column.
        values = np.asarray(few)
        if values.dtype.kind not in "Oiu":  # in which `check_array` changes nothing
            values = _checked(pandas.Series(few))
        return Coded(codes, values)
    if isinstance(array.dtype, pandas.ArrowDtype) and "dictionary" in str(array.dtype):
        return _of_dictionary(array.__arrow_array__(), pandas.NA)
    return None


def _of_dictionary(array: Any, missing: Any) -> Coded:
    if hasattr(array, "combine_chunks"):
        array = array.combine_chunks()
    if hasattr(array, "chunks"):  # of no chunk, or of several that older releases leave apart
        array = array.unify_dictionaries().chunk(0)
    known = array.dictionary.to_pylist()
    if array.null_count:
        known.append(missing)
    values = np.empty(len(known), object)
    values[:] = known
    codes = array.indices.cast("int64").fill_null(-1)
    return Coded(codes.to_numpy(zero_copy_only=False), values)


def _arrow() -> Any:
    """pyarrow, if it is loaded already."""
    return sys.modules.get("pyarrow")


def strings(source: Any, at: int) -> tuple[Any, Any] | None:
    """An Arrow-backed column of strings as Arrow's array, and what a null is to NumPy."""
    if isinstance(source, np.ndarray) or not _arrow():
        return None
    if _library(source) == "polars":
        series = source[:, at]
        return (series.to_arrow(), None) if str(series.dtype) in ("String", "Utf8") else None
    column = array_of(source, at)
    if isinstance(column, np.ndarray):
        return None
    pandas = sys.modules["pandas"]
    dtype = column.dtype
    if isinstance(dtype, pandas.StringDtype) and dtype.storage.startswith("pyarrow"):
        return column.__arrow_array__(), dtype.na_value
    if isinstance(dtype, pandas.ArrowDtype) and str(dtype) in STRINGS:
        return column.__arrow_array__(), pandas.NA
    return None


STRINGS = ("string[pyarrow]", "large_string[pyarrow]")


def positions_in(strings: list[str], array: Any) -> np.ndarray | None:
    """Where each of an Arrow array's strings is in a list, -1 for nowhere; None: ask Python."""
    arrow, compute = sys.modules["pyarrow"], import_module("pyarrow.compute")
    try:
        found = compute.index_in(array, value_set=arrow.array(strings, array.type))
    except (arrow.ArrowNotImplementedError, arrow.ArrowInvalid):
        return None
    found = found.fill_null(-1)
    return found.to_numpy() if hasattr(found, "chunks") else found.to_numpy(zero_copy_only=False)


def nulls_in(array: Any) -> np.ndarray | None:
    """Which of an Arrow array's cells are null; None where there is none."""
    if not array.null_count:
        return None
    null = array.is_null()
    return null.to_numpy() if hasattr(null, "chunks") else null.to_numpy(zero_copy_only=False)
