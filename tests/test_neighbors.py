"""Neighbors: ties, rows at no distance, rows far from zero, and many rows in blocks."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktensor import TensorAccelerated
from sktensor.ops import Input, Nearest, Squares, nearest
from sktensor.ops.nearest import Closeness, Votes
from sktensor.table import Signature

from .support import assert_answers_alike, assert_same


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["kd_tree", "ball_tree", "brute"]),
    st.sampled_from(["uniform", "distance"]),
    st.integers(1, 6),
    st.sampled_from([1.0, 0.25, 1e-7, 1e-12]),
    st.floats(0, 7),
    st.integers(0, 2**32 - 1),
)
def test_neighbors_that_nearly_tie_vote_as_natively(algorithm, weights, k, step, far, seed):
    """Coordinates on a grid, moved by next to nothing: the k-th and the next are as far, or not."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 4, (60, 3)) * 1.0 + step * rng.integers(0, 3, (60, 3)) + 10**far
    X = rng.integers(0, 4, (50, 3)) * 1.0 + step * rng.integers(0, 3, (50, 3)) + 10**far
    facts = {"n_neighbors": k, "algorithm": algorithm, "weights": weights}
    classifier = KNeighborsClassifier(**facts).fit(rows, rng.integers(0, 3, 60))
    regressor = KNeighborsRegressor(**facts).fit(rows, rng.normal(size=60))
    for table in (X, rows, X[:1]):
        for est in (classifier, regressor):
            assert_same(TensorAccelerated(est, device="cpu").predict(table), est.predict(table))


@pytest.mark.parametrize("algorithm", ["kd_tree", "brute"])
@pytest.mark.parametrize("width", [3, 40])
def test_many_fixed_rows_are_looked_at_in_parts(algorithm, width, monkeypatch):
    monkeypatch.setattr(nearest, "ON_CPU", 500)
    rng = np.random.default_rng(0)
    rows, X = rng.normal(size=(700, width)), rng.normal(size=(333, width))
    est = KNeighborsClassifier(7, algorithm=algorithm).fit(rows, np.arange(700) % 5)
    assert_answers_alike(est, X)


def test_in_a_pipeline_behind_a_scaler():
    rng = np.random.default_rng(1)
    rows, X = (rng.normal(size=(n, 12)) * 100 + 1e4 for n in (3000, 500))
    pipe = make_pipeline(StandardScaler(), KNeighborsClassifier(weights="distance"))
    ours = assert_answers_alike(pipe.fit(rows, rows[:, 0] > 1e4), X)
    assert_same(ours.predict(rows), pipe.predict(rows))


def test_the_ops_say_the_same_to_a_compiler():
    """`torch.export` sees products and sorts, where eager calls go to kernels."""
    rng = np.random.default_rng(2)
    rows, X = rng.normal(size=(50, 4)), torch.from_numpy(rng.normal(size=(9, 4)))
    x = Input(Signature(4, torch.float64))
    found = Nearest(x, rows, -np.square(rows).sum(axis=1) / 2, 5)
    squares = Squares(x, rows, found)

    class Both(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("rows", torch.from_numpy(found.rows))
            self.register_buffer("offsets", torch.from_numpy(found.offsets))

        def forward(self, X):
            numbers = found.forward(X, self.rows, self.offsets, 5)
            return numbers, squares.forward(X, self.rows, numbers)

    eager = Both()(X)
    exported = torch.export.export(Both(), (X,)).module()(X)
    assert torch.equal(eager[0], exported[0])
    torch.testing.assert_close(eager[1], exported[1], rtol=1e-14, atol=0)
    apart = np.square(X.numpy()[:, None] - rows).sum(axis=2)
    assert_same(eager[0].numpy(), apart.argsort(axis=1)[:, :5])


def test_rows_at_no_distance_weigh_alone():
    squares = torch.tensor(
        [[4.0, 0.25], [0.0, 1.0], [0.0, 0.0], [5e-324, 1.0]], dtype=torch.float64
    )
    weights = Closeness(Input(Signature(2, torch.float64))).forward(squares)
    expected = [[0.5, 2.0], [1.0, 0.0], [1.0, 1.0], [1 / np.sqrt(5e-324), 1.0]]
    assert_same(weights.numpy(), np.array(expected))
    codes = torch.tensor([[0, 2], [1, 1], [2, 0], [0, 0]])
    votes = Votes(Input(Signature(2, torch.int64)), None, 3).forward(codes, None, 3)
    assert_same(votes.numpy(), np.array([[1.0, 0, 1], [0, 2, 0], [1, 0, 1], [2, 0, 0]]))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["kd_tree", "ball_tree", "brute"]),
    st.integers(1, 6),
    st.sampled_from(["auto", 0.1, 0.5]),
    st.sampled_from([1.0, 0.25, 1e-7, 1e-12]),
    st.floats(0, 7),
    st.integers(0, 2**32 - 1),
)
def test_outliers_among_near_ties_are_those_that_are_natively(
    algorithm, k, contamination, step, far, seed
):
    rng = np.random.default_rng(seed)
    rows, X = (
        rng.integers(0, 4, (60, 3)) * 1.0 + step * rng.integers(0, 3, (60, 3)) + 10**far
        for _ in range(2)
    )
    est = LocalOutlierFactor(k, algorithm=algorithm, contamination=contamination, novelty=True)
    est.fit(rows)
    for table in (X, rows, X[:1], X + rng.normal(size=X.shape)):
        # A decision is what is left of a score where the offset is subtracted.
        assert_answers_alike(est, table, methods=("predict", "score_samples"), compiled=False)


def test_outliers_are_told_without_the_names_of_columns():
    """It makes an array of a frame first, and misses the names in that."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(80, 4)), columns=list("abcd"))
    for rows in (frame, frame.to_numpy()):
        est = LocalOutlierFactor(novelty=True).fit(rows)
        for table in (frame, frame[list("dcba")], frame.to_numpy()):
            assert_answers_alike(est, table + 0.01)
