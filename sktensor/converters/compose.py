"""Converters for `sklearn.pipeline`, `sklearn.compose`, and estimators that pass on to another."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.model_selection._search_successive_halving import (
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
)
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils._set_output import _get_output_config

from ..ops import Column, Concat, Finite, Op, cast, is_table, signature, unnamed
from ..table import ARROW_NUMBERS, NULLABLE_NUMBERS, TORCH_DTYPES, UNKNOWN
from .preprocessing.functions import applied
from .preprocessing.scaling import unscaled
from .registry import (
    Responses,
    Unsupported,
    convert,
    converts,
    native_step,
    select,
)
from .responses import regressor, transformer
from .validation import as_numbers, numpy_dtype


@converts(Pipeline, sparse=True)
def pipeline(est, x):
    return in_turn(est.steps, x)


def in_turn(steps: list[tuple[str, Any]], x: Op) -> Responses:
    """What the last of some steps answers, each reading what the one before transforms to."""
    responses = Responses(transform=x)
    for name, step in steps:
        if step not in (None, "passthrough"):
            responses = convert(step, responses.get("transform"), name)
    return responses


@converts(FeatureUnion)
def feature_union(est, x):
    weights = est.transformer_weights or {}
    results, sparse = [], False
    for name, step in est.transformer_list:
        if step in ("drop", None):
            continue
        result = x if step == "passthrough" else convert(step, x, name).get("transform")
        sparse = sparse or result.sparse
        if weights.get(name) is not None:
            result = _weighted(as_array(result), weights[name])
        results.append(result)
    return transformer(_side_by_side(est, results, sparse))


def _weighted(x: Op, weight: float) -> Op:
    """`x * weight`, in the dtype NumPy would give it."""
    return cast(x, TORCH_DTYPES[np.result_type(numpy_dtype(x), weight)]) * weight


@converts(ColumnTransformer)
def column_transformer(est, x):
    position = columns_by_name(est, x)
    results = []
    for name, step, columns in est.transformers_:
        chosen = position(name)
        if step == "drop" or not chosen:
            continue
        part = select(x, chosen)
        if step == "passthrough":
            results.append(part)
        else:
            # A lone column's name or index means one value a row, which text transformers take.
            lone = np.isscalar(columns)
            results.append(convert(step, part, name, squeeze=lone).get("transform"))
    return transformer(_side_by_side(est, results, est.sparse_output_))


def columns_by_name(est: ColumnTransformer, x: Op) -> Any:
    """A function from a transformer's name to the columns of `x` that it reads.

    Frames are read by name, in whatever order and among whatever else, and arrays by position.
    """
    indices = est._transformer_to_input_indices
    fitted = getattr(est, "feature_names_in_", None)
    if x.names is not None and len({isinstance(name, str) for name in x.names}) > 1:
        raise Unsupported("names of several types")
    if fitted is not None and x.names is not None:
        if len(set(x.names)) < len(x.names):
            raise Unsupported("columns of one name")
        at = {name: i for i, name in enumerate(x.names)}
        kept = [n for n, step, _ in est.transformers_ if step != "drop"]
        if any(fitted[i] not in at for n in kept for i in indices.get(n, ())):
            raise Unsupported("columns are missing")
        return lambda name: [at[fitted[i]] for i in indices.get(name, ())]
    if x.width != est.n_features_in_:
        raise Unsupported(f"{x.width} columns where {est.n_features_in_} were fitted")
    if x.names is None and any(_by_name(columns) for _, _, columns in est.transformers_):
        raise Unsupported("columns by name from an array")
    return lambda name: list(indices.get(name, ()))


def _by_name(columns: Any) -> bool:
    if isinstance(columns, slice):
        return isinstance(columns.start, str) or isinstance(columns.stop, str)
    return any(isinstance(c, str) for c in np.atleast_1d(np.asarray(columns, dtype=object)))


def _side_by_side(est: Any, results: list[Op], sparse: bool) -> Op:
    """The results as one array, in the dtype NumPy would give it."""
    if not results:
        raise Unsupported("no columns")
    framed = _get_output_config("transform", est)["dense"] != "default"
    arrays = [as_array(r, one_dtype=framed) for r in results]
    if any(a.width is None for a in arrays):
        raise Unsupported("a step that gives one value a row")
    dtypes = [numpy_dtype(a) for a in arrays]
    if framed and len(set(dtypes)) > 1:
        raise Unsupported("a DataFrame of several dtypes")
    common = TORCH_DTYPES[np.result_type(*dtypes)]
    return Concat(tuple(cast(a, common) for a in arrays), sparse)


def as_array(x: Op, one_dtype: bool = False) -> Op:
    """`x` as NumPy would make it an array when it joins others: its columns' common dtype."""
    if not is_table(x):
        if x.dtype is None:
            raise Unsupported("a step that gives no numbers")
        return unnamed(x)
    kinds = set(signature(x).kinds or ()) - {UNKNOWN}
    if "object" in kinds or (len(kinds) > 1 and ("bool" in kinds or one_dtype)):
        raise Unsupported("columns of several kinds as one array of objects")
    if any(kind[0].isupper() or kind in NULLABLE_NUMBERS | ARROW_NUMBERS for kind in kinds):
        raise Unsupported("nullable columns as one array of objects")
    return as_numbers(x, "numeric")


@converts(GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV, HalvingRandomSearchCV, sparse=True)
def search(est, x):
    return convert(est.best_estimator_, x, "best_estimator_")


@converts(FrozenEstimator, sparse=True)
def frozen(est, x):
    return convert(est.estimator, x, "estimator")


@converts(TransformedTargetRegressor, sparse=True)
def transformed_target(est, x):
    prediction = convert(est.regressor_, x, "regressor_").get("predict")
    column = prediction if prediction.width is not None else Concat((prediction,))
    result = _inverse(est.transformer_, column)
    if est._training_dim == 1 and result.width == 1:
        result = Column(result, 0)
    return regressor(result)


def _inverse(scaler: Any, x: Op) -> Op:
    """What the scaler's `inverse_transform` makes of the predictions."""
    if type(scaler) is FunctionTransformer and scaler.inverse_func is None:
        return x
    if type(scaler) is StandardScaler:
        return unscaled(scaler, x)
    if type(scaler) is FunctionTransformer and not scaler.inv_kw_args:
        try:
            return applied(scaler.inverse_func, Finite(x) if scaler.validate else x)
        except Unsupported:
            pass
    reason = "the target's inverse_transform"
    return native_step(scaler, x, "inverse_transform", reason, "transformer_")
