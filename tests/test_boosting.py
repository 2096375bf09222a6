"""Boosting libraries: floats at thresholds, ties between classes, frames, dtypes."""

from __future__ import annotations

import json
import warnings

import lightgbm
import numpy as np
import pandas as pd
import pytest
import torch
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sktensor.kernels import linear_numba, linear_torch

from .cases import data as d
from .cases import lightgbm as lightgbm_cases
from .cases import xgboost as xgboost_cases
from .support import assert_answers_alike

SMALL_XGB = {"n_estimators": 4, "max_depth": 3, "n_jobs": 1}
SMALL_LGB = {"n_estimators": 4, "num_leaves": 5, "min_child_samples": 5, "n_jobs": 1, "verbose": -1}
CASES = [*xgboost_cases.CASES, *lightgbm_cases.CASES]
NAMES = [f"c{i}" for i in range(6)]


def refuse_arrays(estimator):
    """The methods that raise for an array where a frame was fitted."""
    if not isinstance(estimator, xgboost.XGBModel):
        return ()
    return ("apply", "predict", "predict_proba") if estimator.booster == "gblinear" else ("apply",)


def fitted(case, X, fit_params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of arguments that will go, while fitting
        return clone(case.estimator).fit(X, case.y, **fit_params)


OF_ARRAYS = [case for case in CASES if not isinstance(case.X, pd.DataFrame)]


@pytest.mark.parametrize("case", OF_ARRAYS, ids=lambda case: type(case.estimator).__name__)
def test_frames_and_arrays_stand_for_each_other(case):
    X = d.X if case.X is None else case.X
    names = [f"c{i}" for i in range(X.shape[1])]
    frame = pd.DataFrame(X, columns=names)
    with_names = fitted(case, frame, _named(case.fit_params))
    # `apply` makes a DMatrix, which takes a frame's own types or those said, not both.
    typed = ("apply",) if getattr(with_names, "feature_types", None) is not None else ()
    of_frames = (*case.native, *(m for m in typed if m not in case.native))
    assert_answers_alike(with_names, frame, native=of_frames, exact=case.exact)
    assert_answers_alike(with_names, frame[names[::-1]], compiled=False, exact=case.exact)
    native = (*case.native, *refuse_arrays(with_names))
    assert_answers_alike(with_names, X, native=native, exact=case.exact)
    without = fitted(case, X, case.fit_params)
    assert_answers_alike(without, frame, native=of_frames, exact=case.exact)


def _named(params):
    return {
        k: [(pd.DataFrame(X, columns=NAMES), y) for X, y in v] if k == "eval_set" else v
        for k, v in params.items()
    }


def thresholds(estimator) -> list[tuple[int, float]]:
    """Every column that is split with every threshold, as the library itself lists them."""
    if isinstance(estimator, xgboost.XGBModel):
        booster = json.loads(bytes(estimator.get_booster().save_raw("json")))
        booster = booster["learner"]["gradient_booster"]
        found = []
        for tree in booster.get("gbtree", booster)["model"]["trees"]:
            parts = (tree[k] for k in ("left_children", "split_indices", "split_conditions"))
            found += [(f, float(np.float32(t))) for left, f, t in zip(*parts) if left >= 0]
        return found
    table = estimator.booster_.trees_to_dataframe()
    table = table[table["split_feature"].notna()]
    return [
        (int(str(f).rpartition("_")[2]), t)
        for f, t in zip(table["split_feature"], table["threshold"])
    ]


def on_thresholds(estimator, X, dtype) -> np.ndarray:
    """Rows of X with one value put at a threshold, beside it, or where no threshold is."""
    rng, rows = np.random.default_rng(0), []
    for feature, threshold in thresholds(estimator):
        at = dtype(threshold)
        far = [dtype(x) for x in (np.nan, np.inf, -np.inf, 0.0, -0.0)]
        for value in (at, np.nextafter(at, dtype(np.inf)), np.nextafter(at, dtype(-np.inf)), *far):
            row = X[rng.integers(len(X))].astype(dtype)
            row[feature] = value
            rows.append(row)
    return np.array(rows)


TREES = [
    xgboost.XGBClassifier(**SMALL_XGB),
    xgboost.XGBRegressor(**SMALL_XGB, tree_method="exact"),
    xgboost.XGBRegressor(**SMALL_XGB, booster="dart", rate_drop=0.5),
    lightgbm.LGBMClassifier(**SMALL_LGB),
    lightgbm.LGBMRegressor(**SMALL_LGB, linear_tree=True),
    lightgbm.LGBMRegressor(**SMALL_LGB, zero_as_missing=True),
    lightgbm.LGBMRegressor(**SMALL_LGB, use_missing=False),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("estimator", TREES, ids=lambda e: type(e).__name__)
def test_floats_at_every_threshold(estimator, whole, dtype):
    X = np.round(d.X_NAN) if whole else d.X_NAN
    estimator = clone(estimator).fit(X, d.Y_MULTI)
    rows = on_thresholds(estimator, X, dtype)
    assert len(rows) > 50
    exact = not hasattr(estimator, "classes_")
    assert_answers_alike(estimator, rows, compiled=False, exact=exact, methods=("apply",))
    methods = ("predict", "predict_proba", "decision_function")
    assert_answers_alike(estimator, rows, exact=exact, methods=methods)
    finite = rows[np.isfinite(rows).all(axis=1)]
    assert_answers_alike(estimator, finite, exact=exact)


def with_leaves(estimator, leaves):
    """The fitted classifier with the leaves of its only trees replaced, class by class."""
    document = json.loads(bytes(estimator.get_booster().save_raw("json")))
    trees = document["learner"]["gradient_booster"]["model"]["trees"]
    for tree, values in zip(trees, leaves, strict=True):
        ends = [i for i, left in enumerate(tree["left_children"]) if left < 0]
        for i, end in enumerate(ends):
            tree["split_conditions"][end] = float(values[i % len(values)])
    estimator.get_booster().load_model(bytearray(json.dumps(document).encode()))
    return estimator


@pytest.mark.parametrize("objective", ["binary:logistic", "binary:logitraw", "binary:hinge"])
def test_labels_of_margins_around_the_boundary(objective):
    """Next to a probability of one half, float32 has margins that round to it."""
    params = SMALL_XGB | {"n_estimators": 1, "max_depth": 6, "min_child_weight": 0, "gamma": 0}
    base_score = 0.5 if objective == "binary:logistic" else 0.0
    fitted = xgboost.XGBClassifier(**params, objective=objective, base_score=base_score)
    fitted.fit(d.X, np.random.default_rng(0).integers(0, 2, len(d.X)))
    middle = np.float32(0.5 if objective == "binary:logitraw" else 9e-8)
    bits = middle.view(np.int32)
    margins = np.arange(bits - 400_000, bits + 400_000, 40_000, np.int32).view(np.float32)
    edge = np.float32(2**-24 * 1.5).view(np.int32)
    margins = np.concatenate([margins, np.arange(edge - 8, edge + 8, 1, np.int32).view(np.float32)])
    margins = np.concatenate([margins, -margins, [0.0]])
    seen = set()
    for part in np.array_split(margins, 4):
        fitted = with_leaves(fitted, [part])
        seen |= set(assert_answers_alike(fitted, d.X).predict(d.X))
    assert seen == {0, 1}


@pytest.mark.parametrize("scale", [0.0, 2**-25, 2**-24, 2**-23, 2**-22, 1e-6])
def test_labels_of_classes_that_tie(scale):
    """Softmax makes equal values of margins that hardly differ, and the first then wins."""
    params = SMALL_XGB | {"n_estimators": 1, "max_depth": 5, "base_score": 0.0}
    fitted = xgboost.XGBClassifier(**params).fit(d.X, d.Y_MULTI % 3)
    rng = np.random.default_rng(0)
    fitted = with_leaves(fitted, [rng.integers(-3, 4, 9) * scale for _ in range(3)])
    assert_answers_alike(fitted, d.X)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    library=st.sampled_from(["xgboost", "lightgbm"]),
    n_classes=st.integers(2, 4),
    missing=st.floats(0, 0.5),
    whole=st.booleans(),
    dtype=st.sampled_from(["float32", "float64", "int64", "int8", "uint16", "bool"]),
)
def test_any_table(seed, library, n_classes, missing, whole, dtype):
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 2, (40, 3))
    X = np.round(X) if whole else X
    X[rng.random(X.shape) < missing] = np.nan
    y = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, len(X) - n_classes)])
    if library == "xgboost":
        estimator = xgboost.XGBClassifier(**SMALL_XGB)
    else:
        params = SMALL_LGB | {"min_child_samples": 1, "zero_as_missing": bool(seed % 2)}
        estimator = lightgbm.LGBMClassifier(**params)
    estimator.fit(X, y)
    rows = np.concatenate([X, on_thresholds(estimator, X, np.float64)]) if dtype == "float64" else X
    if dtype != "float64":
        rows = np.abs(np.nan_to_num(rows)).astype(dtype)
    assert_answers_alike(estimator, rows, methods=("predict", "predict_proba"))


