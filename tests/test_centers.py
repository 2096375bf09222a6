"""Distances from centers: rows at a center, next to one, far from zero, and not finite."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import BisectingKMeans, KMeans, MiniBatchKMeans
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktensor import TensorAccelerated
from sktensor.ops import CenterDistances, Input
from sktensor.ops.centers import SeenTogether
from sktensor.table import Signature

from .support import assert_answers_alike, assert_same, assert_same_outcome

KINDS = (KMeans, MiniBatchKMeans, BisectingKMeans)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.integers(2, 6),
    st.sampled_from([1, 3, 30]),
    st.floats(0, 7),
    st.sampled_from([1e-9, 1e-4, 1.0, 1e4]),
    st.integers(0, 2**32 - 1),
)
def test_distances_are_the_native_ones(kind, k, width, far, near, seed):
    """Each distance to 1e-10 of the largest of its row, whose own digits may have cancelled."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, width)) + 10**far - 1
    est = kind(k, n_init=1, random_state=0).fit(X)
    ours = TensorAccelerated(est, device="cpu")
    close = est.cluster_centers_ + near * rng.normal(size=(k, width))
    for table in (X, close, est.cluster_centers_, X[:1]):
        answer, native = ours.transform(table), est.transform(table)
        assert_same(answer, native)
        for a, b in zip(answer, native, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * b.max())


@pytest.mark.parametrize("kind", KINDS)
def test_in_front_of_others_and_at_any_size(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 8))
    pipe = make_pipeline(StandardScaler(), kind(5, n_init=1, random_state=0), LogisticRegression())
    assert_answers_alike(pipe.fit(X, X[:, 0] > 0), X)
    for scale in (1e-200, 1e-6, 1e6, 1e200):
        est = kind(3, n_init=1, random_state=0).fit(X)
        for size in (1.0, min(scale, 1e150)):
            est.cluster_centers_ = est.cluster_centers_ * size
            ours = TensorAccelerated(est, device="cpu")
            for table in (X * scale, X):
                for some in (table, table[:3]):
                    assert_same_outcome(
                        lambda o=ours, s=some: o.transform(s),
                        lambda e=est, s=some: e.transform(s),
                    )


def test_many_rows_take_the_fast_path():
    X = np.random.default_rng(1).normal(size=(100_000, 2))
    centers = KMeans(5, n_init=1, random_state=0).fit(X[:2000]).cluster_centers_
    op = CenterDistances(Input(Signature(2, torch.float64)), centers)
    lengths = np.square(centers).sum(axis=1).max()
    distances = op.few(X)
    condition = SeenTogether(5.6e-6, lengths, 0.0)
    assert condition.few(distances)
    assert condition(torch.from_numpy(distances)).all()


def test_the_condition_sees_each_row():
    condition = SeenTogether(1e-3, 1.0, 0.5)
    for rows, holds in (
        ([[1.0, 2.0]], True),
        ([[1e-3, 1.0]], False),
        ([[1.0, 2.0], [0.0, 1.0]], False),
        ([[np.nan, 1.0]], False),
        ([[1.0, np.inf]], False),
        ([[0.1, 90.0], [0.2, 0.5]], False),
        ([[0.2, 80.0], [0.01, 0.6]], True),
    ):
        distances = np.array(rows)
        assert condition.few(distances) == holds, rows
        far = 1e-3 * (2 * distances.max(axis=1) ** 2 + 3)
        assert bool((distances.min(axis=1) * distances.max(axis=1) > far).all()) == holds
    assert condition.few(np.empty((0, 2)))


def test_the_op_says_the_same_to_a_compiler():
    rng = np.random.default_rng(2)
    centers, X = rng.normal(size=(6, 4)), torch.from_numpy(rng.normal(size=(50, 4)))
    op = CenterDistances(Input(Signature(4, torch.float64)), centers)
    condition = SeenTogether(1e-6, float(np.square(centers).sum(axis=1).max()), 0.0)

    class Distances(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("centers", torch.from_numpy(centers))

        def forward(self, X):
            distances = op.forward(X, self.centers)
            return distances, condition(distances)

    traced, holds = torch.export.export(Distances(), (X,)).module()(X)
    eager, holds_too = Distances()(X)
    apart = np.sqrt(np.square(X.numpy()[:, None] - centers).sum(axis=2))
    for distances in (eager.numpy(), traced.numpy(), op.few(X.numpy())):
        assert_same(distances, apart)
    assert holds.all()
    assert holds_too.all()
