"""State: copies and pickles carry no programs, answers are never stale, many threads may ask."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import cloudpickle
import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sktensor import TensorAccelerated
from sktensor import estimator as module

from .support import assert_same

RNG = np.random.RandomState(0)
X = RNG.randn(80, 4)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
PIPE = make_pipeline(StandardScaler(), LogisticRegression())


def fast(estimator, **params):
    return TensorAccelerated(estimator, device="cpu", **params)


def through_joblib(item):
    file = io.BytesIO()
    joblib.dump(item, file)
    file.seek(0)
    return joblib.load(file)


COPIES = {
    "pickle": lambda item: pickle.loads(pickle.dumps(item)),
    "old pickle": lambda item: pickle.loads(pickle.dumps(item, protocol=2)),
    "cloudpickle": lambda item: pickle.loads(cloudpickle.dumps(item)),
    "joblib": through_joblib,
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("given_fitted", [True, False])
def test_copies_answer_the_same(how, given_fitted):
    native = clone(PIPE).fit(X, Y)
    ours = fast(native) if given_fitted else fast(clone(PIPE)).fit(X, Y)
    before = ours.predict_proba(X)
    other = COPIES[how](ours)
    assert_same(other.predict_proba(X), before)
    assert repr(other) == repr(ours)
    assert_same(COPIES[how](fast(clone(PIPE))).fit(X, Y).predict_proba(X), before)
    if how != "copy":
        other[-1].coef_ *= -1
        assert (other.predict(X) != native.predict(X)).any()
    assert_same(ours.predict_proba(X), before)


@pytest.mark.parametrize("how", ["pickle", "cloudpickle"])
def test_pickles_carry_no_programs_and_no_tensors(how):
    forest = RandomForestClassifier(20, random_state=0).fit(X, Y)
    ours = fast(forest)
    dumps = pickle.dumps if how == "pickle" else cloudpickle.dumps
    fresh = dumps(ours)
    for method in ("predict", "predict_proba", "apply"):
        getattr(ours, method)(X)
        getattr(ours, method)(X.astype(np.float32))
    assert dumps(ours) == fresh
    assert b"torch" not in fresh
    assert len(fresh) < len(dumps(forest)) + 500


def test_answering_leaves_no_trace_in_the_estimator():
    ours = fast(clone(PIPE).fit(X, Y))
    before = dict(vars(ours))
    ours.predict(X)
    ours.score(X, Y)
    ours.explain()
    assert vars(ours) == before
    assert list(vars(ours)) == list(before)


def test_a_half_made_instance_breaks_nothing():
    empty = TensorAccelerated.__new__(TensorAccelerated)
    for name in ("estimator", "estimator_", "predict", "coef_", "anything", "_private"):
        assert not hasattr(empty, name)
    copied = copy.copy(empty)
    assert vars(copied) == {}


NEW_PROCESS = """
import pickle, sys
import numpy as np
with open(sys.argv[1], "rb") as file:
    ours, X, wanted = pickle.load(file)
