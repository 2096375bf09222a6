"""`verify`: it finds no difference where there is none, and every difference that is planted."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy import sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sktensor import Parity, TensorAccelerated
from sktensor import estimator as module
from sktensor.graph import walk
from sktensor.ops import Forest, Lookup, Take
from sktensor.parity.boundaries import made_rows
from sktensor.parity.tables import keys, numbers

from .cases import data as d
from .support import fitted_quietly
from .test_cases import CASES, _fitted

RNG = np.random.default_rng(0)
MIXED = make_pipeline(
    make_column_transformer(
        (StandardScaler(), ["a", "n"]),
        (OneHotEncoder(handle_unknown="ignore"), ["colour", "size"]),
    ),
    RandomForestClassifier(10, random_state=0),
)


def fast(estimator, **params):
    return TensorAccelerated(estimator, device="cpu", **params)


def by_rows(parity, method):
    return {c.rows: c for c in parity.comparisons if c.method == method}


@pytest.mark.parametrize("case", CASES)
def test_no_case_differs(case):
    estimator, X = _fitted(case)
    parity = fast(estimator).verify(X, n_rows=200)
    assert parity, str(parity)
    assert not parity.worst


# --- differences, planted in what answers


def op_of(ours, method, X, kind):
    """An op of the program that answers."""
    getattr(ours, method)(X[:1])
    program = module._ENGINES[ours].program(method, X)
    return next(op for op in walk(program.root) if isinstance(op, kind))


@pytest.mark.parametrize("by", [np.inf, -np.inf])
@pytest.mark.parametrize("scaled", [False, True])
def test_a_threshold_off_by_one_bit_is_found(by, scaled):
    tree = DecisionTreeRegressor(max_depth=6, random_state=0)
    model = make_pipeline(PowerTransformer(), tree) if scaled else tree
    X = RNG.normal(size=(2000, 3))
    model.fit(X, X[:, 0] * X[:, 1])
    ours = fast(model)
    forest = op_of(ours, "predict", X, Forest)
    assert ours.verify(X)
    nodes = np.flatnonzero(forest.feature >= 0)
    limit = forest.threshold[nodes[5]]
    forest.threshold[nodes[5]] = np.nextafter(limit, limit.dtype.type(by))
    vars(forest).pop("_packed", None)  # pack it again, with the wrong threshold
    parity = ours.verify(X, n_rows=1000)
    found = by_rows(parity, "predict")
    assert not parity
    assert found["X"].within
    assert not found["thresholds"].within
    assert {w.rows for w in parity.worst} <= {"thresholds", "alone"}


def test_a_wrong_coefficient_is_found():
    model = LinearRegression().fit(d.X, d.Y_REAL)
    ours = fast(model)
    ours.predict(d.X)
    (stage,) = module._ENGINES[ours].program("predict", d.X).stages
    # The constant is the estimator's own array: another one takes its place.
    name = next(k for k, b in stage.named_buffers() if b.numel() == d.X.shape[1])
    setattr(stage, name, getattr(stage, name) * (1 + 1e-7))
    parity = ours.verify(d.X)
    (comparison,) = (c for c in parity.comparisons if c.rows == "X")
    assert not parity
    assert 1e-10 < comparison.relative < 1e-6
    assert comparison.flips == 0
    assert len(comparison.worst) == 5


def test_swapped_labels_are_flips():
    model = RandomForestClassifier(5, random_state=0).fit(d.X, d.Y_TEXT)
    ours = fast(model)
    take = op_of(ours, "predict", d.X, Take)
    take.values[:2] = take.values[1::-1].copy()
    model.classes_ = np.unique(d.Y_TEXT)  # the estimator's own stay what they were
    fresh = fast(model)
    assert fresh.verify(d.X)
    module._ENGINES[ours]._snapshot = module._ENGINES[fresh]._snapshot
    parity = ours.verify(d.X)
    (comparison,) = (c for c in parity.comparisons if (c.rows, c.method) == ("X", "predict"))
    assert comparison.flips == np.isin(model.predict(d.X), take.values[:2]).sum() > 0
    assert all(w.ours != w.native for w in parity.worst)


def test_a_mixed_up_category_is_found():
    # No row given has the last category: only a row made for the purpose can tell.
    model = OrdinalEncoder(categories=[["green", "red", "blue", "sea green", "gold"]])
    X = d.FRAME[["colour"]]
    ours = fast(model.fit(X))
    lookup = op_of(ours, "transform", X, Lookup)
    assert ours.verify(X)
    finder = lookup._finders[0]
    finder.by_hash["gold"] = 0
    finder._strings[0][4] = 0
    parity = ours.verify(X)
    found = by_rows(parity, "transform")
    assert found["X"].within
    assert not found["categories"].within
    assert {w.x for w in parity.worst} == {("gold",)}


def test_a_program_that_fails_is_a_difference(monkeypatch):
    ours = fast(LogisticRegression().fit(d.X, d.Y_BINARY))
    ours.predict_proba(d.X)
    program = module._ENGINES[ours].program("predict_proba", d.X)

    def broken(X):
        raise ZeroDivisionError("broken")

    monkeypatch.setattr(type(program), "__call__", lambda self, X: broken(X))
    parity = ours.verify(d.X)
    assert not parity
    assert "the program failed: ZeroDivisionError" in str(parity)


def test_an_answer_of_another_kind_is_a_difference(monkeypatch):
    ours = fast(StandardScaler().fit(d.X))
    ours.transform(d.X)
    program = module._ENGINES[ours].program("transform", d.X)
    honest = type(program).__call__
    monkeypatch.setattr(
        type(program), "__call__", lambda self, X: honest(self, X).astype(np.float32)
    )
    assert "float32" in by_rows(ours.verify(d.X), "transform")["X"].note


def test_a_category_in_the_wrong_set_is_found():
    X = np.column_stack([d.CODES[:, 0], d.X[:, 0]])
    model = HistGradientBoostingRegressor(categorical_features=[0], max_iter=3, max_leaf_nodes=3)
    model.fit(X, np.where(X[:, 0] == 2, 5.0, X[:, 0]))
    ours = fast(model)
    forest = op_of(ours, "predict", X, Forest)
    assert ours.verify(X)
    begin, size, words = forest.sets
    words[begin[size.argmax()]] ^= 0b100
    vars(forest).pop("_packed", None)
    seen = X[X[:, 0] != 2]  # no row given has the category
    parity = ours.verify(seen)
    assert not parity
    assert by_rows(parity, "predict")["X"].within
    assert not by_rows(parity, "predict")["categories"].within


def test_an_error_for_single_rows_is_found(monkeypatch):
    ours = fast(LogisticRegression().fit(d.X, d.Y_BINARY))
    ours.predict_proba(d.X)
    (stage,) = module._ENGINES[ours].program("predict_proba", d.X).stages
    monkeypatch.setattr(stage, "few", lambda inputs: [np.full((len(inputs[0]), 2), 0.5)])
    parity = ours.verify(d.X)
    assert by_rows(parity, "predict_proba")["X"].within
    assert not by_rows(parity, "predict_proba")["alone"].within


# --- the rows that are made


def rows_of(model, X, n_rows=10_000):
    ours = fast(model)
    method = "predict" if hasattr(model, "predict") else "transform"
    root = getattr(ours, method)(X) is not None and module._ENGINES[ours].program(method, X).root
    return {r.name: r.table for r in made_rows([root], X, n_rows, np.random.default_rng(0))}


def test_both_neighbours_of_every_threshold_are_tried():
    X = RNG.normal(size=(300, 3))
    tree = DecisionTreeClassifier(random_state=0).fit(X, X[:, 0] * X[:, 1] > 0)
    made = rows_of(tree, X)["thresholds"]
    inner = tree.tree_.feature >= 0
    for j, t in zip(tree.tree_.feature[inner], tree.tree_.threshold[inner], strict=True):
        # A tree reads float32: the threshold is where two of those part.
        seen = np.unique(made[:, j].astype(np.float32))
        left = seen[seen.astype(np.float64) <= t].max()
        assert np.nextafter(left, np.float32(np.inf)) in seen
        assert float(left) <= t < float(np.nextafter(left, np.float32(np.inf)))


def test_thresholds_are_found_through_what_lies_before():
    X = np.exp(RNG.normal(size=(300, 2)))
    model = make_pipeline(
        FunctionTransformer(np.log), StandardScaler(), KBinsDiscretizer(4, encode="ordinal")
    )
    model = fitted_quietly(model, X)
    made = rows_of(model, X)["thresholds"]
    for j, edges in enumerate(model[-1].bin_edges_):
        values = model[:-1].transform(made)[:, j]
        for edge in edges[1:-1]:
            assert (values < edge).any()
            below, above = values[values < edge].max(), values[values >= edge].min()
            assert above - below < 1e-14


def test_every_category_is_tried_and_one_never_seen():
    made = rows_of(MIXED.fit(d.FRAME, d.Y_BINARY), d.FRAME)["categories"]
    assert set(made["colour"]) >= {*d.COLOURS, "a category never seen"}
    assert made["colour"].isna().any()
    assert "a category never seen" in set(made["size"])
    assert list(made.dtypes.drop("size")) == list(d.FRAME.dtypes.drop("size"))


def test_missing_values_are_tried():
    model = HistGradientBoostingClassifier(max_iter=3).fit(d.X_NAN, d.Y_BINARY)
    made = rows_of(model, np.nan_to_num(d.X_NAN))["missing"]
    assert np.isnan(made).any(axis=0).all()
    assert np.isinf(made).any(axis=0).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_keys_of_neighbours_are_one_apart(dtype):
    values = np.array([-np.inf, -1.0, -1e-300, -0.0, 0.0, 1e-40, 0.5, np.pi, np.inf], dtype)
    assert (np.diff(keys(values)) >= 0).all()
    assert (numbers(keys(values), np.dtype(dtype)) == values).all()
    inner = values[1:-1]
    above = np.nextafter(inner, dtype(np.inf))
    assert (keys(above) - keys(inner) == 1).all()


def test_keys_of_integers_are_themselves():
    values = np.array([-128, 0, 127], np.int8)
    assert keys(values).tolist() == [-128, 0, 127]
    assert numbers(np.array([-200, 5, 200]), np.dtype(np.int8)).tolist() == [-128, 5, 127]


# --- whatever is given


CONTAINERS = {
    "float32": d.X.astype(np.float32),
    "integers": np.round(d.X).astype(np.int32),
    "objects": d.X.astype(object),
    "Fortran": np.asfortranarray(d.X),
    "pandas": pd.DataFrame(d.X),
    "polars": pl.DataFrame(d.X),
    "tensor": torch.from_numpy(d.X),
    "list": d.X.tolist(),
    "sparse": sp.csr_array(np.where(d.X > 1, d.X, 0)),
    "one row": d.X[:1],
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("model", [RandomForestClassifier(5), KBinsDiscretizer()], ids=str)
def test_any_container_can_be_verified(container, model):
    X = CONTAINERS[container]
    if container == "sparse" and isinstance(model, KBinsDiscretizer):
        model = StandardScaler(with_mean=False)
    model = fitted_quietly(model, d.X, d.Y_TEXT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parity = fast(model).verify(X)
    assert parity, str(parity)
    assert {c.method for c in parity.comparisons} >= {"transform"} or hasattr(model, "predict")


def test_frames_and_strings_can_be_verified():
    parity = fast(MIXED.fit(d.FRAME, d.Y_BINARY)).verify(d.FRAME)
    assert parity, str(parity)
    kinds = {"X", "thresholds", "categories", "missing", "alone"}
    assert {c.rows for c in parity.comparisons} == kinds
    words = pl.DataFrame(d.STRINGS, schema=["a", "b"], orient="row")
    for table in (d.STRINGS, d.STRINGS.astype(str), words):
        parity = fast(OneHotEncoder().fit(table)).verify(table)
        assert parity, str(parity)
        assert {c.rows for c in parity.comparisons} == kinds - {"thresholds"}


class Odd(ClassifierMixin, BaseEstimator):
    """A classifier that no converter knows, and that says something else each time."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.random.default_rng().choice(self.classes_, len(X))


