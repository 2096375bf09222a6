"""Linear functions where rounding, ties and extreme margins could make a difference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse as sp
from sklearn import linear_model as lm
from sklearn.base import is_classifier
from sklearn.cluster import KMeans
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from sktensor import TensorAccelerated
from sktensor.compiler import build
from sktensor.program import Program
from sktensor.table import signature_of

from .cases import data as d
from .cases.linear_model import CLASSIFIERS, COUNTS, REGRESSORS
from .support import (
    METHODS,
    assert_answers_alike,
    assert_same,
    assert_same_outcome,
    fitted_quietly,
)

X32 = d.X.astype(np.float32)


def classifier_of(coef, intercept, kind=lm.LogisticRegression):
    """A fitted classifier that has these coefficients."""
    coef = np.asarray(coef, float)
    n_classes = max(len(coef), 2)
    X = np.random.default_rng(0).normal(size=(40, coef.shape[1]))
    est = fitted_quietly(kind(), X, np.arange(40) % n_classes)
    est.coef_, est.intercept_ = coef, np.asarray(intercept, float)
    return est


def assert_native_only(estimator, X, part):
    for method in (m for m in METHODS if hasattr(estimator, m)):
        ours = TensorAccelerated(estimator, device="cpu")
        assert_same_outcome(
            lambda o=ours, m=method: getattr(o, m)(X),
            lambda m=method: getattr(estimator, m)(X),
            exact=True,
        )
        steps = [s for s in ours.explain(method).steps if s.backend == "native"]
        assert part in steps[-1].reason, steps


@pytest.mark.parametrize("estimator", [*REGRESSORS, *CLASSIFIERS, LinearSVC()], ids=str)
def test_fitted_in_float32_answers_as_natively(estimator):
    y = d.Y_TEXT if is_classifier(estimator) else d.Y_REAL.astype(np.float32)
    est = fitted_quietly(estimator, X32, y)
    for X in (d.X, COUNTS):
        assert_answers_alike(est, X)
    if est.coef_.dtype == np.float32:
        for X in (X32, COUNTS.astype(np.int16), X32 > 0):
            assert_native_only(est, X, "float32")
    else:
        assert_answers_alike(est, X32)


@pytest.mark.parametrize("kind", [lm.LogisticRegression, lm.RidgeClassifier, LinearSVC])
@pytest.mark.parametrize(
    ("coef", "intercept", "X"),
    [
        ([[0.1, 0.2, -0.3]], [0.0], [[1, 1, 1], [3, 3, 3], [7, 7, 7], [0, 0, 0]]),
        ([[0.1, 0.2, 0.3]], [-0.6], [[1, 1, 1], [0, 3, 0], [6, 0, 0], [0, 0, 2]]),
        ([[1e16, 1.0, -1e16]], [0.0], [[1, 1, 1], [1, -1, 1], [1, 0, 1]]),
        (np.tile([[0.1, 0.7, -0.3]], (5, 1)), np.zeros(5), d.X[:40, :3]),
        (np.tile([[0.1, 0.7, -0.3]], (3, 1)), [0.1, 0.3, 0.3], d.X[:40, :3]),
        ([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1], [0.2, 0.2, 0.2]], np.zeros(3), np.ones((9, 3))),
    ],
)
def test_ties_are_decided_as_natively(kind, coef, intercept, X):
    est = classifier_of(coef, intercept, kind)
    X = np.asarray(X, float)
    ours = TensorAccelerated(est, device="cpu")
    for table in (X, X[::-1], X[:1], np.asfortranarray(X), np.repeat(X, 700, axis=0)):
        assert_same_outcome(lambda t=table: ours.predict(t), lambda t=table: est.predict(t))


def test_rows_between_centers_are_assigned_as_natively():
    X = np.random.default_rng(0).normal(size=(60, 3)) * 0.1 + np.repeat(
        [[0.0], [1.1], [2.3]], 20, 0
    )
    est = KMeans(3, n_init=1, random_state=0).fit(X)
    middles = (est.cluster_centers_[:, None] + est.cluster_centers_[None]).reshape(-1, 3) / 2
    ours = TensorAccelerated(est, device="cpu")
    for table in (middles, np.repeat(middles, 40, axis=0), est.cluster_centers_):
        assert_same_outcome(lambda t=table: ours.predict(t), lambda t=table: est.predict(t))


@pytest.mark.parametrize("kind", [GaussianNB, MultinomialNB, BernoulliNB])
def test_classes_of_the_same_rows_tie_as_natively(kind):
    X = np.abs(np.round(d.X[:50], 1))
    est = kind().fit(np.vstack([X, X, X[:20]]), [0] * 50 + [1] * 50 + [2] * 20)
    assert_same_outcome(
        lambda: TensorAccelerated(est, device="cpu").predict(d.X), lambda: est.predict(d.X)
    )


def test_rows_of_zeros_are_no_reason_to_answer_natively(monkeypatch):
    est = classifier_of([[0.1, 0.2, -0.3]], [0.0])
    X = np.zeros((5, 3))
    expected = est.predict(X)
    ours = TensorAccelerated(est, device="cpu")
    monkeypatch.setattr(lm.LogisticRegression, "decision_function", None)
    assert (ours.predict(X) == expected).all()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(1, 5),
    st.sampled_from([0.1, 1.0, 1 / 3, 1e-3, 1e6]),
    st.integers(0, 2**32 - 1),
)
def test_near_ties_are_decided_as_natively(n_scores, n_features, step, seed):
    rng = np.random.default_rng(seed)
    coef = rng.integers(-3, 4, (n_scores if n_scores != 2 else 1, n_features)) * step
    est = classifier_of(coef, rng.integers(-3, 4, len(coef)) * step)
    X = rng.integers(-3, 4, (30, n_features)) * rng.choice([0.1, 0.3, 1.0])
    ours = TensorAccelerated(est, device="cpu")
    assert_same_outcome(lambda: ours.predict(X), lambda: est.predict(X))


MARGINS = [
    0.0,
    1e-300,
    1e-9,
    5.0,
    13.0,
    15.0,
    36.7,
    37.5,
    100.0,
    709.0,
    720.0,
    745.1,
    746.0,
    1e5,
    1e200,
]


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from([1, 3]),
    st.lists(st.tuples(st.sampled_from(MARGINS), st.booleans()), min_size=3, max_size=12),
    st.sampled_from(
        [
            lm.LogisticRegression(),
            lm.SGDClassifier(loss="log_loss"),
            lm.SGDClassifier(loss="modified_huber"),
        ]
    ),
)
def test_extreme_margins_answer_as_natively(n_scores, margins, estimator):
    signed = np.array([-m if negative else m for m, negative in margins])
    est = classifier_of(np.eye(n_scores, 3), np.zeros(n_scores), lambda: estimator)
    X = np.resize(signed, (len(signed), 3))
    assert_answers_alike(est, np.vstack([X, [[3.0, -1.0, 0.5]]]))


@pytest.mark.parametrize("scale", [1e153, 1e300])
def test_overflow_warns_as_natively(scale):
    poisson = fitted_quietly(lm.PoissonRegressor(), d.X, d.Y_POSITIVE)
    ridge = fitted_quietly(lm.Ridge(alpha=1e-3), d.X, d.Y_REAL)
    ridge.coef_ = ridge.coef_ * 1e10
    for est in (poisson, ridge, classifier_of(np.eye(3) * 1e10, np.zeros(3))):
        X = d.X[:, : est.n_features_in_] * scale
        for method in (m for m in METHODS if hasattr(est, m)):
            ours = TensorAccelerated(est, device="cpu")
            assert_same_outcome(
                lambda o=ours, m=method, X=X: getattr(o, m)(X),
                lambda e=est, m=method, X=X: getattr(e, m)(X),
            )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_as_natively(value):
    X = d.X.copy()
    X[7, 2] = value
    for est in (
        fitted_quietly(lm.Lasso(alpha=10), d.X, d.Y_REAL),
        fitted_quietly(lm.LogisticRegression(), d.X, d.Y_MULTI),
    ):
        ours = TensorAccelerated(est, device="cpu")
        assert_same_outcome(lambda o=ours: o.predict(X), lambda e=est: e.predict(X))


@pytest.mark.parametrize("estimator", [c for c in CLASSIFIERS if hasattr(c, "sparsify")], ids=str)
def test_sparse_coefficients(estimator):
    for y in (d.Y_LABELS, d.Y_TEXT):
        assert_answers_alike(fitted_quietly(estimator, d.X, y).sparsify(), d.X)


def test_sparse_coefficients_of_other_estimators():
    assert_answers_alike(fitted_quietly(lm.SGDRegressor(), d.X, d.Y_REAL).sparsify(), d.X)
    assert_answers_alike(fitted_quietly(lm.SGDOneClassSVM(), d.X, None).sparsify(), d.X)


TAKES_SPARSE = [
    *(e for e in (*REGRESSORS, *CLASSIFIERS) if e.__sklearn_tags__().input_tags.sparse),
    BernoulliNB(),
    ComplementNB(),
    KMeans(3, n_init=1, random_state=0),
    LinearSVC(),
    MLPClassifier(3, max_iter=10, random_state=0),
    MultinomialNB(),
]


@pytest.mark.parametrize("estimator", TAKES_SPARSE, ids=str)
def test_after_a_step_that_makes_sparse_matrices(estimator):
    pipe = make_pipeline(OneHotEncoder(), estimator)
    est = fitted_quietly(pipe, d.CODES, d.Y_MULTI if is_classifier(estimator) else d.Y_REAL)
    ours = assert_answers_alike(est, d.CODES, compiled=False)
    assert ours.explain("predict").steps[-1].backend == "torch"


def test_coefficients_that_are_not_finite_run_natively():
    est = fitted_quietly(lm.Ridge(), d.X, d.Y_REAL)
    est.coef_[1] = np.inf
    assert_native_only(est, d.X, "not finite")


def test_sparse_label_sets_run_natively():
    est = fitted_quietly(lm.RidgeClassifier(), d.X, d.Y_OUTPUTS > 0.5)
    est._label_binarizer.sparse_input_ = True
    assert_answers_alike(est, d.X, native=("predict",))


def decision_graph(est):
    """The only stage of `predict`, and it as `torch.export` has it."""
    program = Program(build(est, signature_of(d.X)).roots["predict"], torch.device("cpu"))
    (stage,) = program.stages
    return stage, torch.export.export(stage, (torch.from_numpy(d.X),)).module()


@pytest.mark.parametrize("y", [d.Y_BINARY, d.Y_MULTI])
def test_a_decision_is_one_torch_graph_that_knows_ties(y):
    est = fitted_quietly(make_pipeline(StandardScaler(), lm.LogisticRegression()), d.X, y)
    _, exported = decision_graph(est)
    (codes,), flags = exported(torch.from_numpy(d.X))
    assert all(flags)
    assert_same(codes.numpy(), est.predict(d.X))
    classifier = est[-1]
    classifier.coef_ = np.tile([[0.1, 0.2, -0.3, 0, 0, 0]], (len(classifier.coef_), 1))
    classifier.intercept_ = np.zeros(len(classifier.coef_))
    tied = torch.from_numpy(np.tile(est[0].mean_ + est[0].scale_, (len(d.X), 1)))
    for graph in decision_graph(est):
        assert not all(graph(tied)[1])


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("kind", [lm.Ridge, lm.LinearRegression])
def test_terms_that_cancel_are_added_natively(kind, sparse):
    """Columns nearly the same, coefficients far apart: each order of adding differs."""
    X = np.repeat(d.X[:, :1], 6, axis=1) * (1 + 1e-13 * np.arange(6))
    est = fitted_quietly(kind(), X, d.Y_REAL)
    est.coef_ = np.array([3e13, -1e13, -2e13, 1e13, 1e13, -2e13]) / 3
    rows = sp.csr_matrix(X) if sparse else X
    assert_native_only(est, rows, "terms cancel")


def test_large_coefficients_of_small_columns_are_compiled():
    X = d.X * 1e-9
    est = fitted_quietly(lm.LinearRegression(), X, d.Y_REAL)
    assert np.abs(est.coef_).max() > 1e7
    assert_answers_alike(est, X)


def test_rows_whose_terms_cancel_go_to_the_native_method():
    X = d.X[:, :2].copy()
    est = fitted_quietly(lm.LinearRegression(), X, d.Y_REAL)
    est.coef_ = np.array([1e13, -1e13])
    moderate = X * 1e-13
    ours = TensorAccelerated(est, device="cpu")
    assert_same(ours.predict(moderate), est.predict(moderate))
    assert ours.explain("predict").steps[0].backend == "torch"
    cancel = np.repeat(X[:, :1], 2, axis=1) * (1 + 1e-12 * np.arange(2))
    assert_same(ours.predict(cancel), est.predict(cancel), exact=True)


@pytest.mark.parametrize("noise", [1e-5, 1e-6, 1e-7])
@pytest.mark.parametrize("far", [0, 10, 100])
def test_large_coefficients_behind_a_scaler(noise, far):
    """Folded into them, a scaler's means are terms that cancel: what is lost then may be seen."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3000, 6))
    rows[:, 5] = rows[:, 0] + rows[:, 1] + noise * rng.normal(size=3000)
    labels = rows[:, 0] - rows[:, 2] + 0.3 * rng.normal(size=3000) > 0
    pipe = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr"))
    pipe = fitted_quietly(pipe, rows + far, labels)
    assert_answers_alike(pipe, rows + far, compiled=False)
