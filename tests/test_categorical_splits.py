"""Categorical splits of LightGBM, XGBoost and HistGradientBoosting on made data and odd codes."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pandas as pd
import polars
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from xgboost import XGBClassifier, XGBRegressor

from sktensor import TensorAccelerated
from sktensor.converters.xgboost.table import DMATRIX_OF_CATEGORIES

from .support import assert_same_outcome, fitted_quietly

ODD = [-0.0, -0.5, -0.99, -1.0, -7.0, 0.5, 1.999, 31.0, 32.0, 40.0, 2.0**24, 2.0**31, 2.0**33]
ODD += [-(2.0**31), 1e300, -1e300, np.inf, -np.inf, np.nan]
LETTERS = list("abcdefgh")


def data(seed, n_codes, n=300, missing=0.1):
    """Two columns of codes, one of numbers and one of whole numbers, and what they explain."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    X[:, 0] = rng.integers(0, n_codes, n)
    X[:, 1] = rng.integers(0, 4, n)
    X[:, 3] = rng.integers(-1, 2, n)
    y = rng.normal(size=n_codes)[X[:, 0].astype(int)] + (X[:, 1] == 2) + 0.3 * X[:, 2]
    X[rng.random(X.shape) < missing] = np.nan
    return X, y


def odd_rows(X, seed, odd, n=120):
    """Rows of X with codes that are none, fractions, infinities and zeros of both signs."""
    rng = np.random.default_rng(seed)
    rows = X[rng.integers(0, len(X), n)].copy()
    put = rng.random(rows.shape) < 0.4
    rows[put] = rng.choice(odd, put.sum())
    return rows


def assert_compiled(fast, method="predict"):
    assert all(step.backend == "torch" for step in fast.explain(method).steps), fast.explain()


def assert_agree(fast, model, rows, method="predict"):
    """Both answer the same, predictions to the last bit, or fail with the same words."""
    ours, native = getattr(fast, method), getattr(model, method)
    exact = method in ("predict", "apply")
    assert_same_outcome(lambda: ours(rows), lambda: native(rows), exact=exact)


def frame(X, categories):
    """A frame of two columns of pandas categories, which NaN has none of, and two of numbers."""
    out = pd.DataFrame(X, columns=list("pqrs"))
    for name, known in zip("pq", categories, strict=True):
        codes = out[name].fillna(-1).astype(int)
        out[name] = pd.Categorical.from_codes(codes, categories=known)
    return out


LIGHT = {"n_estimators": 6, "num_leaves": 9, "min_child_samples": 3, "verbose": -1, "n_jobs": 1}
LIGHT |= {"min_data_per_group": 3, "cat_smooth": 1.0}


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n_codes=st.sampled_from([2, 3, 9, 40, 90]),
    params=st.sampled_from(
        [
            {},
            {"use_missing": False},
            {"zero_as_missing": True},
            {"max_cat_to_onehot": 64},
            {"num_leaves": 80, "min_child_samples": 1},
            {"linear_tree": True},
        ]
    ),
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_lightgbm_codes_in_arrays(dtype, seed, n_codes, params):
    X, y = data(seed, n_codes)
    model = fitted_quietly(LGBMRegressor(**LIGHT | params), X, y, categorical_feature=[0, 1])
    fast = TensorAccelerated(model, device="cpu")
    with np.errstate(over="ignore"):
        rows = odd_rows(X, seed, [*ODD, 1e-36, 3.0]).astype(dtype)
    for some in (rows, rows[:3], np.asfortranarray(rows)):
        assert_agree(fast, model, some)
    assert_compiled(fast)
    assert "cat_threshold" in model.booster_.model_to_string()


