"""A table as XGBoost reads it: everything becomes float32, what equals `missing` becomes NaN."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.utils.fixes import parse_version
from torch import Tensor
from xgboost import __version__

from ...ops import (
    Arith,
    CategoryCodes,
    Concat,
    Finite,
    Map,
    Op,
    Select,
    signature,
)
from ...table import UNKNOWN
from ..frames import check_width, container, float32_numbers
from ..registry import Unsupported, select
from .model import Model

# Before, `apply` built its DMatrix without enable_categorical, which refuses pandas categories.
DMATRIX_OF_CATEGORIES = parse_version(__version__) >= parse_version("3.0")


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
    kinds = signature(x).kinds or ()
    chosen = [i for i, kind in enumerate(kinds) if kind == "category"]
    if model.categories and library == "pandas" and UNKNOWN not in kinds and not chosen:
        raise Unsupported("numbers where categories were fitted")
    if chosen and library == "pandas":
        return _with_codes(x, chosen, model, missing)
    return _with_nan(float32_numbers(x, library), missing)


def _with_nan(x: Op, missing: np.float32) -> Op:
    return x if np.isnan(missing) else Map(x, partial(_nan_where, missing))


def _with_codes(x: Op, chosen: list[int], model: Model, missing: np.float32) -> Op:
    """Categories as their codes: among those fitted where XGBoost keeps them, else their own.

    It is a column's own codes that XGBoost compares with `missing`, before it looks them up.
    """
    known: tuple[list[Any] | None, ...] = (None,) * len(chosen)
    if model.categories is not None:
        fitted = [i for i, kind in enumerate(model.feature_types) if kind == "c"]
        if not set(chosen) <= set(fitted) or (model.categories and chosen != fitted):
            raise Unsupported("columns of categories other than those fitted")
        if model.categories:
            known = tuple(model.categories[i] for i in chosen)
            if None in known:
                raise Unsupported("a feature without categories")
    strict = model.categories is not None
    codes = CategoryCodes(select(x, chosen), known, torch.float32, strict, float(missing))
    rest = [i for i in range(x.width or 0) if i not in chosen]
    parts: tuple[Op, ...] = (codes,)
    if rest:
        parts += (_with_nan(float32_numbers(select(x, rest), "pandas"), missing),)
    return Select(Concat(parts), np.argsort(np.array(chosen + rest)))


def none_below_zero(x: Op, columns: np.ndarray) -> Op:
    """Codes below 0, of which those above -1 would become 0, made -1, which no set has."""
    if not len(columns):
        return x
    return Arith(_none_below_zero, x, np.isin(np.arange(x.width or 0), columns)[None])


def _none_below_zero(x: Tensor, columns: Tensor) -> Tensor:
    return torch.where((x < 0) & columns, -1, x)


def as_dmatrix(est: Any, x: Op, values: Op, model: Model) -> Op:
    """`values` where a `DMatrix` takes them: finite, and named as fitted."""
    _check_types(est, x, model)
    if np.isinf(_missing(est)):
        raise Unsupported("infinity as the missing value of a DMatrix")
    if model.feature_names and x.names is None:
        raise Unsupported("an array where a DataFrame was fitted")
    return Finite(values, allow_nan=True)


def _check_types(est: Any, x: Op, model: Model) -> None:
    """Whether a `DMatrix` would take the same columns for codes as were fitted."""
    library = container(x)
    if est.feature_types is not None:
        if library != "numpy" or list(est.feature_types) != model.feature_types:
            raise Unsupported("feature_types set for a DMatrix")
        return
    if "c" not in model.feature_types:
        return
    if library != "pandas":
        raise Unsupported("an array where a DataFrame of categories was fitted")
    kinds = signature(x).kinds or (UNKNOWN,)
    if [kind == "category" for kind in kinds] != [kind == "c" for kind in model.feature_types]:
        raise Unsupported("columns of categories other than those fitted")
    if not est.enable_categorical or not DMATRIX_OF_CATEGORIES:
        raise Unsupported("categories that apply does not take")


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


def _nan_where(missing: np.float32, x: Tensor) -> Tensor:
    """NaN where a value is the missing one."""
    return torch.where(x == float(missing), torch.nan, x)
