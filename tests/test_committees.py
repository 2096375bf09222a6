"""Committees: members in float32, members that tie, contradict each other or know few classes."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sktensor import TensorAccelerated

from .cases import data as d
from .support import assert_answers_alike, fitted_quietly

FEW = {"n_estimators": 4, "random_state": 0}
VOTERS = [
    ("lr", LogisticRegression()),
    ("nb", GaussianNB()),
    ("tree", DecisionTreeClassifier(max_depth=3)),
]
AVERAGED = [
    ("ridge", Ridge()),
    ("line", LinearRegression()),
    ("tree", DecisionTreeRegressor(max_depth=3)),
]


@pytest.mark.parametrize(
    "estimator",
    [
        VotingClassifier(VOTERS, voting="soft"),
        VotingClassifier(VOTERS, voting="soft", weights=np.array([1, 2, 0.3], np.float32)),
        VotingClassifier(VOTERS, weights=[1, 2, 2]),
        VotingRegressor(AVERAGED),
        VotingRegressor(AVERAGED[:2], weights=[3, 1]),
        BaggingClassifier(LogisticRegression(), **FEW),
        BaggingClassifier(GaussianNB(), **FEW, max_samples=5),
        BaggingRegressor(Ridge(), **FEW),
        StackingClassifier(VOTERS, cv=2, final_estimator=RandomForestClassifier(**FEW)),
        StackingRegressor(AVERAGED, cv=2),
        GradientBoostingClassifier(**FEW, init=GaussianNB()),
        GradientBoostingClassifier(**FEW, init=LogisticRegression()),
        GradientBoostingRegressor(**FEW, init=Ridge()),
        AdaBoostClassifier(LogisticRegression(), **FEW),
        AdaBoostRegressor(Ridge(), **FEW),
    ],
    ids=lambda e: type(e).__name__,
)
@pytest.mark.parametrize("y", [d.Y_BINARY, d.Y_MULTI], ids=["two", "many"])
def test_members_fitted_on_float32(estimator, y):
    """A committee answers in float64 even where its members do not."""
    X = d.X.astype(np.float32)
    fitted = fitted_quietly(estimator, X, y)
    for rows in (X, d.X, np.asfortranarray(X), X[:1], X[::-3]):
        assert_answers_alike(fitted, rows, compiled=False)


@pytest.mark.parametrize(
    ("estimator", "compiled"),
    [
        (VotingClassifier(VOTERS, voting="soft"), True),
        (VotingRegressor(AVERAGED), True),
        (StackingClassifier(VOTERS, cv=2), False),
        (StackingRegressor(AVERAGED, cv=2), False),
    ],
    ids=str,
)
def test_committees_set_to_give_frames(estimator, compiled):
    """A final estimator then warns of the names it is given."""
    fitted = fitted_quietly(estimator, d.X, d.Y_BINARY).set_output(transform="pandas")
    assert_answers_alike(fitted, d.X, compiled=compiled)


def test_members_fitted_before():
    """A member may know fewer classes than the committee, and keeps both their columns."""
    members = [
        ("two", fitted_quietly(LogisticRegression(), d.X, d.Y_BINARY)),
        ("four", DecisionTreeClassifier(max_depth=2).fit(d.X, d.Y_MULTI)),
    ]
    for method, y in product(["auto", "predict"], [d.Y_MULTI, d.Y_BINARY]):
        stack = StackingClassifier(
            members, DecisionTreeClassifier(), cv="prefit", stack_method=method
        )
        assert_answers_alike(stack.fit(d.X, y), d.X)


def test_members_that_tie():
    """Equal shares go to the first class, and only members exact to the bit may be trusted."""
    y = np.arange(d.N) % 2
    trees = [("a", DecisionTreeClassifier(max_depth=1)), ("b", DecisionTreeClassifier())]
    for estimator in (
        VotingClassifier(trees, voting="soft"),
        VotingClassifier(trees),
        BaggingClassifier(**FEW),
        BaggingClassifier(GaussianNB(), **FEW),
    ):
        fitted = fitted_quietly(estimator, np.round(d.X[:, :2] / 4), y)
        assert_answers_alike(fitted, np.round(d.X[:, :2] / 4), compiled=False)


@pytest.mark.parametrize("scale", [1.0, 5.0])
def test_members_that_contradict_each_other(scale):
    """Their mean is one half but for the last bits of two probabilities, which decide."""
    members = [(name, LogisticRegression()) for name in "ab"]
    fitted = fitted_quietly(VotingClassifier(members, voting="soft"), d.X, d.Y_BINARY)
    one, other = fitted.estimators_
    one.coef_, one.intercept_ = one.coef_ * scale, one.intercept_ * scale
    other.coef_, other.intercept_ = -one.coef_, -one.intercept_
    rows = np.random.default_rng(0).normal(0, 1, (3000, d.X.shape[1]))
    assert len(np.unique(fitted.predict(rows))) == 2
    assert_answers_alike(fitted, rows, methods=("predict",), compiled=False)


def test_a_member_that_knows_some_classes():
    fitted = fitted_quietly(BaggingClassifier(**FEW), d.X, d.Y_MULTI)
    some = d.Y_MULTI % 2 == 1
    fitted.estimators_[1] = DecisionTreeClassifier(max_depth=2).fit(d.X[some], d.Y_MULTI[some])
    assert_answers_alike(fitted, d.X, methods=("predict", "predict_proba"), exact=True)


def test_a_start_that_is_next_to_certain():
    """The logit of a probability next to 1 has the digits that its last bits leave it."""
    estimator = GradientBoostingClassifier(**FEW, init=GaussianNB())
    fitted = fitted_quietly(estimator, d.X, d.Y_BINARY)
    for name in ("theta_", "var_", "class_prior_"):
        setattr(fitted.init_, name, getattr(fitted.init_, name).astype(np.float64))
    fitted.init_.var_ *= 0.2
    likely = fitted.init_.predict_proba(d.X.astype(np.float32)).max(axis=1)
    assert ((likely > 1 - 1e-7) & (likely < 1)).any()
    assert_answers_alike(fitted, d.X, compiled=False)


def test_stages_that_cancel_what_they_are_added_to():
    """A margin of 0 is the second class, one next to it may be the first."""
    estimator = GradientBoostingClassifier(
        n_estimators=5, learning_rate=1.0, init=DecisionTreeClassifier(max_depth=4), random_state=0
    )
    fitted = fitted_quietly(estimator, d.X, np.random.default_rng(1).integers(0, 2, d.N))
    rows = d.X.astype(np.float32)
    leaves = np.random.default_rng(0).normal(0, 1, (4, 64))
    for stage, values in zip(fitted.estimators_[:-1, 0], leaves, strict=True):
        stage.tree_.value[:, 0, 0] = values[: stage.tree_.node_count]
    last = fitted.estimators_[-1, 0].tree_
    last.value[:] = 0
    margin, leaf = fitted.decision_function(rows), last.apply(rows)
    first = [np.flatnonzero(leaf == node)[0] for node in np.unique(leaf)]
    for row in first:
        last.value[leaf[row], 0, 0] = -margin[row]
    assert (fitted.decision_function(rows[first]) == 0).all()
    assert_answers_alike(fitted, rows[first], methods=("predict",), compiled=False)
    assert_answers_alike(fitted, rows, methods=("decision_function",), compiled=False)


def test_a_forest_is_walked_once_for_all_its_members():
    """What was walked is one op of the graph, not one a member."""
    for estimator in (
        AdaBoostClassifier(**FEW),
        BaggingClassifier(**FEW),
        AdaBoostRegressor(**FEW),
    ):
        ours = TensorAccelerated(fitted_quietly(estimator, d.X, d.Y_BINARY), device="cpu")
        assert len(ours.explain("predict").steps) == 1
