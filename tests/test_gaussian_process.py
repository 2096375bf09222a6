"""Gaussian processes that classify: the border of two classes, and variances that cancel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import FeatureAgglomeration
from sklearn.decomposition import PCA
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process._gpc import _BinaryGaussianProcessClassifierLaplace
from sklearn.gaussian_process.kernels import RBF, Matern, RationalQuadratic, WhiteKernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktensor import TensorAccelerated

from .cases import data as d
from .support import assert_answers_alike, assert_same


@pytest.mark.parametrize("kernel", [RBF(3.0), 9.0 * Matern(2.0), RationalQuadratic(2.0)])
def test_rows_on_the_border_are_decided_as_natively(kernel):
    """Between two rows of different classes the border is found to the last bit."""
    est = GaussianProcessClassifier(kernel, optimizer=None).fit(d.X, d.Y_LABELS)
    found = est.predict(d.X)
    low, high = (d.X[found == label][:20].copy() for label in np.unique(found))
    n = min(len(low), len(high))
    low, high = low[:n], high[:n]
    at_low = est.predict(low)
    for _ in range(60):
        middle = (low + high) / 2
        same = (est.predict(middle) == at_low)[:, None]
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    ours = TensorAccelerated(est, device="cpu")
    for table in (d.X, low, high, (low + high) / 2):
        assert_same(ours.predict(table), est.predict(table))
        for row in table[:5]:
            assert_same(ours.predict(row[None]), est.predict(row[None]))


@settings(max_examples=30, deadline=None)
@given(
    st.floats(-3, 12),
    st.floats(-2, 2),
    st.floats(-3, 4),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_probabilities_of_any_kernel_are_those_that_are_natively(high, length, far, noisy, seed):
    """Of rows far from 0, of a kernel so high that a variance is what is left of large numbers."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(60, 3)) + 10**far
    kernel = 10**high * RBF(10**length) + (WhiteKernel(0.5) if noisy else WhiteKernel(1e-9))
    y = (rows[:, 0] + 0.3 * rng.normal(size=60) > 10**far).astype(int)
    est = GaussianProcessClassifier(kernel, optimizer=None).fit(rows, y)
    for table in (rows, rng.normal(size=(40, 3)) + 10**far, rng.normal(size=(5, 3)) * 1e4):
        assert_answers_alike(est, table, compiled=False)


def test_many_rows_behind_a_scaler():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_200, 10)) * 50 + 300
    y = np.digitize(X[:, 0] + 0.5 * X[:, 1], [430, 500])
    process = GaussianProcessClassifier(4.0 * RBF(3.0), optimizer=None)
    pipe = make_pipeline(StandardScaler(), process).fit(X[:200], y[:200])
    assert_answers_alike(pipe, X[200:])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_members_that_run_natively_read_an_array_where_a_frame_was_made(dtype):
    X = d.X.astype(dtype)
    process = GaussianProcessClassifier(Matern(nu=0.5), optimizer=None)
    pipe = make_pipeline(PCA(3).set_output(transform="pandas"), process).fit(X, d.Y_TEXT)
    assert_answers_alike(pipe, X, compiled=False)


def test_one_of_its_parts_warns_of_no_names():
    part = _BinaryGaussianProcessClassifierLaplace(optimizer=None)
    for front in (PCA(3), FeatureAgglomeration(1)):  # of which the second runs natively
        native = make_pipeline(front.set_output(transform="pandas"), part).fit(d.X, d.Y_BINARY)
        assert_answers_alike(native, d.X, compiled=False)
