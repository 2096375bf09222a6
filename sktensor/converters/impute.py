"""Converters for `sklearn.impute`."""

from __future__ import annotations

from math import sqrt
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn import linear_model as lm
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.impute._iterative import IterativeImputer  # public only where it is switched on
from sklearn.utils._mask import _get_mask
from sklearn.utils._missing import is_pandas_na, is_scalar_nan
from sklearn.utils._set_output import _get_output_config

from ..graph import is_exact
from ..ops import (
    Above,
    Column,
    Concat,
    Fill,
    FillFromNearest,
    FillTable,
    Finite,
    Missing,
    MissingCells,
    Op,
    Provided,
    Rounds,
    Select,
    cast,
    is_table,
    signature,
)
from ..ops.conditions import EPS, ROUNDING, Below
from ..table import UNKNOWN
from .encoders import PLAIN
from .linear import holds_for_some
from .registry import Unsupported, converts, current_conversion
from .responses import transformer
from .validation import check_names, numpy_dtype, settled, validate

MOST_DONORS = 100  # that are kept in order, which takes longer than natively for many more
KNOWN = Below(1e-10)  # by how much what is predicted may be off, as a part of it
SEEN = 5e-11  # of a mean, what is off by more may be seen


@converts(SimpleImputer)
def simple_imputer(est, x):
    if est._fit_dtype.kind == "O" or (est.strategy in KEEPING and _holds_objects(x)):
        return transformer(_filled_objects(est, x))
    x = validate(
        est,
        x,
        "numeric" if est.strategy in KEEPING else "float",
        allow_nan=is_scalar_nan(est.missing_values) or is_pandas_na(est.missing_values),
    )
    dtype = numpy_dtype(x)
    marker = _marker(est.missing_values, dtype)
    fill_dtype = getattr(est, "_fill_dtype", est.statistics_.dtype)
    if est.strategy == "constant" and not np.can_cast(fill_dtype, dtype, "same_kind"):
        raise Unsupported("a fill value of another kind")
    kept, values = _statistics(est)
    numbers = x if len(kept) == x.width else Select(x, kept)
    filled = Fill(numbers, marker, values.astype(dtype))
    return transformer(_indicated(est, x, marker, filled))


def _indicated(est: Any, x: Op, marker: float | int | None, filled: Op) -> Op:
    """The filled rows, and beside them what was missing where the imputer adds that."""
    if not est.add_indicator or not len(est.indicator_.features_):
        return filled
    missing = Missing(Select(x, np.asarray(est.indicator_.features_, np.int64)), marker)
    return Concat((filled, cast(missing, x.dtype)))


KEEPING = ("most_frequent", "constant")  # what keeps the dtype of its input


def _statistics(est: Any) -> tuple[np.ndarray, np.ndarray]:
    """The columns that are kept, and what is put into each: in the dtype fitted, since 1.8.

    Columns without any value are dropped, with a warning.
    """
    statistics = np.asarray(est.statistics_)
    fill_dtype = getattr(est, "_fill_dtype", statistics.dtype)
    keeps_all = est.keep_empty_features
    if not hasattr(est, "_fill_dtype"):
        keeps_all = keeps_all or est.strategy == "constant"
    empty = np.zeros(len(statistics), bool)
    if not keeps_all:
        empty = np.asarray(_get_mask(statistics, np.nan), bool)
    if empty.any():
        names = np.flatnonzero(empty)
        if hasattr(est, "feature_names_in_"):
            names = est.feature_names_in_[names]
        message = (
            f"Skipping features without any observed values: {names}. At least one non-missing "
            f"value is needed for imputation with strategy='{est.strategy}'."
        )
        current_conversion().warnings.append((None, message, UserWarning))
    return np.flatnonzero(~empty), statistics[~empty].astype(fill_dtype)


def _marker(missing: Any, dtype: np.dtype) -> float | int | None:
    """What is missing in an array of this dtype: NaN, a number, or nothing."""
    if dtype.kind not in "iuf":
        raise Unsupported(f"an array of {dtype}")
    if is_pandas_na(missing) or is_scalar_nan(missing):
        return float("nan") if dtype.kind == "f" else None
    if not isinstance(missing, Real):
        raise Unsupported(f"missing_values={missing!r} among numbers")
    return _number(missing, dtype)


