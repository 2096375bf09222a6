"""Whether a change of the estimator is seen: every way of fitting again, for every estimator."""

from __future__ import annotations

import copy
import timeit
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import Birch, MiniBatchKMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import IncrementalPCA, MiniBatchDictionaryLearning, MiniBatchNMF
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Perceptron, SGDClassifier, SGDRegressor
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neural_network import BernoulliRBM, MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

from sktensor import TensorAccelerated
from sktensor.snapshot import Snapshot

from .support import METHODS, assert_same, outcome
from .test_all_estimators import CLASSES
from .test_all_estimators import fitted as fitted_on_suitable_data

RNG = np.random.RandomState(0)
X = RNG.randn(80, 4)
Y = (X[:, 0] > 0).astype(int)


def fit(estimator, *data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(*data)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_fitting_again_is_seen_and_answering_is_not(name):
    # Estimators that learn nothing may be fitted again unseen.
    learns_nothing = {
        *("AdditiveChi2Sampler", "Binarizer", "FeatureHasher", "FrozenEstimator"),
        *("FunctionTransformer", "HashingVectorizer", "Normalizer", "PatchExtractor"),
        *("PolynomialFeatures", "SparseCoder", "LabelBinarizer"),
    }
    shared, table, arguments = fitted_on_suitable_data(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = copy.deepcopy(shared)
    asked = [method for method in METHODS if hasattr(estimator, method)]
    for method in asked:  # the first time, some keep what they have looked up
        outcome(lambda m=method: getattr(estimator, m)(table))
    snapshot = Snapshot(estimator)
    assert snapshot.holds()
    for method in asked:
        outcome(lambda m=method: getattr(estimator, m)(table))
    assert snapshot.holds()
    fit(estimator, table, *arguments)
    assert not snapshot.holds() or name in learns_nothing


PARTIAL = [
    SGDClassifier(random_state=0),
    SGDRegressor(random_state=0),
    SGDClassifier(average=True, random_state=0),
    Perceptron(random_state=0),
    MiniBatchKMeans(2, random_state=0),
    Birch(n_clusters=None),
    GaussianNB(),
    BernoulliNB(),
    MultinomialNB(),
    MLPClassifier((300,), random_state=0),
    MLPRegressor(hidden_layer_sizes=(3,), random_state=0),
    BernoulliRBM(3, random_state=0),
    IncrementalPCA(2),
    MiniBatchNMF(2, random_state=0),
    MiniBatchDictionaryLearning(2, random_state=0),
    StandardScaler(),
    MinMaxScaler(),
    MaxAbsScaler(),
]


@pytest.mark.parametrize("estimator", PARTIAL, ids=str)
@pytest.mark.parametrize("wide", [False, True], ids=["narrow", "wide"])
def test_partial_fit_is_seen(estimator, wide):
    table = np.abs(np.tile(X, (1, 300)) if wide else X)  # arrays that are not watched in full
    arguments = (Y,) if hasattr(estimator, "classes_") or hasattr(estimator, "predict") else ()
    first = {"classes": [0, 1]} if "classes" in str(type(estimator).partial_fit.__doc__) else {}
    estimator = clone(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.partial_fit(table[:40], *(a[:40] for a in arguments), **first)
        ours = TensorAccelerated(estimator, device="cpu")
        for part in (slice(40, 60), slice(60, 80)):
            snapshot = Snapshot(estimator)
            asked = [m for m in METHODS if hasattr(estimator, m)]
            for method in asked:
                getattr(ours, method)(table)
            assert snapshot.holds()
            estimator.partial_fit(table[part], *(a[part] for a in arguments))
            assert not snapshot.holds()
            for method in asked:
                assert_same(getattr(ours, method)(table), getattr(estimator, method)(table))


WARM = [
    (RandomForestClassifier(5, warm_start=True, random_state=0), "n_estimators", 100),
    (ExtraTreesClassifier(100, warm_start=True, random_state=0), "n_estimators", 101),
    (BaggingClassifier(n_estimators=3, warm_start=True, random_state=0), "n_estimators", 90),
    (GradientBoostingClassifier(n_estimators=3, warm_start=True), "n_estimators", 80),
    (HistGradientBoostingClassifier(max_iter=3, warm_start=True), "max_iter", 6),
    (LogisticRegression(max_iter=1, warm_start=True), "max_iter", 2),
    (MLPClassifier((5,), max_iter=2, warm_start=True, random_state=0), "max_iter", 3),
]


@pytest.mark.parametrize(("estimator", "name", "value"), WARM, ids=lambda v: str(v)[:30])
def test_a_warm_start_is_seen(estimator, name, value):
    estimator = fit(clone(estimator), X, Y)
    ours = TensorAccelerated(estimator, device="cpu")
    assert_same(ours.predict_proba(X), estimator.predict_proba(X))
    estimator.set_params(**{name: value})
    snapshot = Snapshot(estimator)
    fit(estimator, X, Y)
    assert not snapshot.holds()
    assert_same(ours.predict_proba(X), estimator.predict_proba(X))


def _first(forest):
    return forest.estimators_[0]


NESTED = {
    "a tree of few": (RandomForestClassifier(5), _first),
    "a tree of many": (RandomForestClassifier(150), lambda e: e.estimators_[120]),
    "a pipeline of many": (
        BaggingClassifier(make_pipeline(StandardScaler(), LogisticRegression()), 70),
        lambda e: e.estimators_[66][0],
    ),
    "a model of many": (BaggingClassifier(LogisticRegression(), 70), lambda e: e.estimators_[69]),
    "a member": (
        VotingClassifier([(f"m{i}", LogisticRegression(C=i + 1)) for i in range(12)]),
        lambda e: e.estimators_[11],
    ),
    "a member of another kind": (
        VotingClassifier([("t", RandomForestClassifier(3)), ("l", LogisticRegression())]),
        lambda e: e.estimators_[0].estimators_[2],
    ),
    "the last of a stack": (
        StackingClassifier([("l", LogisticRegression())]),
        lambda e: e.final_estimator_,
    ),
    "one that was calibrated": (
        CalibratedClassifierCV(FrozenEstimator(fit(LogisticRegression(), X, Y))),
        lambda e: e.calibrated_classifiers_[0].estimator.estimator,
    ),
    "a transformer of columns": (
        make_pipeline(ColumnTransformer([("s", StandardScaler(), [0, 1])]), LogisticRegression()),
        lambda e: e[0].named_transformers_["s"],
    ),
    "a part of a union": (
        make_pipeline(FeatureUnion([("s", StandardScaler())]), LogisticRegression()),
        lambda e: e[0].transformer_list[0][1],
    ),
    "a step of many": (
        make_pipeline(*(StandardScaler() for _ in range(12)), LogisticRegression()),
        lambda e: e[10],
    ),
}


@pytest.mark.parametrize("name", NESTED)
def test_fitting_a_part_again_is_seen(name):
    estimator, part = NESTED[name]
    fit(estimator, X, Y)
    snapshot = Snapshot(estimator)
    assert snapshot.holds()
    inner = part(estimator)
    fit(inner, X[:, : inner.n_features_in_] * 2 + 1, 1 - Y)
    assert not snapshot.holds()


def test_boosters_that_are_trained_further_are_seen(tmp_path):
    xgboost, lightgbm = pytest.importorskip("xgboost"), pytest.importorskip("lightgbm")
    model = xgboost.XGBClassifier(n_estimators=3).fit(X, Y)
    snapshot = Snapshot(model)
    model.predict(X)
    assert snapshot.holds()
    model.get_booster().update(xgboost.DMatrix(X, Y), 3)
    assert not snapshot.holds()
    other = xgboost.XGBClassifier(n_estimators=3).fit(X, 1 - Y)
    other.save_model(tmp_path / "other.json")
    model = xgboost.XGBClassifier(n_estimators=3).fit(X, Y)
    ours = TensorAccelerated(model, device="cpu")
    assert_same(ours.predict_proba(X), model.predict_proba(X))
    model.load_model(tmp_path / "other.json")
    assert_same(ours.predict_proba(X), other.predict_proba(X))
    model = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(X, Y)
    snapshot = Snapshot(model)
    model.predict(X)
    assert snapshot.holds()
    model.fit(X, 1 - Y)
    assert not snapshot.holds()


@pytest.mark.parametrize("size", [3, 10_000])
def test_values_written_into_arrays_are_seen(size):
    estimator = LogisticRegression()
    estimator.coef_ = np.ones((1, size))
    for write in (lambda c: c.__imul__(2), lambda c: c.fill(0), lambda c: c.__setitem__((0, 0), 7)):
        snapshot = Snapshot(estimator)
        write(estimator.coef_)
        assert not snapshot.holds()


def test_notes_that_an_estimator_takes_as_it_answers_are_no_change():
    estimator = fit(StackingClassifier([("l", LogisticRegression())]), X, Y)
    snapshot = Snapshot(estimator)
    estimator._n_feature_outs = list(estimator._n_feature_outs)
    assert snapshot.holds()
    estimator._n_feature_outs = [9]
    assert not snapshot.holds()


def test_parameters_are_seen():
    estimator = fit(LogisticRegression(class_weight={0: 1.0, 1: 2.0}), X, Y)
    snapshot = Snapshot(estimator)
    estimator.class_weight[1] = 3.0
    assert not snapshot.holds()


def test_it_holds_nothing_but_what_it_has_seen():
    words = [f"w{i}" for i in range(5000)]
    big = CountVectorizer().fit([" ".join(words)])
    snapshot = Snapshot(make_pipeline(big))
    assert snapshot.holds()
    big.vocabulary_["another"] = 5000
    assert not snapshot.holds()


@pytest.mark.parametrize(
    ("estimator", "microseconds"),
    [
        (make_pipeline(StandardScaler(), LogisticRegression()), 20),
        (RandomForestClassifier(300), 200),
        (HistGradientBoostingClassifier(max_iter=100), 30),
    ],
    ids=lambda v: type(v).__name__,
)
def test_looking_costs_little(estimator, microseconds):
    snapshot = Snapshot(fit(estimator, X, Y))
    best = min(timeit.repeat(snapshot.holds, number=100, repeat=20)) / 100
    assert best * 1e6 < microseconds
