"""A hundred thousand sparse columns are multiplied as they are stored, or answered natively."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from sktensor import TensorAccelerated

from .support import assert_same, fitted_quietly

ROWS, COLUMNS = 1_000, 100_000  # 800 MB if it were dense
X = sparse.csr_matrix(
    sparse.random(ROWS, COLUMNS, 1e-4, format="csr", random_state=np.random.default_rng(0))
)
Y = np.arange(ROWS) % 2


@pytest.mark.parametrize(
    ("estimator", "backend"),
    [
        (LogisticRegression(max_iter=5), "torch"),
        (make_pipeline(MaxAbsScaler(), Ridge(solver="sparse_cg", max_iter=5)), "torch"),
        (RandomForestClassifier(2, max_depth=3, random_state=0), "native"),
    ],
)
def test_nothing_is_made_dense(estimator, backend):
    fitted = fitted_quietly(estimator, X, Y)
    ours = TensorAccelerated(fitted, device="cpu")
    ours.predict(X[:2])
    tracemalloc.start()
    try:
        answer = ours.predict(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6
    assert_same(answer, fitted.predict(X))
    assert {step.backend for step in ours.explain("predict").steps} == {backend}
