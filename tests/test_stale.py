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
from sklearn.tree import DecisionTreeClassifier

from sktensor import TensorAccelerated
from sktensor.kernels import items_numba
from sktensor.kernels.items_numba import WORTH_A_KERNEL, Items

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


def one_tree_fitted_again(native):
    native.estimators_[7].fit(d.X[::-1], OTHER.astype(float) % 2)


def one_tree_replaced(native):
    native.estimators_[7] = copy.deepcopy(native.estimators_[3])


def one_nodes_replaced(native):
    native.estimators_[-1].tree_ = native.estimators_[0].tree_


def one_tree_taken_away(native):
    del native.estimators_[2]


def all_fitted_again(native):
    fitted_quietly_in_place(native, OTHER)


@pytest.mark.parametrize(
    "change",
    [one_tree_fitted_again, one_tree_replaced, one_nodes_replaced, one_tree_taken_away]
    + [all_fitted_again],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("looks", [1, WORTH_A_KERNEL + 2])
def test_one_of_many_trees_changed(change, looks):
    native = RandomForestClassifier(n_estimators=40, random_state=0).fit(d.X, d.Y_MULTI % 2)
    ours = wrapped(native)
    for _ in range(looks):
        assert_same(ours.predict_proba(d.X), native.predict_proba(d.X))
    engine = ours._engine()
    assert ours._engine() is engine
    change(native)
    assert ours._engine() is not engine
    assert_same(ours.predict_proba(d.X), native.predict_proba(d.X))


def test_items_of_dicts_that_changed():
    dicts = [{"a": object(), "b": object()} for _ in range(50)]
    items = Items(dicts, "a")
    for _ in range(WORTH_A_KERNEL + 2):
        assert items.unchanged()
    dicts[3]["b"] = 1
    assert items.unchanged()
    was, dicts[49]["a"] = dicts[49]["a"], object()
    assert not items.unchanged()
    dicts[49]["a"] = was
    assert items.unchanged()
    del dicts[0]["a"]
    assert not items.unchanged()


def by_attribute(tree, value):
    tree.tree_ = value


WRITES = {
    "an attribute": by_attribute,
    "setattr": lambda tree, value: setattr(tree, "tree_", value),
    "object's own": lambda tree, value: object.__setattr__(tree, "tree_", value),
    "an item": lambda tree, value: vars(tree).__setitem__("tree_", value),
    "update": lambda tree, value: vars(tree).update(tree_=value),
    "or": lambda tree, value: vars(tree).__ior__({"tree_": value}),
    "a state": lambda tree, value: tree.__setstate__(tree.__getstate__() | {"tree_": value}),
    "taken away": lambda tree, value: (vars(tree).pop("tree_"), by_attribute(tree, value)),
    "deleted": lambda tree, value: (delattr(tree, "tree_"), by_attribute(tree, value)),
    "emptied": lambda tree, value: (vars(tree).clear(), by_attribute(tree, value)),
}


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("write", WRITES)
def test_every_way_of_writing_is_seen(write, copied):
    trees = [DecisionTreeClassifier() for _ in range(20)]
    for tree in trees:
        tree.tree_ = object()
    trees = copy.deepcopy(trees) if copied else trees
    items = Items(list(map(vars, trees)), "tree_")
    for _ in range(WORTH_A_KERNEL + 2):
        assert items.unchanged()
    for _ in range(200):  # as often as Python takes to specialise what it runs
        was, new = trees[7].tree_, object()
        WRITES[write](trees[7], new)
        assert not items.unchanged()
        WRITES[write](trees[7], was)
        assert items.unchanged()
        assert items.unchanged()


@pytest.mark.parametrize("tagged", [False, True])
def test_dicts_are_looked_into_where_python_keeps_no_tags(tagged, monkeypatch):
    monkeypatch.setattr(items_numba, "TAGGED", tagged and items_numba.keeps_tags())
    test_items_of_dicts_that_changed()
    test_every_way_of_writing_is_seen("an attribute", False)


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