def _number(missing: Any, dtype: np.dtype) -> float | int | None:
    """The one value of this dtype that NumPy says is equal to `missing`, if there is one."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            value = dtype.type(missing)
        return float(value) if np.array([value]) == missing else None
    if not isinstance(missing, Integral) and missing != np.trunc(missing):
        return None
    value = int(missing)
    if not isinstance(missing, Integral) and abs(value) >= 2**53:
        raise Unsupported(f"missing_values={missing!r} among integers")
    limits = np.iinfo(dtype)
    return value if limits.min <= value <= limits.max else None


def _holds_objects(x: Op) -> bool:
    """Whether the table is an array of objects to scikit-learn, as far as its columns tell."""
    return is_table(x) and not set(signature(x).kinds or ()) <= PLAIN | {UNKNOWN}


def _check_objects(est: Any, x: Op) -> None:
    if not is_table(x) or not _holds_objects(x):
        raise Unsupported("numbers as objects")
    if x.width != est.n_features_in_:
        raise Unsupported(f"{x.width} columns where {est.n_features_in_} were fitted")
    kinds = set(signature(x).kinds or ())
    others = kinds - PLAIN - {"object", "str", "category", UNKNOWN}
    if others:
        raise Unsupported(f"a column of {min(others)} among objects")
    if signature(x).container == "numpy" and "str" in kinds and _fitted_kind(est) != "O":
        raise Unsupported("an array of strings")
    check_names(est, x)


def _fitted_kind(est: Any) -> str:
    return est._fit_dtype.kind if hasattr(est, "_fit_dtype") else ""


def _filled_objects(est: Any, x: Op) -> Op:
    """Strings stay on the host, in an array of objects."""
    if _get_output_config("transform", est)["dense"] != "default":
        raise Unsupported("objects as a DataFrame")
    _check_objects(est, x)
    kept, values = _statistics(est)
    indicated = tuple(map(int, est.indicator_.features_)) if est.add_indicator else ()
    columns = tuple(map(int, kept))
    return FillTable(x, est.missing_values, columns, tuple(values.tolist()), indicated)


@converts(KNNImputer)
def knn_imputer(est, x):
    by_distance = est.weights == "distance"
    rows, n_neighbors = _fixed_rows(est), int(est.n_neighbors)
    x = validate(est, x, allow_nan=is_scalar_nan(est.missing_values))
    if rows.dtype == numpy_dtype(x) == np.float32:
        raise Unsupported("distances in float32")
    marker = _marker(est.missing_values, numpy_dtype(x))
    known = _nan_for(marker, est, x, rows.dtype)
    known = cast(known, torch.float64)
    if by_distance:
        known = settled(known)
    # Sums of t squares natively, ours, and a square root, each of a bit that the next may lack.
    slack = 4 * (len(rows.T) + 8) * EPS if is_exact(known) else ROUNDING
    means = np.zeros(len(rows.T))
    for k in np.flatnonzero(est._valid_mask):
        means[k] = np.ma.array(rows[:, k], mask=est._mask_fit_X[:, k]).mean()
    columns = np.ascontiguousarray(np.where(est._mask_fit_X, np.nan, rows).T, np.float64)
    seen = SEEN if by_distance else 0.0
    filled = FillFromNearest(known, columns, means, n_neighbors, slack, seen)
    kept = np.arange(len(columns)) if est.keep_empty_features else np.flatnonzero(est._valid_mask)
    sure = Provided(Select(filled, kept), Column(filled, len(columns)), Above())
    if not holds_for_some(sure):
        far = "neighbors that are as far as others"
        raise Unsupported("distances that rounding may change" if by_distance else far)
    return transformer(_indicated(est, x, marker, cast(sure, x.dtype)))


LINEAR = {
    *(lm.BayesianRidge, lm.ElasticNet, lm.ElasticNetCV, lm.HuberRegressor, lm.Lasso, lm.LassoCV),
    *(lm.LinearRegression, lm.Ridge, lm.RidgeCV),
}
TRIES = 8  # of how roundings go on from step to step
MOST_WEIGHTS = 2**22  # of all steps of all rounds


@converts(IterativeImputer)
def iterative_imputer(est, x):
    if est.sample_posterior:
        raise Unsupported("values drawn at random")
    if est.verbose:
        raise Unsupported("rounds that are told about")
    x = validate(est, x, "float", allow_nan=is_scalar_nan(est.missing_values))
    if x.dtype != torch.float64:
        raise Unsupported("predictions in float32")
    marker = _marker(est.missing_values, numpy_dtype(x))
    empty = np.asarray(est._is_empty_feature)
    if est.keep_empty_features and empty.any():
        raise Unsupported("columns without any value")
    kept, values = _statistics(est.initial_imputer_)
    values = values[~empty[kept]]
    numbers = Select(x, np.flatnonzero(~empty)) if empty.any() else x
    filled: Op = Fill(numbers, marker, values.astype(np.float64))
    if est.imputation_sequence_:
        known = _nan_for(marker, est, numbers, np.dtype(np.float64))
        filled = _predicted(est, known, filled)
    return transformer(_indicated(est, x, marker, filled))


def _predicted(est: Any, x: Op, filled: Op) -> Op:
    """The filled rows with what is NaN in `x` predicted from the others, round by round."""
    steps, width = est.imputation_sequence_, filled.width or 0
    if any(type(step.estimator) not in LINEAR for step in steps):
        raise Unsupported("members that are not linear")
    if len(steps) * width > MOST_WEIGHTS:
        raise Unsupported("too many steps")
    weights = np.zeros((len(steps), width))
    for row, step in zip(weights, steps, strict=True):
        row[step.neighbor_feat_idx] = np.ravel(step.estimator.coef_)
    intercepts = np.array([float(np.ravel(s.estimator.intercept_)[0]) for s in steps])
    if not (np.isfinite(weights).all() and np.isfinite(intercepts).all()):
        raise Unsupported("coefficients that are not finite")
    found = Rounds(
        x,
        filled,
        tuple(int(step.feat_idx) for step in steps),
        weights,
        intercepts,
        np.asarray(est._min_value, np.float64),
        np.asarray(est._max_value, np.float64),
        np.random.default_rng(0).choice([-1.0, 1.0], (len(steps), TRIES)),
        EPS * (4 + sqrt(width) / 4),
    )
    known = Provided(Select(found, np.arange(width)), Column(found, width), KNOWN)
    if not holds_for_some(known):
        raise Unsupported("predictions whose terms cancel, so that rounding shows")
    return Finite(known)


def _fixed_rows(est: Any) -> np.ndarray:
    """The rows that were fitted, where to look at all of them is what the imputer does."""
    if est.metric != "nan_euclidean":
        raise Unsupported("distances of another kind")
    if est.weights not in ("uniform", "distance"):
        raise Unsupported("weights that are a function")
    if est.n_neighbors > MOST_DONORS:
        raise Unsupported(f"more than {MOST_DONORS} neighbors")
    return np.asarray(est._fit_X)


def _nan_for(marker: float | int | None, est: Any, x: Op, fitted: np.dtype) -> Op:
    """The rows with NaN for what marks a missing value, which must be one in both dtypes."""
    if marker != marker:
        return x
    dtype = numpy_dtype(x)
    if marker is None or not float(est.missing_values) == marker == float(fitted.type(marker)):
        raise Unsupported(f"missing_values={est.missing_values!r} in {dtype} and {fitted}")
    return Fill(x, marker, np.full(x.width or 0, np.nan, dtype))


@converts(MissingIndicator)
def missing_indicator(est, x):
    if est.sparse is True:
        raise Unsupported("sparse=True")
    if est._precomputed:
        raise Unsupported("a precomputed mask")
    missing: Op
    if _holds_objects(x):
        _check_objects(est, x)
        if is_pandas_na(est.missing_values):
            raise Unsupported("missing_values=pandas.NA among objects")
        missing = MissingCells(x, est.missing_values)
    else:
        x = validate(est, x, "numeric", allow_nan=is_scalar_nan(est.missing_values))
        missing = Missing(x, _marker(est.missing_values, numpy_dtype(x)))
    if est.features == "all":
        return transformer(missing)
    columns = np.asarray(est.features_, np.int64)
    others = np.setdiff1d(np.arange(x.width or 0), columns)
    chosen: Op = Select(missing, columns) if len(others) else missing
    if est.error_on_new and len(others):
        chosen = Provided(chosen, Select(missing, others), torch.logical_not)
    return transformer(chosen)
