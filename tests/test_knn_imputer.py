"""KNNImputer: ties, doubles, rows of which nothing is known, and rows too near or too far."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import KNNImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktensor import TensorAccelerated
from sktensor.ops import FillFromNearest, Input
from sktensor.table import Signature

from .support import assert_answers_alike, assert_same

RNG = np.random.default_rng(0)
WIDTH = 12
ROWS = RNG.normal(size=(600, WIDTH))
HOLED = np.where(RNG.random(ROWS.shape) < 0.1, np.nan, ROWS)
Y = (ROWS[:, 0] > 0) * 1


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["uniform", "distance"]),
    st.integers(1, 7),
    st.sampled_from([1.0, 0.25, 0.1, 1e-7, 1e-12]),
    st.sampled_from([0.0, 1e3, 1e7]),
    st.sampled_from([0.05, 0.4, 0.9]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_rows_that_nearly_tie_are_filled_as_natively(weights, k, step, far, holes, doubles, seed):
    """Values on a grid, moved by next to nothing: the k-th and the next are as far, or not."""
    rng = np.random.default_rng(seed)
    rows, X = (
        rng.integers(0, 4, (n, 4)) * 1.0 + step * rng.integers(0, 3, (n, 4)) + far for n in (40, 30)
    )
    if doubles:
        rows = np.vstack([rows, rows[:20], X[:5]])
    rows, X = (np.where(rng.random(t.shape) < holes, np.nan, t) for t in (rows, X))
    est = KNNImputer(n_neighbors=k, weights=weights, keep_empty_features=True).fit(rows)
    ours = TensorAccelerated(est, device="cpu")
    for table in (X, rows, *(X[i : i + 1] for i in range(8))):
        assert_same(ours.transform(table), est.transform(table))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["uniform", "distance"]),
    st.sampled_from([1, 2, 5, 30]),
    st.sampled_from([1.0, 0.25, 2.0**-10, 1000.0, 2.0**24, 2.0**25]),
    st.sampled_from([2, 10, 100]),
    st.integers(3, 400),
    st.integers(0, 2**32 - 1),
)
def test_of_many_that_tie_those_are_taken_that_numpy_prefers(weights, k, step, values, n, seed):
    rng = np.random.default_rng(seed)
    rows, X = (rng.integers(0, values, (m, 5)) * step for m in (n, 50))
    rows, X = (np.where(rng.random(t.shape) < 0.2, np.nan, t) for t in (rows, X))
    est = KNNImputer(n_neighbors=k, weights=weights, keep_empty_features=True).fit(rows)
    ours = TensorAccelerated(est, device="cpu")
    for table in (X, rows, np.vstack([X, rows + step / 3])):
        assert_same(ours.transform(table), est.transform(table))
    if step * values < 2.0**24:
        assert answer(op_of(est), torch.from_numpy(X))[:, -1].all()


@pytest.mark.parametrize("scale", [1e-160, 1e-6, 1.0, 1e6, 1e150, 1e200])
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_values_of_any_size(weights, scale):
    est = KNNImputer(weights=weights).fit(HOLED[:400] * scale)
    assert_answers_alike(est, HOLED[400:] * scale, compiled=False)


def test_doubles_of_fixed_rows_are_no_doubt():
    """Of rows that are equally far, any may be taken where they have the same value."""
    est = KNNImputer(n_neighbors=2).fit(np.repeat(HOLED[:200], 3, axis=0))
    op, X = op_of(est), torch.from_numpy(HOLED[200:])
    assert answer(op, X)[:, -1].all()
    assert_answers_alike(est, HOLED[200:])


def test_a_single_donor_and_none():
    rows = ROWS[:50].copy()
    rows[1:, 3] = np.nan
    rows[0, :3] = np.nan  # what has the fourth column lacks the others
    X = np.array([[1.0, 2, 3, np.nan, *[np.nan] * (WIDTH - 4)], ROWS[60], [np.nan] * WIDTH])
    X[1, 3] = np.nan
    for weights in ("uniform", "distance"):
        assert_answers_alike(KNNImputer(weights=weights).fit(rows), X)


def op_of(est):
    rows = np.where(est._mask_fit_X, np.nan, est._fit_X)
    x = Input(Signature(rows.shape[1], torch.float64))
    columns, seen = np.ascontiguousarray(rows.T), 5e-11 if est.weights == "distance" else 0.0
    means = np.nansum(rows, axis=0) / np.maximum(1, (~est._mask_fit_X).sum(axis=0))
    slack = 4 * (rows.shape[1] + 8) * 2.0**-52
    return FillFromNearest(x, columns, means, est.n_neighbors, slack, seen)


def answer(op, X):
    columns, means = torch.from_numpy(op.columns), torch.from_numpy(op.means)
    return op.forward(X, columns, means, op.count, op.slack, op.seen)


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("table", ["apart", "doubles", "whole"])
def test_the_op_says_the_same_to_a_compiler(weights, table):
    """`torch.export` sees products and sorts, where eager calls go to a kernel."""
    holed = {
        "apart": HOLED,
        "doubles": np.vstack([HOLED[:100]] * 3),
        "whole": np.where(np.isnan(HOLED), np.nan, np.round(2 * HOLED)),
    }[table]
    X = torch.from_numpy(np.vstack([holed[-150:], np.full((1, WIDTH), np.nan), ROWS[:1]]))
    op = op_of(KNNImputer(n_neighbors=3, weights=weights).fit(holed[:200]))

    class Filled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("columns", torch.from_numpy(op.columns))
            self.register_buffer("means", torch.from_numpy(op.means))

        def forward(self, X):
            return op.forward(X, self.columns, self.means, op.count, op.slack, op.seen)

    rows = {0: torch.export.Dim.DYNAMIC}
    exported = torch.export.export(Filled(), (X,), dynamic_shapes=(rows,)).module()
    for some in (X, X[:7]):
        eager, traced = answer(op, some), exported(some)
        sure = traced[:, -1] > 0
        assert eager[sure, -1].all()
        torch.testing.assert_close(eager[sure], traced[sure], rtol=1e-10, atol=1e-10)
    assert sure.all() or table == "whole"
    assert answer(op, X)[:, -1].all()  # NumPy tells whom of many it prefers


def test_sums_that_round_are_not_exact():
    whole = np.where(np.isnan(HOLED), np.nan, np.round(100 * HOLED))
    exact = {"n_neighbors": 1}, {}, {"n_neighbors": 1, "weights": "distance"}
    assert [op_of(KNNImputer(**facts).fit(HOLED)).exact for facts in exact] == [True, False, False]
    assert [op_of(KNNImputer(**facts).fit(whole)).exact for facts in exact] == [True, True, False]
    assert op_of(KNNImputer().fit(whole / 64)).exact
    assert not op_of(KNNImputer().fit(whole / 100)).exact
    assert not op_of(KNNImputer().fit(np.vstack([whole, whole * 2.0**50]))).exact


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_in_pipelines(weights):
    imputer = KNNImputer(weights=weights)
    for pipe in (
        make_pipeline(imputer, StandardScaler(), LogisticRegression()),
        make_pipeline(StandardScaler(), imputer, LogisticRegression()),
        make_pipeline(imputer, RandomForestClassifier(5, random_state=0)),
    ):
        ours = assert_answers_alike(pipe.fit(HOLED[:400], Y[:400]), HOLED[400:])
        frame = pd.DataFrame(HOLED, columns=[f"c{i}" for i in range(WIDTH)])
        assert_answers_alike(pipe.fit(frame[:400], Y[:400]), frame[400:])
        assert_same(
            pickle.loads(pickle.dumps(ours)).predict(frame[400:]), pipe.predict(frame[400:])
        )


def test_many_rows_take_the_fast_path():
    X = np.random.default_rng(1).normal(size=(20_000, WIDTH))
    X[np.random.default_rng(2).random(X.shape) < 0.05] = np.nan
    est = KNNImputer().fit(X[:1000])
    op = op_of(est)
    assert answer(op, torch.from_numpy(X))[:, -1].all()
    assert_same(TensorAccelerated(est, device="cpu").transform(X[-500:]), est.transform(X[-500:]))
