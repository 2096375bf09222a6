"""scikit-learn's forests at their corners, and the plain kernels against each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import get_tags

from sktensor.converters.trees import below
from sktensor.kernels import forest_numba, forest_torch
from sktensor.ops import Input
from sktensor.table import Signature

from .cases import data as d
from .forests import thresholds_of
from .support import assert_answers_alike, fitted_quietly
from .test_layouts import made_forest, rows_that_bite

FEW = {"n_estimators": 4, "random_state": 0}
SHORT = {"max_iter": 4, "min_samples_leaf": 3, "early_stopping": False}
FLOATS = [np.float32, np.float64]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n_trees=st.integers(1, 7),
    depth=st.integers(0, 7),
    n_outputs=st.integers(1, 3),
    dtype=st.sampled_from(FLOATS),
    value_dtype=st.sampled_from(FLOATS),
)
def test_the_numba_walk_is_the_torch_walk(seed, n_trees, depth, n_outputs, dtype, value_dtype):
    arrays = made_forest(seed, n_trees, depth, 0.2, n_outputs, False, dtype, value_dtype)
    rows = rows_that_bite(arrays, 60, seed)
    tensors = [torch.from_numpy(a) for a in (rows, *arrays)]
    sums = [kernel.forest(*tensors) for kernel in (forest_numba, forest_torch)]
    assert sums[0].dtype == sums[1].dtype
    assert torch.equal(*sums)
    without_values = [*tensors[:6], tensors[7]]
    assert torch.equal(forest_numba.leaves(*without_values), forest_torch.leaves(*without_values))


@given(
    t=st.floats(allow_nan=False, allow_infinity=False),
    x=st.floats(width=32, allow_nan=False, allow_infinity=False),
)
def test_a_threshold_in_float32_splits_as_in_float64(t, x):
    (t32,) = below(np.array([t]), Input(Signature(1, torch.float32)))
    near = np.array([x, t32], np.float32)
    with np.errstate(over="ignore"):
        ends = [np.nextafter(near, np.float32(end)) for end in (np.inf, -np.inf)]
    for value in np.concatenate([near, *ends]):
        assert (value <= t32) == (np.float64(value) <= t)


def at_thresholds(estimator, X, dtype, most=400):
    """Rows of X in this dtype, one value at a threshold, beside it, or far from any."""
    rng = np.random.default_rng(0)
    allow_nan = get_tags(estimator).input_tags.allow_nan
    rows = []
    pairs = thresholds_of(estimator)
    for feature, threshold in (pairs[i] for i in rng.permutation(len(pairs))[: most // 6]):
        at = dtype(threshold)
        beside = [np.nextafter(at, dtype(end)) for end in (np.inf, -np.inf)]
        for value in (at, *beside, dtype(-0.0), dtype(0.0), *[dtype(np.nan)] * allow_nan):
            row = X[rng.integers(len(X))].astype(dtype)
            row[feature] = value
            rows.append(row)
    rows = np.array(rows or X[:1].astype(dtype))
    return rows[np.isfinite(rows).all(axis=1) | allow_nan]


def made_table(seed, whole, missing):
    """Few rows of a few columns, with ties, zeros of both signs and constants among them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 2, (45, 4)) * 10.0 ** rng.integers(-3, 4, 4)
    X = np.round(X) if whole else X
    X[:, 3] = rng.choice([0.0, -0.0, 1e-40, 3.0], len(X))
    X[rng.random(X.shape) < missing] = np.nan
    return X, rng


PLAIN = [RandomForestClassifier, RandomForestRegressor, ExtraTreesRegressor, IsolationForest]
HISTOGRAM = [HistGradientBoostingClassifier, HistGradientBoostingRegressor]
COMPLETE = [
    GradientBoostingRegressor,
    AdaBoostRegressor,
    AdaBoostClassifier,
    BaggingRegressor,
    BaggingClassifier,
]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    kind=st.sampled_from([*PLAIN, *HISTOGRAM, *COMPLETE]),
    n_classes=st.integers(2, 4),
    missing=st.sampled_from([0.0, 0.2]),
    whole=st.booleans(),
    dtype=st.sampled_from(FLOATS),
)
def test_any_forest_at_its_thresholds(seed, kind, n_classes, missing, whole, dtype):
    X, rng = made_table(seed, whole, 0.0 if kind in COMPLETE else missing)
    y = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, len(X) - n_classes)])
    params = SHORT if kind in HISTOGRAM else FEW
    estimator = fitted_quietly(kind(**params), X, y)
    methods = ("predict", "predict_proba", "decision_function", "score_samples")
    for rows in (X, at_thresholds(estimator, X, dtype)):
        assert_answers_alike(estimator, rows, methods=methods)


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint16", "uint64", "bool", "float32"])
@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(**FEW),
        HistGradientBoostingClassifier(**SHORT),
        BaggingClassifier(**FEW),
        AdaBoostClassifier(**FEW),
    ],
    ids=lambda e: type(e).__name__,
)
def test_numbers_of_any_dtype(estimator, dtype):
    X = np.abs(np.round(d.X)).astype(dtype)
    X[:3, 0] = 1 if dtype == "bool" else np.array([2**7 - 1, 2**5 + 1, 2**6], dtype)
    if dtype in ("int64", "uint64"):
        X[:, 1] *= np.array(2**40 + 1, dtype)  # more digits than float32 has
        X[3:6, 1] = np.array([2**24 + 1, 2**53 + 1, 2**62 + 2**38 + 1], dtype)
    fitted = fitted_quietly(estimator, X, d.Y_MULTI)
    assert_answers_alike(fitted, X, methods=("predict", "predict_proba"))
    assert_answers_alike(fitted, X.astype(float), methods=("predict", "predict_proba"))
    frame = pd.DataFrame(X)
    frame[0] = frame[0].astype("float32")
    assert_answers_alike(fitted, frame, methods=("predict", "predict_proba"), compiled=False)


