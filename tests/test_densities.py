"""Densities by all rows at once, beside a tree whose own rounding shows where they are low."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktensor import TensorAccelerated

from .support import assert_answers_alike, assert_same


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["kd_tree", "ball_tree"]),
    st.booleans(),
    st.integers(1, 6),
    st.integers(1, 60),
    st.floats(-2, 1.5),
    st.floats(-3, 5),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_densities_are_those_of_the_tree(
    algorithm, breadth_first, width, leaf_size, bandwidth, far, weighted, seed
):
    """Every row on its own, so that none may hide behind a larger answer."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(400, width)) * 10 ** rng.uniform(-1, 1, width) + 10**far
    X = rng.normal(size=(30, width)) * 10 ** rng.uniform(-2, 1, (30, 1)) + rows[:30]
    est = KernelDensity(
        bandwidth=10**bandwidth,
        algorithm=algorithm,
        breadth_first=breadth_first,
        leaf_size=leaf_size,
    )
    est.fit(rows, sample_weight=10 ** rng.uniform(-4, 0, 400) if weighted else None)
    ours, native = TensorAccelerated(est, device="cpu").score_samples(X), est.score_samples(X)
    for one, other in zip(ours, native, strict=True):
        assert abs(one - other) <= 1e-10 * (1 + abs(other))


@pytest.mark.parametrize("n_rows", [1, 30_000])
def test_only_rows_far_from_all_are_looked_at_by_the_tree(n_rows):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1500, 2))
    X = rng.normal(size=(n_rows, 2))
    X[:1] = 6.0
    est = KernelDensity(bandwidth="scott").fit(rows)
    ours = TensorAccelerated(est, device="cpu")
    answer = ours.score_samples(X)
    assert_same(answer[::300], est.score_samples(X[::300]))
    assert answer[0] == est.score_samples(X[:1])[0]  # to the last bit: by the same function
    assert ours.explain("score_samples").steps[0].backend == "torch"


def test_behind_a_scaler():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(900, 3)) * [1.0, 50.0, 1e4] + 1e5
    pipe = make_pipeline(StandardScaler(), KernelDensity(bandwidth=0.8)).fit(X[:600])
    for table in (X, X[:1], X.astype("f"), X + 4e4):
        assert_answers_alike(pipe, table, compiled=False)
    assert_answers_alike(pipe, X)