def test_what_runs_natively_is_said_and_not_asked_twice():
    parity = fast(Odd().fit(d.X, d.Y_TEXT)).verify(d.X)
    (comparison,) = parity.comparisons
    assert parity
    assert (comparison.compared, comparison.note) == (0, "native: no converter")
    for fallback in ("native", "raise"):
        neighbours = KNeighborsClassifier(p=1).fit(d.X, d.Y_TEXT)
        assert "native" in str(fast(neighbours, fallback=fallback).verify(d.X))


class Reversed(TransformerMixin, BaseEstimator):
    """A transformer that no converter knows."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.asarray(X)[:, ::-1]


def test_a_native_step_in_front_is_walked_through_by_its_rows():
    model = make_pipeline(Reversed(), RandomForestClassifier(5, random_state=0))
    parity = fast(model.fit(d.X, d.Y_TEXT)).verify(d.X)
    assert parity
    assert by_rows(parity, "predict")["X"].compiled == len(d.X)


def test_rows_are_sampled_and_seeded():
    X = RNG.normal(size=(5000, 4))
    ours = fast(RandomForestClassifier(20, random_state=0).fit(X, X[:, 0] * X[:, 1] > 0))
    parity = ours.verify(X, n_rows=100)
    assert all(c.compared <= 100 for c in parity.comparisons)
    assert parity == ours.verify(X, n_rows=100)
    assert set(by_rows(parity, "predict")) == {"X", "thresholds", "missing", "alone"}


def test_rows_that_are_refused_raise_the_native_error():
    model = LogisticRegression().fit(d.X, d.Y_BINARY)
    with pytest.raises(ValueError, match="contains NaN"):
        fast(model).verify(d.X_NAN)
    with pytest.raises(ValueError, match="at least one row"):
        fast(model).verify(d.X[:0])
    with pytest.raises(NotFittedError):
        fast(LogisticRegression()).verify(d.X)


def test_verifying_leaves_no_trace():
    ours = fast(RandomForestClassifier(5, random_state=0).fit(d.X, d.Y_TEXT))
    before, X = dict(vars(ours)), d.X.copy()
    ours.verify(X)
    assert vars(ours) == before
    assert (X == d.X).all()


def test_a_parity_is_a_table():
    parity = fast(MIXED.fit(d.FRAME, d.Y_BINARY)).verify(d.FRAME)
    assert isinstance(parity, Parity)
    text = str(parity)
    assert text.startswith("Pipeline on cpu: all within tolerance")
    assert re.search(r"^predict_proba +thresholds +[\d,]+ ", text, re.MULTILINE)
    assert "<table>" in parity._repr_html_()
    frame = parity.to_frame()
    assert len(frame) == len(parity.comparisons)
    assert frame["within"].all()