def frames_of_other_categories(X):
    """Frames whose categories differ from those fitted, or cells from any of them."""
    reversed_ = frame(X, (LETTERS, [3, 1, 2, 0]))
    reversed_["p"] = reversed_["p"].cat.reorder_categories(LETTERS[::-1])
    unseen = frame(X, (["zz", *LETTERS[1:]], [3, 9, 2, 0]))
    fewer = frame(X, (LETTERS, [3, 1, 2, 0]))[:40]
    fewer["p"] = fewer["p"].cat.remove_unused_categories().cat.as_ordered()
    none = frame(X, (LETTERS, [3, 1, 2, 0]))
    none["p"] = none["p"].cat.set_categories(["no", "such"])
    other = frame(X, (range(8), list("wxyz")))
    floats = frame(X, (LETTERS, [3.0, 1.0, 2.0, 0.0]))
    return {
        "reversed": reversed_,
        "unseen": unseen,
        "fewer": fewer,
        "none": none,
        "other types": other,
        "floats": floats,
        "one row": reversed_[5:6],
        "swapped": reversed_[["q", "p", "r", "s"]],
        "one a number": reversed_.assign(q=1.5),
        "float32": reversed_.astype({"r": "float32", "s": "float32"}),
        "integers": reversed_.assign(r=2**40 + 1, s=np.arange(len(X), dtype=np.int8)),
        "array": X,
    }


def assert_frames_agree(model, X):
    fast = TensorAccelerated(model, device="cpu")
    for what, rows in frames_of_other_categories(X).items():
        for method in ("predict", "predict_proba", "apply"):
            if hasattr(model, method):
                assert_agree(fast, model, rows, method)
        yield what, fast.explain("predict").steps[-1].backend


def test_lightgbm_pandas_categories():
    X, y = data(3, 8)
    for estimator in (LGBMRegressor(**LIGHT), LGBMClassifier(**LIGHT)):
        target = y if isinstance(estimator, LGBMRegressor) else y > 0
        model = fitted_quietly(estimator, frame(X, (LETTERS, [3, 1, 2, 0])), target)
        assert model.booster_.pandas_categorical == [LETTERS, [3, 1, 2, 0]]
        backends = dict(assert_frames_agree(model, X))
        assert backends.pop("one a number") == "native"  # an error
        assert set(backends.values()) == {"torch"}
        assert set(dict(assert_frames_agree(pickle.loads(pickle.dumps(model)), X)))


def test_lightgbm_takes_categories_for_their_codes_where_arrays_were_fitted():
    X, y = data(4, 8)
    model = fitted_quietly(LGBMRegressor(**LIGHT), X, y, categorical_feature=[0, 1])
    backends = dict(assert_frames_agree(model, X))
    assert set(backends.values()) == {"torch"}


HISTOGRAM = {"max_iter": 5, "max_leaf_nodes": 9, "min_samples_leaf": 3, "early_stopping": False}


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n_codes=st.sampled_from([2, 3, 9, 40, 200]),
    features=st.sampled_from([[0, 1], [1], [True, False, False, True], [0, 1, 2, 3]]),
    missing=st.sampled_from([0.0, 0.2]),
    leaves=st.sampled_from([9, 90]),
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_histogram_codes_in_arrays(dtype, seed, n_codes, features, missing, leaves):
    X, y = data(seed, n_codes, missing=missing)
    if features == [0, 1, 2, 3]:
        X[:, 2] = np.round(X[:, 2])
    params = HISTOGRAM | {"categorical_features": features, "max_leaf_nodes": leaves}
    model = fitted_quietly(HistGradientBoostingRegressor(**params), X.astype(dtype), y)
    if n_codes in (3, 9) and features != [1]:  # enough rows of each
        assume(any(p.nodes["is_categorical"].any() for (p,) in model._predictors))
    fast = TensorAccelerated(model, device="cpu")
    # Infinities are no categories to its encoder, which raises.
    odd = [v for v in ODD if abs(v) < 1e30 or v != v]
    rows = odd_rows(X, seed, odd).astype(dtype)
    for some in (rows, rows[:3], np.asfortranarray(rows)):
        assert_agree(fast, model, some)
    assert_compiled(fast)
    rows[3, 1] = np.inf
    assert_agree(fast, model, rows)