INTEGERS = pd.DataFrame({"a": d.CODES[:, 0], "b": d.CODES[:, 1] * 2**60 // 3, "c": d.X[:, 0]})


@pytest.mark.parametrize(
    "dtypes",
    [
        {"a": "int8", "b": "int64", "c": "float64"},
        {"a": "uint16", "b": "uint64", "c": "float32"},
        {"a": "bool", "b": "float64", "c": "float32"},
        {"a": "int32", "b": "float32", "c": "float32"},
        {"a": "int64", "b": "int64", "c": "int64"},
    ],
)
@pytest.mark.parametrize("kind", [xgboost.XGBRegressor, lightgbm.LGBMRegressor])
def test_columns_of_several_dtypes(kind, dtypes):
    frame = INTEGERS.astype(dtypes)
    params = SMALL_XGB if kind is xgboost.XGBRegressor else SMALL_LGB
    estimator = kind(**params).fit(frame, d.Y_REAL)
    assert_answers_alike(estimator, frame, exact=True)


@pytest.mark.parametrize(
    ("column", "compiled"),
    [
        (pd.array([1, 2, None] * 50, "Int64"), ("lightgbm",)),
        (pd.array([0.5, 2, None] * 50, "Float32"), ()),
        (pd.array([True, False, None] * 50, "boolean"), ("lightgbm",)),
        (pd.Categorical(["x", "y", "z"] * 50), ()),
        (np.array(["1", "2", "3"] * 50, object), ()),
        (np.arange(150).astype("datetime64[s]"), ()),
    ],
)
@pytest.mark.parametrize("kind", [xgboost.XGBRegressor, lightgbm.LGBMRegressor])
def test_columns_that_numpy_does_not_have(kind, column, compiled):
    params = SMALL_XGB if kind is xgboost.XGBRegressor else SMALL_LGB
    estimator = kind(**params).fit(d.X[:, :2], d.Y_REAL)
    frame = pd.DataFrame({"a": d.X[:, 0], "b": column})
    library = kind.__module__.partition(".")[0]
    assert_answers_alike(
        estimator, frame, methods=("predict",), compiled=library in compiled, exact=True
    )


@pytest.mark.parametrize("kind", [xgboost.XGBClassifier, lightgbm.LGBMClassifier])
@pytest.mark.parametrize("width", [5, 7])
def test_another_width_is_the_library_s_to_refuse(kind, width):
    params = SMALL_XGB if kind is xgboost.XGBClassifier else SMALL_LGB
    estimator = kind(**params).fit(d.X, d.Y_BINARY)
    rows = np.resize(d.X, (4, width))
    methods = ("predict", "predict_proba")
    assert_answers_alike(estimator, rows, methods=methods, compiled=False)


@pytest.mark.parametrize("kind", [xgboost.XGBClassifier, lightgbm.LGBMClassifier])
def test_in_a_pipeline(kind):
    params = SMALL_XGB if kind is xgboost.XGBClassifier else SMALL_LGB
    pipeline = make_pipeline(StandardScaler(), kind(**params)).fit(d.X_NAN, d.Y_BINARY)
    assert_answers_alike(pipeline, d.X_NAN)
    frame = pd.DataFrame(d.X_NAN, columns=NAMES)
    pipeline = clone(pipeline).set_output(transform="pandas").fit(frame, d.Y_BINARY)
    assert_answers_alike(pipeline, frame, methods=("predict", "predict_proba"))


@pytest.mark.parametrize("kind", [xgboost.XGBClassifier, lightgbm.LGBMClassifier])
def test_behind_a_sparse_matrix(kind):
    params = SMALL_XGB if kind is xgboost.XGBClassifier else SMALL_LGB
    pipeline = make_pipeline(OneHotEncoder(), kind(**params)).fit(d.CODES, d.Y_BINARY)
    assert_answers_alike(pipeline, d.CODES, compiled=False)


def test_early_stopping_keeps_the_best_trees():
    for module, best in ((xgboost_cases, "best_iteration"), (lightgbm_cases, "best_iteration_")):
        case = next(c for c in module.CASES if "eval_set" in c.fit_params)
        estimator = fitted(case, case.X, case.fit_params)
        assert getattr(estimator, best) < 5
        assert_answers_alike(estimator, case.X, exact=True)


def test_linear_leaves_in_plain_torch():
    """The kernel for CPUs and the one for everything else add up the same."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(np.where(rng.random((50, 3)) < 0.2, np.nan, rng.normal(size=(50, 3))))
    feature = np.sort(rng.integers(-1, 3, (12, 3)))[:, ::-1].copy()
    arguments = (
        torch.from_numpy(rng.integers(0, 12, (50, 4))),
        torch.tensor([0, 1, 1, 0]),
        *torch.from_numpy(rng.normal(size=(2, 12))),
        torch.from_numpy(feature),
        torch.from_numpy(rng.normal(size=(12, 3))),
        2,
    )
    plain = linear_torch.linear_leaves(x, *arguments)
    assert torch.equal(linear_numba.linear_leaves(x, *arguments), plain)


def test_a_deep_tree():
    """A chain deeper than Python may call itself."""
    X = np.arange(3000.0)[:, None]
    y = np.exp(X[:, 0] / 100)
    params = {"num_leaves": 3000, "min_child_samples": 1, "max_bin": 5000, "min_data_in_bin": 1}
    estimator = lightgbm.LGBMRegressor(n_estimators=2, n_jobs=1, verbose=-1, **params).fit(X, y)
    assert_answers_alike(estimator, X, exact=True)
    estimator = xgboost.XGBRegressor(
        n_estimators=2,
        max_depth=0,
        max_leaves=2000,
        grow_policy="lossguide",
        max_bin=4096,
        n_jobs=1,
    ).fit(X, y)
    assert_answers_alike(estimator, X, exact=True)
