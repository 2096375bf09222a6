"""Sums of kernels: what rounding may do to them, and what happens where it does."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import KernelPCA
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, NuSVC, OneClassSVM

from sktensor import TensorAccelerated
from sktensor.converters.kernels import kernel_sums
from sktensor.engine import Engine
from sktensor.graph import evaluate
from sktensor.ops import Guard, Input, MatMul
from sktensor.table import Signature

from .cases import data as d
from .support import assert_answers_alike, assert_same, assert_same_outcome

KINDS = ("linear", "cosine", "rbf", "poly", "sigmoid")


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.booleans(),
    st.integers(1, 300),
    st.integers(1, 30),
    st.floats(-3, 3),
    st.floats(-1, 3),
    st.integers(1, 5),
    st.integers(0, 2**32 - 1),
)
def test_sums_are_no_further_off_than_they_say(kind, centred, n, width, far, heavy, degree, seed):
    """Of rows of any length, ours are compared with sums in the library's order of arithmetic."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, width)) + rng.normal() * 10**far
    X = rng.normal(size=(40, width)) * 10 ** rng.uniform(-2, 1, (40, 1)) + rows.mean(axis=0)
    weight = rng.normal(size=(n, 2)) * 10 ** (heavy * rng.random((n, 1)))
    gamma, coef0, offset = 0.5 / width, rng.normal(), rng.normal(size=2)
    x = Input(Signature(width, torch.float64))
    f = kernel_sums(
        kind, x, rows, weight, offset, gamma=gamma, coef0=coef0, degree=degree, centred=centred
    )
    ours, native = evaluate(f.result, X), np.zeros((len(X), 2))
    for i, one in enumerate(X):
        for w, s in zip(weight, rows, strict=True):
            native[i] += w * _one_value(kind, one, s, gamma, coef0, degree, centred)
    native += offset
    apart = np.abs(ours - native)
    assert (apart <= evaluate(f.signs.of, X) * np.abs(ours)).all()


def _one_value(kind, x, s, gamma, coef0, degree, centred):
    product = float(x @ s)
    if kind == "cosine":
        return float((x / np.linalg.norm(x)) @ (s / np.linalg.norm(s)))
    if kind == "rbf":
        square = float((x - s) @ (x - s)) if centred else float(x @ x - 2 * product + s @ s)
        return np.exp(-gamma * max(square, 0.0))
    if kind == "linear":
        return product
    base = gamma * product + coef0
    return np.tanh(base) if kind == "sigmoid" else base**degree


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly", "sigmoid"])
@pytest.mark.parametrize("kind", [SVC, NuSVC, OneClassSVM])
def test_rows_on_the_border_are_decided_as_natively(kind, kernel):
    """Between two rows of different labels the border is found to the last bit."""
    est = kind(kernel=kernel, gamma=0.1)
    est.fit(d.X, d.Y_BINARY)
    found = est.predict(d.X)
    low, high = (d.X[found == label][:20] for label in np.unique(found))
    n = min(len(low), len(high))
    low, high = low[:n].copy(), high[:n].copy()
    at_low = est.predict(low)
    for _ in range(60):
        middle = (low + high) / 2
        same = (est.predict(middle) == at_low)[:, None]
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    ours = TensorAccelerated(est, device="cpu")
    assert_same(ours.predict(d.X), found)
    assert ours.explain("predict").steps[0].backend == "torch"
    for table in (low, high, (low + high) / 2, np.repeat(low, 40, axis=0)):
        assert_same_outcome(lambda t=table: ours.predict(t), lambda t=table: est.predict(t))
        for row in table[:5]:
            assert_same(ours.predict(row[None]), est.predict(row[None]))


@pytest.mark.parametrize("kernel", ["rbf", "poly"])
def test_classes_with_as_many_votes_are_decided_as_natively(kernel):
    """Of three classes in a circle each may win once: the first is taken."""
    rng = np.random.default_rng(0)
    angle = rng.integers(0, 3, 300)
    X = np.column_stack([np.cos(2.1 * angle), np.sin(2.1 * angle)]) + rng.normal(size=(300, 2))
    grid = np.stack(np.meshgrid(*[np.linspace(-3, 3, 120)] * 2), -1).reshape(-1, 2)
    for shape in ("ovr", "ovo"):
        est = SVC(kernel=kernel, decision_function_shape=shape).fit(X, angle)
        assert_answers_alike(est, grid)


@pytest.mark.parametrize("far", [1e3, 1e6])
def test_rows_far_from_zero_lose_no_digits(far):
    """libsvm looks at differences, and so do we, but for a shift."""
    for est, y in ((SVC(gamma=0.2), d.Y_LABELS), (SVR(gamma=0.2), d.Y_REAL)):
        assert_answers_alike(est.fit(d.X + far, y), d.X + far)


def test_sums_that_cancel_are_added_natively():
    close = np.repeat(d.X[:, :1], 3, axis=1) + 1e-4 * d.X[:, :3]
    for est in (
        KernelRidge(kernel="rbf", alpha=1e-12, gamma=1e-3),
        GaussianProcessRegressor(RBF(30.0), optimizer=None, alpha=1e-9),
    ):
        est.fit(close, d.Y_REAL)
        ours = assert_answers_alike(est, close, native=("predict",))
        assert "cancel" in ours.explain("predict").steps[0].reason


def test_rows_too_long_for_their_squares_are_answered_natively():
    est = SVC(gamma=1e-3).fit(d.X, d.Y_LABELS)
    ours = TensorAccelerated(est, device="cpu")
    for scale in (1e100, 1e160, 1e300):
        assert_same(ours.predict(d.X * scale), est.predict(d.X * scale))
        assert_same(ours.decision_function(d.X * scale), est.decision_function(d.X * scale))


def test_a_changed_kernel_is_noticed():
    process = GaussianProcessRegressor(RBF(2.0), optimizer=None, alpha=0.1).fit(d.X, d.Y_REAL)
    ours = TensorAccelerated(process, device="cpu")
    assert_same(ours.predict(d.X), process.predict(d.X))
    process.kernel_.length_scale = 1.0
    assert_same(ours.predict(d.X), process.predict(d.X))


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly", "sigmoid"])
def test_no_shift_is_folded_into_what_bounds_know_nothing_of(kernel):
    """A scaler in front of a machine stays where it is."""
    rows = d.X + 10
    pipe = make_pipeline(StandardScaler(), SVC(kernel=kernel)).fit(rows, d.Y_LABELS)
    assert_answers_alike(pipe, rows)
    program = Engine(pipe, torch.device("cpu")).program("decision_function", rows)
    products = [op for stage in program.stages for op in stage.ops if isinstance(op, MatMul)]
    for op in products:
        read = op.x
        while isinstance(read, Guard):
            read = read.x
        assert not isinstance(read, Input)


def test_embeddings_in_front_of_others():
    pipe = make_pipeline(StandardScaler(), KernelPCA(4, kernel="rbf"), LogisticRegression())
    assert_answers_alike(pipe.fit(d.X, d.Y_LABELS), d.X)
