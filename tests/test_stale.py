"""Answers are those of the estimator as it is now, whatever has happened to it since."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import cloudpickle
import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import MiniBatchKMeans
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sktensor import TensorAccelerated

from .cases import data as d
from .support import assert_same, fitted_quietly

OTHER = np.roll(d.Y_MULTI, 7)


def wrapped(estimator):
    return TensorAccelerated(estimator, device="cpu")


ESTIMATORS = [
    make_pipeline(StandardScaler(), LogisticRegression()),
    RandomForestClassifier(n_estimators=5, random_state=0),
    BaggingClassifier(GaussianNB(), n_estimators=80, random_state=0),
    VotingClassifier([("a", GaussianNB()), ("b", LogisticRegression())], voting="soft"),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_fitted_again_behind_its_back(estimator):
    native = fitted_quietly(clone(estimator), d.X, d.Y_MULTI)
    ours = wrapped(native)
    assert_same(ours.predict_proba(d.X), native.predict_proba(d.X))
    fitted_quietly_in_place(native, OTHER)
    assert_same(ours.predict_proba(d.X), native.predict_proba(d.X))
    assert_same(ours.predict(d.X), native.predict(d.X))


def fitted_quietly_in_place(estimator, y):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(d.X[::-1], y)


def test_a_step_fitted_again():
    native = clone(ESTIMATORS[0]).fit(d.X, d.Y_MULTI)
    ours = wrapped(native)
    ours.predict(d.X)
    native[0].fit(d.X * 3 + 1)
    assert_same(ours.predict_proba(d.X), native.predict_proba(d.X))
    native.steps[0] = ("minmaxscaler", MinMaxScaler().fit(d.X))
    assert_same(ours.predict_proba(d.X), native.predict_proba(d.X))


def test_warm_start_adds_trees():
    native = RandomForestClassifier(n_estimators=3, warm_start=True, random_state=0)
    native.fit(d.X, d.Y_MULTI)
    ours = wrapped(native)
    ours.predict(d.X)
    native.set_params(n_estimators=6).fit(d.X, d.Y_MULTI)
    assert_same(ours.predict_proba(d.X), native.predict_proba(d.X))


@pytest.mark.parametrize(
    "estimator",
    [SGDClassifier(random_state=0), GaussianNB(), MiniBatchKMeans(3, random_state=0)],
    ids=lambda e: type(e).__name__,
)
def test_partial_fit(estimator):
    clusters = isinstance(estimator, MiniBatchKMeans)
    classes = {} if clusters else {"classes": np.unique(d.Y_MULTI)}
    native = clone(estimator)
    native.partial_fit(d.X[:60], d.Y_MULTI[:60], **classes)
    ours = wrapped(native)
    for start in range(0, 150, 50):
        assert_same(ours.predict(d.X), native.predict(d.X))
        rows = slice(start, start + 50)
        native.partial_fit(d.X[rows], d.Y_MULTI[rows])
        assert_same(ours.predict(d.X), native.predict(d.X))


def test_partial_fit_through_the_wrapper():
    ours = wrapped(GaussianNB())
    native = GaussianNB()
    for rows in (slice(0, 70), slice(70, 150)):
        ours.partial_fit(d.X[rows], d.Y_MULTI[rows], classes=np.unique(d.Y_MULTI))
        native.partial_fit(d.X[rows], d.Y_MULTI[rows], classes=np.unique(d.Y_MULTI))
        assert_same(ours.predict_proba(d.X), native.predict_proba(d.X))


def test_values_written_into():
    native = LogisticRegression().fit(d.X, d.Y_MULTI)
    ours = wrapped(native)
    ours.predict(d.X)
    native.coef_[0] += 1.0
    assert_same(ours.predict_proba(d.X), native.predict_proba(d.X))


def test_fit_and_set_params_of_the_wrapper():
    ours = wrapped(make_pipeline(StandardScaler(), LogisticRegression())).fit(d.X, d.Y_MULTI)
    ours.predict(d.X)
    ours.set_params(estimator__logisticregression__C=0.01).fit(d.X, OTHER)
    native = make_pipeline(StandardScaler(), LogisticRegression(C=0.01)).fit(d.X, OTHER)
    assert_same(ours.predict_proba(d.X), native.predict_proba(d.X))


def test_answering_leaves_no_trace():
    native = clone(ESTIMATORS[0]).fit(d.X, d.Y_MULTI)
    for ours in (wrapped(native), wrapped(native).fit(d.X, d.Y_MULTI)):
        before = dict(ours.__dict__), dict(native.__dict__)
        ours.predict_proba(d.X)
        assert (ours.__dict__, native.__dict__) == before


def test_no_state_is_shared_between_wrappers():
    first, second = (wrapped(clone(ESTIMATORS[0])).fit(d.X, y) for y in (d.Y_MULTI, OTHER))
    for ours in (first, second, first):
        assert_same(ours.predict_proba(d.X), ours.estimator_.predict_proba(d.X))


def test_clone_is_unfitted_unless_frozen():
    native = clone(ESTIMATORS[0]).fit(d.X, d.Y_MULTI)
    assert not clone(wrapped(native)).__sklearn_is_fitted__()
    frozen = clone(wrapped(FrozenEstimator(native)))
    assert_same(frozen.predict_proba(d.X), native.predict_proba(d.X))


@pytest.mark.parametrize(
    "copied",
    [
        copy.deepcopy,
        copy.copy,
        lambda x: pickle.loads(pickle.dumps(x)),
        lambda x: cloudpickle.loads(cloudpickle.dumps(x)),
    ],
    ids=["deepcopy", "copy", "pickle", "cloudpickle"],
)
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_copies_answer_alike_and_carry_no_programs(estimator, copied):
    ours = wrapped(fitted_quietly(clone(estimator), d.X, d.Y_MULTI))
    size = len(pickle.dumps(ours))
    answer = ours.predict_proba(d.X)
    assert_same(copied(ours).predict_proba(d.X), answer)
    assert len(pickle.dumps(ours)) == size
    assert b"torch" not in pickle.dumps(ours)


def test_a_pickle_loads_in_a_new_process(tmp_path):
    ours = wrapped(clone(ESTIMATORS[0])).fit(d.X, d.Y_MULTI)
    joblib.dump(ours, tmp_path / "model.joblib")
    np.save(tmp_path / "X.npy", d.X)
    code = (
        "import sys, joblib, numpy as np; folder = sys.argv[1]; "
        "model = joblib.load(folder + '/model.joblib'); "
        "np.save(folder + '/p.npy', model.predict_proba(np.load(folder + '/X.npy')))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=120)
    assert_same(np.load(tmp_path / "p.npy"), ours.predict_proba(d.X))