def test_histogram_pandas_categories():
    X, y = data(5, 8)
    known = (LETTERS, [3, 1, 2, 0])
    for params in (
        {"categorical_features": "from_dtype"},
        {"categorical_features": ["q"]},
        {"categorical_features": ["p", "q"]},
        {"categorical_features": ["q", "s"]},
    ):
        estimators = (
            HistGradientBoostingRegressor(**HISTOGRAM | params),
            HistGradientBoostingClassifier(**HISTOGRAM | params),
        )
        for estimator in estimators:
            target = y if isinstance(estimator, HistGradientBoostingRegressor) else y > 0
            rows = frame(X, known)
            if (
                "p" not in params["categorical_features"]
                and params["categorical_features"] != "from_dtype"
            ):
                rows["p"] = X[:, 0]
            model = fitted_quietly(estimator, rows, target)
            fast = TensorAccelerated(model, device="cpu")
            assert_agree(fast, model, rows)
            assert_compiled(fast)
            dict(assert_frames_agree(model, X))
            assert_agree(fast, model, rows[["s", "r", "q", "p"]])
            assert_agree(fast, model, rows.assign(extra=1.0))
            assert_agree(fast, model, rows.drop(columns="q"))
            assert_agree(fast, model, X[:, :3])


def test_histogram_strings_and_polars():
    X, y = data(6, 8)
    rows = np.array(X, object)
    rows[:, 0] = np.array([*LETTERS, None], object)[np.nan_to_num(X[:, 0], nan=8).astype(int)]
    params = HISTOGRAM | {"categorical_features": [0, 1]}
    model = fitted_quietly(HistGradientBoostingRegressor(**params), rows, y)
    fast = TensorAccelerated(model, device="cpu")
    other = rows.copy()
    other[::7, 0] = "unseen"
    assert_agree(fast, model, rows)
    assert_agree(fast, model, other)
    assert_compiled(fast)
    table = polars.DataFrame({"p": rows[:, 0].tolist(), "q": X[:, 1], "r": X[:, 2], "s": X[:, 3]})
    table = table.with_columns(polars.col("p").cast(polars.Categorical))
    params = HISTOGRAM | {"categorical_features": [0]}
    model = fitted_quietly(HistGradientBoostingRegressor(**params), table, y)
    fast = TensorAccelerated(model, device="cpu")
    for some in (table, table[:1], table.select("s", "q", "p", "r")):
        assert_agree(fast, model, some)


XGB = {"n_estimators": 4, "max_depth": 4, "n_jobs": 1, "enable_categorical": True}


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n_codes=st.sampled_from([2, 3, 9, 40, 90]),
    params=st.sampled_from(
        [
            {},
            {"max_cat_to_onehot": 1},
            {"max_cat_to_onehot": 100},
            {"max_cat_threshold": 3, "max_depth": 9, "min_child_weight": 0},
            {"missing": 1.0},
            {"booster": "dart", "rate_drop": 0.5},
            {"num_parallel_tree": 2},
        ]
    ),
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_xgboost_codes_in_arrays(dtype, seed, n_codes, params):
    X, y = data(seed, n_codes)
    estimator = XGBRegressor(**XGB | params, feature_types=["c", "c", "q", "q"])
    model = fitted_quietly(estimator, X, y)
    assume(re.search(rb'"categories":\[\d', model.get_booster().save_raw("json")))
    fast = TensorAccelerated(model, device="cpu")
    with np.errstate(over="ignore"):
        rows = odd_rows(X, seed, ODD).astype(dtype)
    for some in (rows, rows[:3], np.asfortranarray(rows)):
        assert_agree(fast, model, some)
        assert_agree(fast, model, some, "apply")
        assert_agree(fast, model, np.where(np.isinf(some), 1.5, some), "apply")
    assert_compiled(fast)
    assert_compiled(fast, "apply")


def test_xgboost_pandas_categories():
    X, y = data(3, 8)
    for estimator in (XGBRegressor(**XGB), XGBClassifier(**XGB)):
        target = y if isinstance(estimator, XGBRegressor) else y > 0
        rows = frame(X, (LETTERS, [3, 1, 2, 0]))
        model = fitted_quietly(estimator, rows, target)
        fast = TensorAccelerated(model, device="cpu")
        assert_agree(fast, model, rows)
        assert_compiled(fast)
        assert_agree(fast, model, rows, "apply")
        if DMATRIX_OF_CATEGORIES:  # before, an error
            assert_compiled(fast, "apply")
        backends = dict(assert_frames_agree(model, X))
        assert backends["reversed"] == backends["array"] == "torch"
        assert_agree(fast, model, rows.assign(p=X[:, 0], q=X[:, 1]))
        text = rows.assign(p=rows["p"].cat.rename_categories(lambda c: c * 3 + "\u00e4"))
        assert_agree(fast, model, text)
        again = fitted_quietly(estimator, text, target)
        assert_agree(TensorAccelerated(again, device="cpu"), again, text)
        assert_agree(TensorAccelerated(again, device="cpu"), again, rows)


