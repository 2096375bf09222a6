"""Objectives of one's own: the libraries answer margins, and LightGBM's classifiers warn of it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn import ensemble
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from xgboost import XGBClassifier, XGBRegressor

from sktensor import TensorAccelerated

from . import tree_modes as m
from .support import assert_same, fitted_quietly

XGB = {"n_estimators": 4, "max_depth": 3, "n_jobs": 1}
LGB = {"n_estimators": 4, "num_leaves": 7, "min_child_samples": 4, "n_jobs": 1, "verbose": -1}


def squared_error(y, p):
    return p - y, np.ones_like(y)


@pytest.mark.parametrize("kind", [XGBRegressor, LGBMRegressor])
def test_an_objective_of_one_s_own_leaves_the_margin(kind):
    params = XGB if kind is XGBRegressor else LGB
    fitted = fitted_quietly(kind(**params, objective=squared_error), m.X_NAN, m.Y)
    ours = TensorAccelerated(fitted, device="cpu")
    assert_same(ours.predict(m.X_NAN), fitted.predict(m.X_NAN))
    assert [step.backend for step in ours.explain("predict").steps] == ["torch"]


def one_against_the_rest(y, margin):
    """The log-loss of a sigmoid for each class."""
    p = 1 / (1 + np.exp(-margin))
    return p - (y if p.ndim == 1 else y[:, None] == np.arange(p.shape[1])), p * (1 - p)


@pytest.mark.parametrize("kind", [XGBClassifier, LGBMClassifier])
@pytest.mark.parametrize("y", [m.Y_BINARY, m.Y_MULTI], ids=["two classes", "four classes"])
def test_a_classifier_s_own_objective_leaves_the_margin(kind, y):
    params = XGB if kind is XGBClassifier else LGB
    fitted = fitted_quietly(kind(**params, objective=one_against_the_rest), m.X_NAN, y)
    ours = TensorAccelerated(fitted, device="cpu")
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(fitted, method):
            answers = [caught(getattr(f, method), m.X_NAN) for f in (fitted, ours)]
            assert_same(answers[1][0], answers[0][0])
            assert answers[1][1] == answers[0][1]
            assert [step.backend for step in ours.explain(method).steps] == ["torch"]


def caught(method, X):
    """An answer, or the words of an error, and what was warned of."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            answer = method(X)
        except (IndexError, TypeError, ValueError) as error:
            answer = np.array(str(error))
    return answer, [str(w.message) for w in said]


OWN = LGBMClassifier(**LGB, objective=one_against_the_rest)


@pytest.mark.parametrize(
    "estimator",
    [
        ensemble.VotingClassifier([("a", OWN), ("b", LGBMClassifier(**LGB))], voting="soft"),
        ensemble.VotingClassifier([("a", OWN), ("b", OWN)], voting="soft"),
        ensemble.VotingClassifier([("a", OWN), ("b", OWN)]),
        ensemble.StackingClassifier([("a", OWN), ("b", LGBMClassifier(**LGB))], cv=2),
        ensemble.BaggingClassifier(OWN, 2, random_state=0),
        OneVsRestClassifier(OWN),
        MultiOutputClassifier(OWN),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_raw_scores_are_no_member_s_probabilities(estimator):
    """Others ask for probabilities and labels, and may fail on what they get, or ask less often."""
    y = m.Y_LABELS if isinstance(estimator, MultiOutputClassifier) else m.Y_BINARY
    if isinstance(estimator, OneVsRestClassifier):
        y = m.Y_MULTI
    fitted = fitted_quietly(estimator, m.X_NAN, y)
    ours = TensorAccelerated(fitted, device="cpu")
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(fitted, method):
            native, answer = (caught(getattr(f, method), m.X_NAN) for f in (fitted, ours))
            assert_same(answer[0], native[0])
            assert answer[1] == native[1]
