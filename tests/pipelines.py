"""Random pipelines for hypothesis, of the estimators in the case table and some nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from .cases import data as d
from .test_cases import CASES

# What takes long to fit, or fits many others.
SLOW = {
    *("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV"),
    *("RFECV", "RFE", "SequentialFeatureSelector", "LogisticRegressionCV", "TheilSenRegressor"),
    *("StackingClassifier", "StackingRegressor", "ARDRegression"),
}
DEPTH = 4


class Reversed(TransformerMixin, BaseEstimator):
    """Columns in reverse: no converter knows it, and it gives what it is given."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X[list(X.columns)[::-1]] if hasattr(X, "columns") else X[:, ::-1]


class Ranked(TransformerMixin, BaseEstimator):
    """Each value's rank among those fitted: no converter knows it, and it makes other numbers."""

    def fit(self, X, y=None):
        self.known_ = np.sort(np.asarray(X, dtype=float), axis=0)
        return self

    def transform(self, X):
        X = np.asarray(X, dtype=float)
        columns = zip(self.known_.T, X.T, strict=True)
        return np.column_stack([np.searchsorted(known, x) for known, x in columns])


def _of_the_table():
    """The estimators of the table that take its own numbers: those that transform, and the rest."""
    transforms, others = {}, []
    for row in CASES:
        case = row.values[0]
        if case.X is not None or case.fit_params or type(case.estimator).__name__ in SLOW:
            continue
        if hasattr(case.estimator, "transform") and not hasattr(case.estimator, "predict"):
            transforms[row.id] = case.estimator
        else:
            others.append((row.id, case))
    return transforms, others


TRANSFORMS, ENDINGS = _of_the_table()


@dataclass(frozen=True)
class Drawn:
    """A pipeline, and what to fit it on."""

    estimator: Any
    X: Any
    y: Any


def leaf():
    """One transformer, or none at all, now and then one that nobody knows."""
    names = st.sampled_from(sorted(TRANSFORMS))
    known = names.map(TRANSFORMS.__getitem__)
    odd = st.just("passthrough"), st.builds(Reversed), st.builds(Ranked), st.builds(as_frame, known)
    return st.one_of(known, known, known, known, *odd)


def as_frame(transformer):
    """The transformer set to return DataFrames, if it can be."""
    if not hasattr(transformer, "set_output"):
        return transformer
    return clone(transformer).set_output(transform="pandas")


def chain(inner):
    steps = st.lists(inner, min_size=1, max_size=3)
    return steps.map(lambda some: Pipeline([(f"s{i}", step) for i, step in enumerate(some)]))


@st.composite
def union(draw, inner):
    parts = draw(st.lists(inner, min_size=1, max_size=3))
    weights = draw(st.none() | st.just({"p0": 0.5}))
    return FeatureUnion([(f"p{i}", p) for i, p in enumerate(parts)], transformer_weights=weights)


@st.composite
def columns(draw, inner):
    """Some of the first two columns, which there nearly always are, to different transformers."""
    parts = draw(st.lists(inner, min_size=1, max_size=2))
    chosen = draw(st.sampled_from([[[0], [1]], [[1, 0], [0]], [slice(0, 2), [-1]]]))
    remainder = draw(st.sampled_from(["drop", "passthrough"]))
    named = [(f"c{i}", p, c) for i, (p, c) in enumerate(zip(parts, chosen, strict=False))]
    return ColumnTransformer(named, remainder=remainder)


def transformers(depth=DEPTH - 1):
    if depth == 0:
        return leaf()
    inner = transformers(depth - 1)
    return st.one_of(leaf(), chain(inner), union(inner), columns(inner))


def of_strings():
    """An encoder for the columns of strings of the frame."""
    return st.sampled_from(
        [
            OneHotEncoder(handle_unknown="ignore"),
            OneHotEncoder(sparse_output=False, drop="first"),
            OrdinalEncoder(),
            TargetEncoder(random_state=0, cv=3),
            "drop",
        ]
    )


@st.composite
def drawn(draw):
    """A pipeline on the table's numbers, or behind a ColumnTransformer on its frame."""
    front = draw(transformers())
    _, case = draw(st.sampled_from(ENDINGS))
    X, y = d.X, case.y
    if draw(st.booleans()):
        X = d.FRAME.drop(columns="b").assign(size=d.FRAME["size"].astype(object))
        encoder = draw(of_strings())
        front = ColumnTransformer(
            [("numbers", front, ["a", "n"]), ("strings", encoder, ["colour", "size"])],
            remainder=draw(st.sampled_from(["drop", "passthrough"])),
        )
    steps = [("front", front), ("end", case.estimator)]
    if draw(st.integers(0, 3)) == 0:  # a transformer alone
        steps = steps[:1]
    return Drawn(Pipeline(steps), X, y)


def probes(drawn):
    """Rows to answer: those fitted, one, float32 or another order, and some with what is odd."""
    X = drawn.X
    yield X
    yield X[3:4]
    if isinstance(X, np.ndarray):
        yield X.astype(np.float32)
        odd = X.copy()
        odd[::3, 1], odd[1::3, 0] = np.nan, np.inf
        yield odd
        for j in range(X.shape[1]):  # each alone: a step may have to refuse what no other reads
            odd = X[:4].copy()
            odd[2, j] = np.nan
            yield odd
        yield pd.DataFrame(X)
    else:
        yield X[list(X)[::-1]]
        yield X.assign(colour="violet", a=X["a"].where(X["n"] > 1))
