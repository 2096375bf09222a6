"""Pipelines of imbalanced-learn as their users have them: a table, a resampler, a model."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from imblearn.ensemble import BalancedBaggingClassifier, BalancedRandomForestClassifier
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline as plain_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sktensor import TensorAccelerated
from sktensor.converters.imblearn import balanced_random_forest
from sktensor.converters.registry import Unsupported
from sktensor.ops import Input

from .support import assert_answers_alike, assert_same

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(400, 3)), columns=["a", "b", "c"])
FRAME.loc[::9, "b"] = np.nan
FRAME["kind"] = RNG.choice(["u", "v", "w"], 400)
Y = np.where(FRAME["a"] + RNG.normal(size=400) > 1.5, "rare", "usual")


def front():
    numbers = plain_pipeline(SimpleImputer(), StandardScaler())
    return make_column_transformer(
        (numbers, ["a", "b", "c"]), (OneHotEncoder(handle_unknown="ignore"), ["kind"])
    )


def resampled(model):
    return make_pipeline(front(), SMOTE(random_state=0), model)


MODELS = [
    LogisticRegression(),
    RandomForestClassifier(5, random_state=0),
    BalancedRandomForestClassifier(
        5, sampling_strategy="all", replacement=True, bootstrap=False, random_state=0
    ),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_a_table_is_answered_and_resamplers_are_passed_over(model):
    native = resampled(model).fit(FRAME, Y)
    ours = assert_answers_alike(native, FRAME[::-1])
    assert_answers_alike(native, FRAME[["kind", "c", "b", "a"]].assign(more=1).head(3))
    listed = [step.name for step in ours.explain("predict").steps]
    assert listed[-1] == type(model).__name__.lower()
    assert not any("smote" in name for name in listed)


def test_it_is_fitted_searched_scored_and_pickled_as_any():
    ours = TensorAccelerated(resampled(LogisticRegression()), device="cpu")
    search = GridSearchCV(ours, {"estimator__logisticregression__C": [0.1, 10.0]}, cv=3)
    plain = GridSearchCV(resampled(LogisticRegression()), {"logisticregression__C": [0.1, 10.0]})
    plain.set_params(cv=3)
    search.fit(FRAME, Y)
    plain.fit(FRAME, Y)
    scores = "mean_test_score"
    assert_same(search.cv_results_[scores], plain.cv_results_[scores])
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    assert_same(again.predict_proba(FRAME), plain.predict_proba(FRAME))


def test_a_score_asks_the_program(monkeypatch):
    native = resampled(LogisticRegression()).fit(FRAME, Y)
    ours, expected = TensorAccelerated(native, device="cpu"), native.score(FRAME, Y)
    monkeypatch.setattr(type(native), "score", None)
    assert ours.score(FRAME, Y) == expected


def test_a_notebook_draws_every_step():
    native = resampled(LogisticRegression()).fit(FRAME, Y)
    ours = TensorAccelerated(native, device="cpu")
    ours.predict(FRAME)
    html = ours.explain()._repr_html_()
    assert all(name in html for name in ("SMOTE", "OneHotEncoder", "LogisticRegression"))


def test_members_that_do_more_than_resample_are_asked_as_they_are():
    X = FRAME[["a", "c"]].to_numpy()
    member = make_pipeline(StandardScaler(), RandomOverSampler(), DecisionTreeClassifier())
    native = BalancedBaggingClassifier(member, n_estimators=3, random_state=0).fit(X, Y)
    assert_answers_alike(native, X, native=("predict_log_proba",))


def test_committees_with_methods_of_their_own_run_natively(monkeypatch):
    def own(self, X):
        return np.zeros((len(X), 2))

    X = FRAME[["a", "c"]].to_numpy()
    forest = MODELS[2].fit(X, Y)
    monkeypatch.setattr(BalancedRandomForestClassifier, "predict_proba", own, raising=False)
    with pytest.raises(Unsupported, match="predict_proba of its own"):
        balanced_random_forest(forest, Input(None))
    assert_answers_alike(forest, X, compiled=False)