import torch
assert not torch.cuda.is_initialized()
np.testing.assert_allclose(ours.predict_proba(X), wanted, rtol=1e-12)
print(ours.explain("predict_proba").steps[0].backend)
"""


@pytest.mark.parametrize("device", ["cpu", "auto", "cuda:7"])
def test_a_pickle_loads_in_a_new_process(device, tmp_path):
    ours = TensorAccelerated(clone(PIPE), device=device).fit(X, Y)
    native = clone(PIPE).fit(X, Y)
    path = tmp_path / "ours.pkl"
    path.write_bytes(pickle.dumps((ours, X, native.predict_proba(X))))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", NEW_PROCESS, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["torch"]


def test_programs_go_when_the_estimator_goes():
    ours = fast(RandomForestClassifier(5).fit(X, Y))
    ours.predict(X)
    engine = weakref.ref(module._ENGINES[ours])
    del ours
    gc.collect()
    assert engine() is None


def test_fitting_again_changes_the_answers():
    ours = fast(clone(PIPE)).fit(X, Y)
    first = ours.predict(X)
    assert_same(ours.fit(X, 1 - Y).predict(X), 1 - first)
    ours.set_params(estimator__logisticregression__C=1e-6)
    assert_same(ours.predict(X), 1 - first)
    native = clone(ours.estimator).fit(X, Y)
    assert_same(ours.fit(X, Y).predict_proba(X), native.predict_proba(X))


def refitted(native):
    native.fit(X, 1 - Y)


def refitted_final_step(native):
    native[-1].fit(X, 1 - Y)


def refitted_first_step(native):
    native[0].fit(X * 3 + 1)


def step_replaced(native):
    native.steps[0] = ("standardscaler", MinMaxScaler().fit(X))


def step_set(native):
    native.set_params(standardscaler=MinMaxScaler().fit(X))


def step_dropped(native):
    native.set_params(standardscaler="passthrough")


def weights_written(native):
    native[-1].coef_[:] = 2.0


def weights_replaced(native):
    native[-1].coef_ = native[-1].coef_ * -1


@pytest.mark.parametrize(
    "change",
    [
        refitted,
        refitted_final_step,
        refitted_first_step,
        step_replaced,
        step_set,
        step_dropped,
        weights_written,
        weights_replaced,
    ],
)
def test_what_happens_behind_its_back_is_seen(change):
    native = clone(PIPE).fit(X, Y)
    ours = fast(native)
    before = ours.predict_proba(X)
    assert_same(before, native.predict_proba(X))
    change(native)
    assert_same(ours.predict_proba(X), native.predict_proba(X))
    assert np.abs(ours.predict_proba(X) - before).max() > 1e-3


def test_a_step_that_a_memory_replaced_is_seen(tmp_path):
    steps = [("scale", StandardScaler()), ("bound", MinMaxScaler()), ("end", "passthrough")]
    native = Pipeline(steps, memory=str(tmp_path)).fit(X)
    ours = fast(native)
    assert_same(ours.transform(X), native.transform(X))
    native.fit(X * 7 + 3)
    assert_same(ours.transform(X), native.transform(X))


def test_set_params_takes_another_estimator_at_once():
    one, other = clone(PIPE).fit(X, Y), LogisticRegression(C=0.01).fit(X, 1 - Y)
    ours = fast(one)
    assert_same(ours.predict_proba(X), one.predict_proba(X))
    assert_same(ours.set_params(estimator=other).predict_proba(X), other.predict_proba(X))


THREADS = 16


@pytest.mark.parametrize(
    "native",
    [
        PIPE,
        RandomForestClassifier(10, random_state=0),
        make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0)),
        VotingClassifier([("a", LogisticRegression()), ("b", PIPE)], voting="soft"),
    ],
    ids=lambda e: type(e).__name__,
)
def test_sixteen_threads_ask_one_estimator_from_the_first_call_on(native):
    native = clone(native).fit(X, Y)
    tables = [X[i : i + 40].astype([np.float64, np.float32][i % 2]) for i in range(THREADS)]
    wanted = [(native.predict(t), native.predict_proba(t), native.score(X, Y)) for t in tables]
    for _ in range(3):
        ours = fast(native)
        start = threading.Barrier(THREADS)

        def ask(table, ours=ours, start=start):
            start.wait(60)
            asked = ours.predict(table), ours.predict_proba(table), ours.score(X, Y)
            return asked, module._ENGINES[ours]

        with ThreadPoolExecutor(THREADS) as pool:
            answers = list(pool.map(ask, tables))
        assert len({id(engine) for _, engine in answers}) == 1
        for (answer, _), native_answer in zip(answers, wanted, strict=True):
            for one, other in zip(answer, native_answer, strict=True):
                assert_same(one, other)


def test_more_kinds_of_input_than_are_kept_are_answered_in_threads():
    natives = [clone(PIPE).fit(X, Y)]
    ours = fast(natives[0])
    dtypes = ["f8", "f4", "i8", "i4", "i2", "i1", "u1", "u2", "u4", "?"]

    def ask(k):
        table = np.asfortranarray(X[: 5 + k] * 3).astype(dtypes[k % len(dtypes)])
        columns = [f"c{i}" for i in range(4)]
        assert_same(ours.predict_proba(table), natives[0].predict_proba(table))
        tensor = ours.predict_proba(torch.from_numpy(table))
        assert_same(tensor.numpy(), natives[0].predict_proba(table))
        return columns

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(60)))
