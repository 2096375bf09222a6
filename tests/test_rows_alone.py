"""Rows that are too close to call go to the native method by themselves, the others do not."""

import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KernelDensity, KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, SVR, OneClassSVM

from sktensor import TensorAccelerated
from sktensor.program import few_rows

from .support import assert_same, assert_same_outcome, outcome

RNG = np.random.default_rng(0)
FIXED = RNG.normal(size=(400, 4))
LABELS = np.array(["no", "yes", "maybe"])[(FIXED[:, 0] > 0).astype(int) + (FIXED[:, 1] > 1)]
X = RNG.normal(size=(3000, 4))
WHOLE = "a whole call"


def between(est, rows):
    """A row of either class, as near to the border as two floats can be."""
    labels = est.predict(rows)
    one, other = (rows[labels == label][0] for label in np.unique(labels)[:2])
    said = est.predict(one[None])[0]
    for _ in range(200):
        middle = (one + other) / 2
        if est.predict(middle[None])[0] == said:
            one = middle
        else:
            other = middle
    return one


def natively_answered(caplog, ours, method, table):
    """The answer, and how many rows the log says were answered natively."""
    caplog.set_level(logging.INFO, "sktensor")
    getattr(ours, method)(table)  # compiles it
    caplog.clear()
    answer = getattr(ours, method)(table)
    lines = [r.getMessage() for r in caplog.records if "answered natively" in r.getMessage()]
    if not lines:
        return answer, 0
    (line,) = lines
    rows = line.partition(" natively for ")[2].split()
    return answer, int(rows[0]) if rows else WHOLE


def machine(**parameters):
    labels = np.where(FIXED[:, 0] + FIXED[:, 1] ** 2 > 1, "in", "out")
    est = SVC(**parameters).fit(FIXED, labels)
    return est, between(est, FIXED)


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly"])
@pytest.mark.parametrize("narrow", [0, 2**18, 2**23])
def test_rows_on_the_border_of_a_machine(kernel, narrow, caplog, monkeypatch):
    """By torch in blocks; by NumPy in parts, as it is outside of tests; or at once."""
    monkeypatch.setattr(few_rows, "NARROW_BYTES", narrow)
    est, row = machine(kernel=kernel)
    table = X.copy()
    table[[0, 17, 1500, 2999]] = row
    answer, n = natively_answered(caplog, TensorAccelerated(est, device="cpu"), "predict", table)
    assert_same(answer, est.predict(table))
    assert n == 4


def test_a_table_in_another_order_of_columns_and_blocks_of_rows(caplog):
    frame = pd.DataFrame(FIXED, columns=list("abcd"))
    labels = FIXED[:, 0] > 0
    pipe = make_pipeline(StandardScaler(), SVC()).fit(frame, labels)
    row = between(pipe[-1], pipe[0].transform(frame)) * pipe[0].scale_ + pipe[0].mean_
    table = pd.DataFrame(X, columns=list("abcd"), index=np.arange(len(X))[::-1])
    table.iloc[[5, 700]] = row
    ours = TensorAccelerated(pipe, device="cpu", batch_size=100)
    answer, n = natively_answered(caplog, ours, "predict", table)
    assert_same(answer, pipe.predict(table))
    assert n in (0, 1, 2)  # the way back through the scaler may leave the border
    assert_same_outcome(
        outcome(lambda: ours.predict(table[list("dcba")])),
        outcome(lambda: pipe.predict(table[list("dcba")])),
    )


