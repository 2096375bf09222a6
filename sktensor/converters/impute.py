"""Converters for `sklearn.impute`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.utils._missing import is_pandas_na, is_scalar_nan

from ..ops import (
    Concat,
    Fill,
    FillObjects,
    Missing,
    Op,
    Provided,
    Select,
    cast,
    is_table,
    signature,
)
from ..table import TORCH_DTYPES, UNKNOWN
from .registry import Unsupported, converts
from .responses import transformer
from .validation import check_names, numpy_dtype, validate


@converts(SimpleImputer)
def simple_imputer(est, x):
    statistics = np.asarray(est.statistics_)
    if not est.keep_empty_features and any(is_scalar_nan(s) for s in statistics):
        raise Unsupported("columns in which nothing was observed")
    if est._fit_dtype.kind == "O":
        return transformer(_filled_objects(est, x, statistics))
    marker = _marker(est)
    keeps = est.strategy in ("most_frequent", "constant")
    x = validate(est, x, "numeric" if keeps else "float", allow_nan=np.isnan(marker))
    dtype = numpy_dtype(x)
    if dtype.kind == "b":
        raise Unsupported("booleans")
    fill_dtype = getattr(est, "_fill_dtype", est._fit_dtype)
    if est.strategy == "constant" and not np.can_cast(fill_dtype, dtype, "same_kind"):
        raise Unsupported("a fill value of another kind")
    values = statistics.astype(fill_dtype).astype(dtype)
    filled = Fill(x, marker, values)
    if not est.add_indicator:
        return transformer(filled)
    columns = np.asarray(est.indicator_.features_, np.int64)
    missing = Missing(Select(x, columns), marker)
    common = TORCH_DTYPES[np.result_type(dtype, bool)]
    return transformer(Concat((cast(filled, common), cast(missing, common))))


def _marker(est: Any) -> float:
    """What stands for a missing number."""
    marker = est.missing_values
    if is_pandas_na(marker) or not isinstance(marker, int | float | np.number):
        raise Unsupported(f"missing_values={marker!r} among numbers")
    return float(marker)


def _filled_objects(est: Any, x: Op, statistics: np.ndarray) -> Op:
    """Strings stay on the host, in an array of objects."""
    if est.add_indicator:
        raise Unsupported("an indicator beside strings")
    if not is_table(x):
        raise Unsupported("numbers where objects were fitted")
    if x.width != len(statistics):
        raise Unsupported(f"{x.width} columns where {len(statistics)} were fitted")
    if is_pandas_na(est.missing_values):
        raise Unsupported("missing_values=pandas.NA")
    kinds = set(signature(x).kinds or ())
    if not kinds <= {"object", "category", UNKNOWN, "str"}:
        raise Unsupported("numbers among objects")
    if "str" in kinds and not x.names:
        raise Unsupported("an array of strings")
    check_names(est, x)
    return FillObjects(x, est.missing_values, tuple(statistics.tolist()))


@converts(MissingIndicator)
def missing_indicator(est, x):
    marker = _marker(est)
    x = validate(est, x, "numeric", allow_nan=np.isnan(marker))
    if est.sparse is True:
        raise Unsupported("sparse=True")
    if numpy_dtype(x).kind == "b":
        raise Unsupported("booleans")
    missing: Op = Missing(x, marker)
    if est.features == "all":
        return transformer(missing)
    columns = np.asarray(est.features_, np.int64)
    others = np.setdiff1d(np.arange(x.width or 0), columns)
    chosen: Op = Select(missing, columns)
    if est.error_on_new and len(others):
        chosen = Provided(chosen, Select(missing, others), torch.logical_not)
    return transformer(chosen)
