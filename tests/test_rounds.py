"""Values predicted round by round: patterns of missing ones, and rounds that get out of hand."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.impute._iterative import IterativeImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktensor import TensorAccelerated
from sktensor.kernels import rounds_numba
from sktensor.ops import Input, Rounds
from sktensor.table import Signature

from .support import assert_answers_alike, assert_same, fitted_quietly


def table(n, width, share, seed, scale=1.0):
    """Rows that depend on some hidden values, and of which a share is missing."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 2)) @ rng.normal(size=(2, width))
    X = scale * (hidden + 0.5 * rng.normal(size=(n, width))) * np.logspace(-3, 3, width)
    X[rng.random(X.shape) < share] = np.nan
    return X


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 9),
    st.sampled_from([0.0, 0.05, 0.5, 0.9]),
    st.integers(1, 4),
    st.sampled_from([1.0, 1e-6, 1e6]),
    st.integers(0, 2**31),
)
def test_patterns_of_missing_values(width, share, rounds, scale, seed):
    """Also rows that lack all, and columns that lacked nothing when they were fitted."""
    imputer = IterativeImputer(max_iter=rounds, random_state=0)
    est = fitted_quietly(imputer, table(80, width, share / 2, seed, scale))
    X = table(60, width, share, seed + 1, scale)
    ours = TensorAccelerated(est, device="cpu")
    for some in (X, X[:1], X[:7], np.full((3, width), np.nan), np.vstack([X, X[:1] * np.nan])):
        assert_same(ours.transform(some), est.transform(some))


def test_columns_in_another_order_and_in_front_of_others():
    frame = pd.DataFrame(table(300, 5, 0.1, 0), columns=list("abcde"))
    pipe = make_pipeline(
        IterativeImputer(random_state=0, max_iter=3), StandardScaler(), LogisticRegression()
    )
    pipe = fitted_quietly(pipe, frame, frame["a"].fillna(0) > 0)
    ours = assert_answers_alike(pipe, frame)
    with pytest.raises(ValueError, match="feature names"):
        ours.predict(frame[list("edcba")])


def test_rounds_that_get_out_of_hand_are_natively_so():
    """Each round of such members makes more of what the last one was off."""
    X = table(200, 4, 0.3, 1)
    est = fitted_quietly(IterativeImputer(LinearRegression(), random_state=0, max_iter=10), X)
    for step in est.imputation_sequence_:
        step.estimator.coef_ = np.sign(step.estimator.coef_) * 30.0
    ours = TensorAccelerated(est, device="cpu")
    for some in (X, np.nan_to_num(X)):
        assert_same(ours.transform(some), est.transform(some))


def test_columns_that_never_had_a_value_and_are_kept():
    X = np.column_stack([table(50, 3, 0.2, 2), np.full(50, np.nan)])
    imputer = IterativeImputer(random_state=0, max_iter=2, keep_empty_features=True)
    est = fitted_quietly(imputer, X.copy())
    ours = TensorAccelerated(est, device="cpu")
    assert_same(ours.transform(X.copy()), est.transform(X.copy()))


def test_the_op_says_the_same_to_a_compiler():
    """`torch.export` sees steps of tensors, where eager calls go to a kernel."""
    X = table(40, 4, 0.3, 3)
    X[7] = np.nan
    x, filled = Input(Signature(4, torch.float64)), Input(Signature(4, torch.float64))
    rng = np.random.default_rng(3)
    ends = np.full(4, -0.5), np.full(4, 0.5)
    op = Rounds(
        x,
        filled,
        (0, 1, 2, 3) * 2,
        rng.normal(size=(8, 4)),
        np.ones(8),
        *ends,
        np.ones((8, 2)),
        1e-15,
    )

    class Alone(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for i, array in enumerate(op.arrays):
                self.register_buffer(f"constant_{i}", torch.from_numpy(array))

        def forward(self, x, filled):
            return op.forward(x, filled, op.columns, *self.buffers(), op.rounding)

    rows = (torch.from_numpy(X), torch.from_numpy(np.nan_to_num(X)))
    exported = torch.export.export(Alone(), rows).module()(*rows)
    others = np.delete(np.arange(40), 7)
    np.testing.assert_allclose(exported[others], Alone()(*rows)[others], rtol=1e-12)
    assert exported[7, -1] == np.inf


@pytest.mark.parametrize("seed", range(3))
def test_how_far_off_predictions_are(seed):
    """What the kernel says is about what rounding comes to, seen by sums in more digits."""
    rng = np.random.default_rng(seed)
    n, width, steps = 200, 6, 12
    x = np.where(rng.random((n, width)) < 0.4, np.nan, rng.normal(size=(n, width)))
    filled = np.where(np.isnan(x), 0.1, x)
    columns = np.arange(steps) % width
    weights = rng.normal(size=(steps, width)) / 2
    weights[np.arange(steps), columns] = 0
    intercepts, low, high = rng.normal(size=steps), np.full(width, -9.0), np.full(width, 9.0)
    out = np.empty((n, width + 1))
    eps = np.finfo(float).eps
    signs = rng.choice([-1.0, 1.0], (steps, 8))
    rounds_numba.impute(x, filled, columns, weights, intercepts, low, high, signs, 4 * eps, out)
    rows = filled.astype(np.longdouble)
    for s, c in enumerate(columns):
        found = np.clip(rows @ weights[s].astype(np.longdouble) + intercepts[s], -9.0, 9.0)
        rows[:, c] = np.where(np.isnan(x[:, c]), found, rows[:, c])
    some = np.isfinite(out[:, -1])
    apart = np.abs(out[some, :-1] - rows[some]).astype(float)
    shares = apart / (np.abs(out[some, :-1]) + 1)
    assert (shares.max(axis=1) <= out[some, -1] + eps).all()
    assert out[some, -1].max() < 1e-12