@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree", "brute"])
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_neighbors_that_are_as_far_as_others(algorithm, weights, caplog):
    """A search of a tree looks at one row after the other; a product of matrices does not."""
    middle, step = np.round(FIXED[:3] * 64) / 64, [0.25, 0, 0, 0]
    fixed = np.vstack([FIXED, middle + step, middle - step])
    labels = np.concatenate([LABELS, ["odd"] * 3, ["even"] * 3])
    table = X.copy()
    table[[5, 40, 2000]] = middle
    how = {"algorithm": algorithm, "weights": weights}
    tied = 0
    for k in range(2, 9):
        est = KNeighborsClassifier(k, **how).fit(fixed, labels)
        rows = est.kneighbors(table[[5, 40, 2000]], k + 1)[0]
        ties = (rows[:, -1] == rows[:, -2]).sum()
        tied += ties
        ours = TensorAccelerated(est, device="cpu")
        for method in ("predict", "predict_proba"):
            answer, n = natively_answered(caplog, ours, method, table)
            assert_same(answer, getattr(est, method)(table))
            if algorithm != "brute":
                assert n == ties
            elif ties:
                assert n == WHOLE
    assert tied


def test_rows_that_are_far_from_all_others(caplog):
    est = KernelDensity(bandwidth=0.7).fit(FIXED)
    table = X.copy()
    table[[7, 90, 2500]] = 6.0
    ours = TensorAccelerated(est, device="cpu")
    answer, n = natively_answered(caplog, ours, "score_samples", table)
    assert_same(answer, est.score_samples(table))
    assert (answer[[7, 90, 2500]] == est.score_samples(table[[7, 90, 2500]])).all()
    assert 3 <= n < 300


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.01, 0.3, 1.0]), st.integers(1, 3000))
def test_however_many_rows_are_close(seed, share, size):
    rng = np.random.default_rng(seed)
    est = KNeighborsRegressor(2, algorithm="kd_tree").fit(FIXED, FIXED[:, :2])
    table = rng.normal(size=(1000, 4))
    close = rng.random(1000) < share
    table[close] = (FIXED[0] + FIXED[1]) / 2
    ours = TensorAccelerated(est, device="cpu", batch_size=size)
    assert_same(ours.predict(table), est.predict(table))


def test_more_than_half_of_the_rows_are_answered_together(caplog):
    est, row = machine()
    table = X.copy()
    table[1000:] = row
    ours = TensorAccelerated(est, device="cpu")
    ours.predict(X)
    answer, n = natively_answered(caplog, ours, "predict", table)
    assert_same(answer, est.predict(table))
    assert n == WHOLE


def less_their_mean(x):
    """What rows are natively depends on the others."""
    return x - x.mean(axis=0)


def test_no_row_is_alone_behind_a_step_that_looks_at_all(caplog):
    machine_, row = machine()
    pipe = make_pipeline(FunctionTransformer(less_their_mean), machine_)
    table = X - X.mean(axis=0)
    table[5] = row
    table[6] = -table[:6].sum(axis=0) - table[7:].sum(axis=0)
    ours = TensorAccelerated(pipe, device="cpu")
    answer, n = natively_answered(caplog, ours, "predict", table)
    assert_same(answer, pipe.predict(table))
    assert n in (0, WHOLE)


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_rows_that_are_refused_are_refused(odd):
    est, row = machine()
    table = X.copy()
    table[10], table[2000, 1] = row, odd
    ours = TensorAccelerated(est, device="cpu")
    assert_same_outcome(outcome(lambda: ours.predict(table)), outcome(lambda: est.predict(table)))


def test_a_warning_is_given_once():
    frame = pd.DataFrame(FIXED, columns=list("abcd"))
    est = SVC().fit(frame, LABELS == "yes")
    table = X.copy()
    table[10] = between(SVC().fit(FIXED, LABELS == "yes"), FIXED)
    ours = TensorAccelerated(est, device="cpu")
    for _ in range(2):
        assert_same_outcome(
            outcome(lambda: ours.predict(table)), outcome(lambda: est.predict(table))
        )


@pytest.mark.parametrize("est", [SVR(C=1e3), OneClassSVM(nu=0.2)], ids=lambda e: type(e).__name__)
def test_values_of_machines(est):
    est.fit(FIXED, FIXED[:, 0])
    table = np.vstack([X, X * 1e3])
    ours = TensorAccelerated(est, device="cpu")
    for method in ("predict", "decision_function"):
        if hasattr(est, method):
            assert_same(getattr(ours, method)(table), getattr(est, method)(table))
