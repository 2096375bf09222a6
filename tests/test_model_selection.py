"""Inside scikit-learn's own tools, a wrapped pipeline gives what the pipeline gives."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.inspection import (
    DecisionBoundaryDisplay,
    partial_dependence,
    permutation_importance,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sktensor import TensorAccelerated

from .cases import data as d
from .support import assert_same

matplotlib.use("Agg")

PIPE = make_pipeline(StandardScaler(), LogisticRegression())
FOREST = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=7, random_state=0))


def wrapped(estimator):
    return TensorAccelerated(estimator, device="cpu")


def scores_of(search):
    results = search.cv_results_
    return {k: v for k, v in results.items() if k.endswith("score") or "test_score" in k}


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(
    "search",
    [
        lambda est, prefix, n_jobs: GridSearchCV(
            est, {f"{prefix}logisticregression__C": [0.1, 1.0, 10.0]}, cv=3, n_jobs=n_jobs
        ),
        lambda est, prefix, n_jobs: RandomizedSearchCV(
            est,
            {f"{prefix}logisticregression__C": [0.1, 1.0, 10.0]},
            n_iter=2,
            cv=3,
            n_jobs=n_jobs,
            random_state=0,
            scoring="neg_log_loss",
        ),
    ],
    ids=["grid", "randomized"],
)
def test_searches_score_alike(search, n_jobs):
    native = search(PIPE, "", n_jobs).fit(d.X, d.Y_MULTI)
    ours = search(wrapped(PIPE), "estimator__", n_jobs).fit(d.X, d.Y_MULTI)
    for key, values in scores_of(native).items():
        assert_same(scores_of(ours)[key], values)
    assert ours.best_index_ == native.best_index_
    assert_same(ours.predict(d.X), native.predict(d.X))


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_cross_val_predict(method):
    ours, native = (
        cross_val_predict(est, d.X, d.Y_TEXT, cv=3, method=method) for est in (wrapped(PIPE), PIPE)
    )
    assert_same(ours, native)


def test_cross_val_score():
    ours, native = (cross_val_score(e, d.X, d.Y_REAL, cv=4) for e in (wrapped(Ridge()), Ridge()))
    assert_same(ours, native)


@pytest.mark.parametrize(
    "around",
    [
        lambda est: CalibratedClassifierCV(est, cv=3),
        lambda est: StackingClassifier([("a", est), ("b", FOREST)], cv=3),
        lambda est: VotingClassifier([("a", est), ("b", FOREST)], voting="soft"),
        lambda est: make_pipeline(PolynomialFeatures(2), est),
    ],
    ids=["calibrated", "stacking", "voting", "pipeline"],
)
def test_within_other_estimators(around):
    native = around(PIPE).fit(d.X, d.Y_MULTI)
    ours = around(wrapped(PIPE)).fit(d.X, d.Y_MULTI)
    for method in ("predict", "predict_proba"):
        assert_same(getattr(ours, method)(d.X), getattr(native, method)(d.X))
    both = wrapped(clone(around(wrapped(PIPE)))).fit(d.X, d.Y_MULTI)
    assert_same(both.predict_proba(d.X), native.predict_proba(d.X))


def test_as_a_transformer_in_a_pipeline():
    native = make_pipeline(StandardScaler(), Ridge()).fit(d.X, d.Y_REAL)
    ours = make_pipeline(wrapped(StandardScaler()), Ridge()).fit(d.X, d.Y_REAL)
    assert_same(ours.predict(d.X), native.predict(d.X))


def test_inspection():
    native = FOREST.fit(d.X, d.Y_BINARY)
    ours = wrapped(native)
    importances = [
        permutation_importance(est, d.X, d.Y_BINARY, n_repeats=3, random_state=0).importances
        for est in (ours, native)
    ]
    assert_same(*importances)
    averages = [
        partial_dependence(est, d.X, [0, 1], grid_resolution=5)["average"] for est in (ours, native)
    ]
    assert_same(*averages)


def test_learning_curve():
    sizes = [0.5, 1.0]
    ours, native = (
        learning_curve(est, d.X, d.Y_MULTI, train_sizes=sizes, cv=3)
        for est in (wrapped(PIPE), PIPE)
    )
    for a, b in zip(ours, native, strict=True):
        assert_same(a, b)


def test_decision_boundary_display():
    X = d.X[:, :2]
    native = clone(PIPE).fit(X, d.Y_BINARY)
    shown = [
        DecisionBoundaryDisplay.from_estimator(est, X, response_method="predict_proba")
        for est in (wrapped(native), native)
    ]
    assert_same(*(np.asarray(display.response) for display in shown))
    matplotlib.pyplot.close("all")