@pytest.mark.parametrize(
    "y",
    [
        d.Y_TEXT,
        d.Y_LABELS,
        d.Y_LABELS.astype(object),
        d.Y_BINARY.astype(bool),
        d.Y_MULTI.astype("int8"),
        d.Y_MULTI * -7.0,
        np.array(["x"] * d.N),
        pd.Categorical(d.Y_TEXT),
        pd.Series(d.Y_LABELS, dtype="string"),
    ],
    ids=lambda y: f"{y.dtype}",
)
@pytest.mark.parametrize("kind", [DecisionTreeClassifier, RandomForestClassifier])
def test_labels_of_any_dtype(kind, y):
    params = {"max_depth": 3, "random_state": 0}
    params |= {"n_estimators": 3} if kind is RandomForestClassifier else {}
    assert_answers_alike(fitted_quietly(kind(**params), d.X, y), d.X, exact=True)


@pytest.mark.parametrize("kind", [DecisionTreeClassifier, RandomForestClassifier])
@pytest.mark.parametrize(
    "classes",
    [("yes", "no longer a short label"), (0, 1), (2.0, -1.0), (True, False)],
    ids=str,
)
def test_several_outputs_have_labels_of_the_first_one_s_dtype(kind, classes):
    second = np.where(d.X[:, 2] > 1, *classes)
    first = np.where(d.X[:, 0] > 1, classes[0], classes[1])
    y = np.column_stack([first, second, np.full(d.N, classes[0])])
    fitted = fitted_quietly(kind(max_depth=3, random_state=0), d.X, y)
    assert_answers_alike(fitted, d.X)


COLUMNS = make_column_transformer(
    (OneHotEncoder(), ["colour"]), ("passthrough", ["a", "b"]), sparse_threshold=1.0
)
BEHIND = [
    RandomForestClassifier(**FEW),
    DecisionTreeClassifier(),
    IsolationForest(**FEW),
    BaggingClassifier(**FEW),
    ExtraTreesRegressor(**FEW),
]


@pytest.mark.parametrize("estimator", BEHIND, ids=lambda e: type(e).__name__)
def test_nan_in_a_sparse_matrix(estimator):
    """Trees refuse it there, and isolation forests send it right whatever the node says."""
    complete = d.FRAME.assign(b=d.FRAME["b"].fillna(0))
    fitted = fitted_quietly(make_pipeline(COLUMNS, estimator), complete, d.Y_BINARY)
    methods = ("predict", "decision_function", "score_samples")
    assert_answers_alike(fitted, complete, methods=methods)
    assert_answers_alike(fitted, d.FRAME, compiled=False)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39, 3.4028235e38, -3.4028236e38])
@pytest.mark.parametrize(
    "estimator",
    [
        *BEHIND,
        DecisionTreeRegressor(criterion="absolute_error"),
        DecisionTreeClassifier(monotonic_cst=[1, 0, 0, 0, 0, 0]),
        GradientBoostingRegressor(**FEW),
        HistGradientBoostingRegressor(**SHORT),
        AdaBoostRegressor(**FEW),
    ],
    ids=lambda e: type(e).__name__,
)
def test_values_that_are_refused_or_not(estimator, value):
    fitted = fitted_quietly(estimator, d.X, d.Y_BINARY)
    rows = d.X[:20].copy()
    rows[3, 2] = value
    assert_answers_alike(fitted, rows, compiled=False)
    rows[:, 4] = value
    assert_answers_alike(fitted, rows, compiled=False)


@pytest.mark.parametrize("kind", [AdaBoostRegressor, BaggingRegressor, RandomForestRegressor])
def test_leaves_at_the_ends_of_floats(kind):
    y = d.Y_REAL * np.array([1e-300, 1e150, 1.0])[np.arange(d.N) % 3]
    assert_answers_alike(fitted_quietly(kind(**FEW), d.X, y), d.X)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("front", [(), (StandardScaler(),), (SimpleImputer(), MinMaxScaler())])
def test_thresholds_that_are_nan(front, dtype):
    """As scikit-learn 1.6 writes some where values were missing: what is not missing goes right."""
    X = d.X_NAN.astype(dtype)
    fitted = fitted_quietly(make_pipeline(*front, RandomForestClassifier(**FEW)), X, d.Y_MULTI)
    for member in fitted[-1].estimators_:
        splits = np.flatnonzero(member.tree_.children_left >= 0)
        member.tree_.threshold[splits[::3]] = np.nan
    assert np.isnan(fitted[-1].estimators_[0].tree_.threshold).any()
    for rows in (X, X[:3], np.nan_to_num(X)):
        assert_answers_alike(fitted, rows, exact=not front)