def test_xgboost_takes_categories_for_their_codes_where_arrays_were_fitted():
    X, y = data(4, 8)
    estimator = XGBRegressor(**XGB, feature_types=["c", "c", "q", "q"])
    model = fitted_quietly(estimator, X, y)
    dict(assert_frames_agree(model, X))


def made_frame(draw, letters, numbers):
    """A frame whose cells are any of some categories, in any order and among any others."""
    n = draw(st.integers(1, 12))
    table = {}
    for name, pool in (("p", letters), ("q", numbers)):
        known = draw(st.lists(st.sampled_from(pool), unique=True, min_size=1, max_size=len(pool)))
        cells = draw(st.lists(st.sampled_from([*known, None]), min_size=n, max_size=n))
        ordered = draw(st.booleans())
        table[name] = pd.Categorical(cells, categories=known, ordered=ordered)
    numbers = st.sampled_from([-1.0, -0.0, 0.3, 1e-36, np.nan])
    table["r"] = np.array(draw(st.lists(numbers, min_size=n, max_size=n)))
    table["s"] = draw(st.sampled_from([1, 0.5, True, np.float32(-1), np.nan]))
    return pd.DataFrame(table)


FITTED = frame(data(7, 8)[0], (LETTERS, [3, 1, 2, 0]))
TARGET = data(7, 8)[1]
OF_FRAMES = {
    "lightgbm": fitted_quietly(LGBMRegressor(**LIGHT), FITTED, TARGET),
    "xgboost": fitted_quietly(XGBRegressor(**XGB), FITTED, TARGET),
    "histogram": fitted_quietly(
        HistGradientBoostingRegressor(**HISTOGRAM, categorical_features=["p", "q"]), FITTED, TARGET
    ),
}


@pytest.mark.parametrize("kind", OF_FRAMES)
@settings(max_examples=60, deadline=None)
@given(drawn=st.data())
def test_any_frame_of_categories(kind, drawn):
    strange = drawn.draw(st.booleans())
    letters = [*LETTERS, "other", "h "] if strange else LETTERS
    rows = made_frame(drawn.draw, letters, [0, 1, 2, 3, 9] if strange else [0, 1, 2, 3])
    model = OF_FRAMES[kind]
    fast = TensorAccelerated(model, device="cpu")
    assert_agree(fast, model, rows)
    if hasattr(model, "apply"):
        assert_agree(fast, model, rows, "apply")
    if not strange:
        assert_compiled(fast)


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingRegressor(**HISTOGRAM, categorical_features=["s"]),
        HistGradientBoostingRegressor(**HISTOGRAM, categorical_features=[0, 3]),
        LGBMRegressor(**LIGHT),
        XGBRegressor(**XGB),
    ],
)
def test_behind_a_step_that_makes_frames(model):
    X, y = data(8, 8, missing=0.0)
    table = pd.DataFrame(X, columns=list("pqrs"))
    scaler = MaxAbsScaler().set_output(transform="pandas")
    pipe = fitted_quietly(make_pipeline(scaler, model), table, y)
    fast = TensorAccelerated(pipe, device="cpu")
    assert_agree(fast, pipe, table)
    assert_agree(fast, pipe, table[:1])
    encoder = ColumnTransformer([("s", scaler, ["r", "s"])], remainder="passthrough")
    encoder.set_output(transform="pandas")
    whole = frame(X, (LETTERS, [3, 1, 2, 0]))
    if hasattr(model, "categorical_features"):
        model = clone(model).set_params(categorical_features="from_dtype")
    pipe = fitted_quietly(Pipeline([("columns", encoder), ("model", model)]), whole, y)
    fast = TensorAccelerated(pipe, device="cpu")
    for rows in (
        whole,
        whole[:1],
        whole.assign(p=whole["p"].cat.reorder_categories(LETTERS[::-1])),
    ):
        assert_agree(fast, pipe, rows)
