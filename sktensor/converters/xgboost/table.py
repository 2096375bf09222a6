"""A table as XGBoost reads it: everything becomes float32, what equals `missing` becomes NaN."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...ops import Concat, Finite, Map, Numbers, Op, Select, cast, is_table
from ..frames import check_width, container, plain_kinds
from ..registry import Unsupported, select
from ..validation import as_numbers
from .model import Model

WIDE = ("int64", "uint64")


def as_float32(est: Any, x: Op, model: Model) -> Op:
    """The float32 values that `inplace_predict` sees."""
    check_width(x, model.n_features)
    if x.sparse:
        raise Unsupported("sparse input, whose zeros are missing values to XGBoost")
    library = container(x)
    if library == "pandas":
        _check_names(x, model)
    elif library != "numpy":
        raise Unsupported(f"a {library} DataFrame")
    missing = _missing(est)
    x = _cast(x, library)
    return x if np.isnan(missing) else Map(x, partial(_nan_where, missing))


def as_dmatrix(est: Any, x: Op, values: Op, model: Model) -> Op:
    """`values` where a `DMatrix` takes them: finite, and named as fitted."""
    if est.feature_types is not None:
        raise Unsupported("feature_types set for a DMatrix")
    if np.isinf(_missing(est)):
        raise Unsupported("infinity as the missing value of a DMatrix")
    if model.feature_names and x.names is None:
        raise Unsupported("an array where a DataFrame was fitted")
    return Finite(values, allow_nan=True)


def _check_names(x: Op, model: Model) -> None:
    names = [str(name) for name in x.names or ()]
    if len(set(x.names or ())) < len(names):
        raise Unsupported("columns of the same name")
    if model.feature_names and names != model.feature_names:
        raise Unsupported("columns other than those fitted")


def _missing(est: Any) -> np.float32:
    value = est.missing
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating | np.integer):
        raise Unsupported(f"missing={value!r}")
    with np.errstate(over="ignore"):
        return np.float32(value)


def _cast(x: Op, library: str) -> Op:
    if not is_table(x):
        if x.dtype is None:
            raise Unsupported("no numbers")
        return cast(x, torch.float32)
    if library == "numpy":
        raise Unsupported("an array of objects")
    kinds = plain_kinds(x)
    wide = [i for i, kind in enumerate(kinds) if kind in WIDE]
    if not wide or len(set(kinds)) == 1:
        return as_numbers(x, torch.float32)
    # Every column is rounded once: a common float64 would round a long integer twice.
    rest = [i for i in range(len(kinds)) if i not in wide]
    parts: list[Op] = [cast(Numbers(select(x, [i]), _dtype(kinds[i])), torch.float32) for i in wide]
    if rest:
        parts.append(as_numbers(select(x, rest), torch.float32))
    return Select(Concat(tuple(parts)), np.argsort(np.array(wide + rest)))


def _dtype(kind: str) -> torch.dtype:
    return getattr(torch, kind)


def _nan_where(missing: np.float32, x: Tensor) -> Tensor:
    """NaN where a value is the missing one."""
    return torch.where(x == float(missing), torch.nan, x)
