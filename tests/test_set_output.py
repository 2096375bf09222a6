"""Steps that are set to return DataFrames, before, behind and within others that are not."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import VarianceThreshold
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, PolynomialFeatures

from sktensor import TensorAccelerated, engine

from .cases import data as d
from .pipelines import TRANSFORMS
from .support import assert_answers_alike, assert_same

FRAME = pd.DataFrame(d.X, columns=list("abcdef"))
KEEPS_ALL = VarianceThreshold()
NATIVE = KNeighborsClassifier(p=1)


def pandas(transformer):
    return clone(transformer).set_output(transform="pandas")


PLACES = {
    "alone": lambda step: pandas(step),
    "first": lambda step: make_pipeline(pandas(step), KEEPS_ALL),
    "last": lambda step: make_pipeline(MinMaxScaler(), pandas(step)),
    "all": lambda step: pandas(make_pipeline(KEEPS_ALL, step)),
}


def check(estimator, X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            estimator = clone(estimator).fit(X, d.Y_BINARY)
        except ValueError:  # a step cannot do with the columns
            return
        assert_answers_alike(estimator, X, compiled=False)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", TRANSFORMS)
def test_any_transformer_in_any_place(name, place):
    if not hasattr(TRANSFORMS[name], "set_output"):
        return
    check(PLACES[place](TRANSFORMS[name]), d.X)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
@pytest.mark.parametrize("X", [d.X, FRAME], ids=["array", "frame"])
def test_what_keeps_every_column_names_them(X, kind):
    check(VarianceThreshold().set_output(transform=kind), X)
    check(make_pipeline(MinMaxScaler(), VarianceThreshold().set_output(transform=kind)), X)
    with sklearn.config_context(transform_output=kind):
        check(VarianceThreshold(), X)


@pytest.mark.parametrize("X", [d.X, FRAME], ids=["array", "frame"])
def test_what_reads_a_frame_made_on_the_way_returns_an_array(X):
    for last in (KEEPS_ALL, FunctionTransformer(validate=True), FunctionTransformer(np.exp)):
        check(make_pipeline(pandas(MinMaxScaler()), last), X)
    check(make_union(pandas(MinMaxScaler()), KEEPS_ALL), X)
    check(make_column_transformer((pandas(MinMaxScaler()), [1, 0])), X)


MEMBERS = {  # which read what the committee makes of its rows: an array, or the very frame
    "one_vs_one": OneVsOneClassifier(GaussianNB()),
    "one_vs_rest": OneVsRestClassifier(NATIVE),
    "bagging": BaggingClassifier(NATIVE, n_estimators=2, random_state=0),
    "voting": VotingClassifier([("k", NATIVE)]),
    "stacking": StackingClassifier([("k", NATIVE)]),
    "ada_boost": AdaBoostClassifier(GaussianNB(), n_estimators=2),
}


@pytest.mark.parametrize("y", [d.Y_BINARY, d.Y_MULTI], ids=["two", "four"])
@pytest.mark.parametrize("committee", MEMBERS)
def test_members_read_what_their_committee_hands_on(committee, y):
    native = make_pipeline(pandas(PCA()), MEMBERS[committee]).fit(d.X, y)
    assert_answers_alike(native, d.X, compiled=False)


def test_frames_put_side_by_side_for_a_native_step():
    for front in (make_column_transformer((pandas(PCA()), [1, 0])), make_union(pandas(PCA()))):
        native = make_pipeline(front, NATIVE).fit(d.X, d.Y_BINARY)
        assert_answers_alike(native, d.X, compiled=False)


def test_names_of_columns_that_are_left_out_later_are_none_of_the_answers():
    steps = pandas(PolynomialFeatures()), VarianceThreshold()  # which drops the ones
    native = make_pipeline(*steps).fit(d.X)
    assert_answers_alike(native, d.X)


def test_columns_without_names_are_said_to_be_so():
    union = pandas(make_union(FunctionTransformer(validate=True), KEEPS_ALL))
    check(union, d.X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = TensorAccelerated(union.fit(d.X), device="cpu")
        ours.transform(d.X)
    (step,) = ours.explain("transform").steps
    assert step.reason == "columns that it has no names for"


class Renamed(TransformerMixin, BaseEstimator):
    """A frame of which it cannot say beforehand how its columns are called."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        columns = [f"{name}!" for name in getattr(X, "columns", range(X.shape[1]))]
        return pd.DataFrame(np.asarray(X), columns=columns)


@pytest.mark.parametrize("put", [make_union, lambda step: make_column_transformer((step, [0, 1]))])
def test_names_that_the_last_answer_had_are_not_those_of_the_next(put):
    others = FRAME.rename(columns=str.upper)
    with sklearn.config_context(transform_output="pandas"):
        for X in (d.X, FRAME, others):
            ours = TensorAccelerated(put(Renamed()).fit(d.X), device="cpu")
            assert_same(ours.transform(X), put(Renamed()).fit(d.X).transform(X))


def test_a_native_step_that_notes_its_names_is_compiled_once(monkeypatch):
    built, build = [], engine.build
    monkeypatch.setattr(engine, "build", lambda *args: built.append(1) or build(*args))
    with sklearn.config_context(transform_output="pandas"):
        native = make_pipeline(make_union(Renamed()), VarianceThreshold()).fit(d.X)
        ours = TensorAccelerated(native, device="cpu")
        for _ in range(4):
            assert_same(ours.transform(d.X), native.transform(d.X))
    assert len(built) == 1
