"""Sparse input that is odd, damaged, native, wide or close to a tie."""

from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse as sp
from sklearn import linear_model as lm
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.frozen import FrozenEstimator
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, Normalizer
from sklearn.random_projection import GaussianRandomProjection

from sktensor import TensorAccelerated, Unsupported
from sktensor.graph import evaluate, walk
from sktensor.ops import CsrProduct, CsrScale, CsrSelect, CsrSizes, Input, Retreat, ValidCsr
from sktensor.program import Program, few_rows
from sktensor.table import Signature

from .support import assert_answers_alike, assert_same, assert_same_outcome, fitted_quietly
from .test_csr import CHAINS, DENSE, LR, RNG, WIDTH, Y_MULTI, X, Y, shuffled


def with_room(X):
    """More memory than values, as in-place edits leave it."""
    X = X.copy()
    X.data, X.indices = np.append(X.data, [1.0, 2.0]), np.append(X.indices, [0, 0])
    return X


def broken(change):
    table = X.copy()
    change(table)
    return table


def _set(array, i, value):
    array[i] = value


ODD = {
    "nan": broken(lambda t: _set(t.data, 5, np.nan)),
    "inf": broken(lambda t: _set(t.data, -1, np.inf)),
    "opposite infinities": broken(lambda t: _set(t.data, slice(0, 2), [np.inf, -np.inf])),
    "overflow": broken(lambda t: _set(t.data, slice(0, 9), 1e308)),
    "room": with_room(X),
    "room with nan": broken(lambda t: setattr(t, "data", np.append(t.data, np.nan))),
    "wide": sp.hstack([X, X], format="csr"),
    "narrow": X[:, :-1],
    "no rows": X[:0],
    "no rows, narrow": X[:0, :-1],
    "complex": X.astype(complex),
    "long double": X.astype(np.longdouble),
    "swapped": broken(lambda t: setattr(t, "data", t.data.astype(">f8"))),
    "lil": X.tolil(),
    "dok": X.todok(),
    "bsr": X.tobsr(),
    "dia": X[:30, :30].todia(),
    "one-dimensional": sp.coo_array(DENSE[0]),
}


@pytest.mark.parametrize("table", ODD.values(), ids=ODD)
@pytest.mark.parametrize(
    "kind", [LR, lm.Ridge(), lm.ElasticNet(), make_pipeline(MaxAbsScaler(), LR)]
)
def test_what_no_program_is_made_for_is_answered_or_refused_natively(kind, table):
    estimator = fitted_quietly(kind, X, Y)
    fast = TensorAccelerated(estimator, device="cpu")
    for _ in range(2):
        assert_same_outcome(lambda: fast.predict(table), lambda: estimator.predict(table))
    assert_same(fast.predict(X), estimator.predict(X))


def test_what_is_stored_beside_the_rows_is_refused_as_natively():
    estimator = fitted_quietly(LR, X, Y)
    fast = TensorAccelerated(estimator, device="cpu")
    with pytest.raises(ValueError, match="NaN"):
        fast.predict(ODD["room with nan"])


@pytest.mark.parametrize("array", ["indices", "indptr"])
@pytest.mark.parametrize("value", [-1, WIDTH, 2**31 - 1, -(2**31)])
def test_no_memory_is_read_that_is_not_the_matrix(array, value):
    table = broken(lambda t: _set(getattr(t, array), 5, value))
    x = ValidCsr(Input(Signature(WIDTH, torch.float64, container="csr")), torch.float64)
    if array == "indptr" and value == WIDTH:
        value = table.indptr[5] = len(table.data) + 1
    ops = [CsrProduct(x, np.ones((WIDTH, n))) for n in (1, 3)] + [CsrProduct(x, np.ones(WIDTH))]
    ops += [CsrScale(x, np.ones(WIDTH))] * (array == "indices") + [CsrSizes(x)] * (
        array == "indptr"
    )
    for op in ops:
        with pytest.raises(Retreat):
            evaluate(op, table)


NATIVE = [
    (RandomForestClassifier(3, random_state=0), "sparse input"),
    (MultinomialNB(), "sparse input"),
    (make_pipeline(MaxAbsScaler(), RandomForestClassifier(3, random_state=0)), "sparse input"),
    (make_pipeline(Normalizer(), RandomForestClassifier(3, random_state=0)), "sparse input"),
    (make_pipeline(MaxAbsScaler(clip=True), LR), "clip")
    if hasattr(MaxAbsScaler(), "clip")
    else (MaxAbsScaler(), "an answer that is sparse"),
    (MaxAbsScaler(), "an answer that is sparse"),
    (SelectKBest(k=3), "an answer that is sparse"),
    (make_pipeline("passthrough", MaxAbsScaler()), "an answer that is sparse"),
]


@pytest.mark.parametrize(("estimator", "reason"), NATIVE)
def test_everything_else_is_native_and_says_why(estimator, reason):
    estimator = fitted_quietly(estimator, abs(X), Y)
    fast = assert_answers_alike(estimator, abs(X), compiled=False)
    reasons = [s.reason for s in fast.explain().steps if s.backend == "native"]
    assert any(reason in why for why in reasons), reasons
    method = "predict" if hasattr(estimator, "predict") else "transform"
    with pytest.raises(Unsupported, match=reason):
        getattr(TensorAccelerated(estimator, device="cpu", fallback="raise"), method)(abs(X))


def test_a_native_step_hands_a_sparse_matrix_on():
    estimator = fitted_quietly(make_pipeline(TfidfTransformer(), LR), abs(X), Y_MULTI)
    fast = assert_answers_alike(estimator, abs(X), compiled=False)
    backends = {s.estimator: s.backend for s in fast.explain("predict").steps}
    assert backends == {"TfidfTransformer": "native", "LogisticRegression": "torch"}


def test_nan_passes_a_scaler_and_a_selection_as_natively():
    table = X.copy()
    table.data[3] = np.nan
    column = table.indices[3]
    without = X.tolil()
    without[:, column] = 0
    estimator = fitted_quietly(make_pipeline(VarianceThreshold(), LR), without.tocsr(), Y)
    assert_answers_alike(estimator, table, native=("transform",))
    fitted = fitted_quietly(make_pipeline(MaxAbsScaler(), LR), X, Y)
    assert_answers_alike(fitted, table, compiled=False)


def test_without_the_names_that_were_fitted():
    frame = pd.DataFrame(DENSE, columns=[f"c{i}" for i in range(WIDTH)])
    for kind in (LR, lm.ElasticNet(), lm.Ridge()):
        assert_answers_alike(fitted_quietly(kind, frame, Y), X, compiled=False)


def test_sparse_coefficients():
    estimator = fitted_quietly(lm.SGDClassifier(random_state=0), X, Y_MULTI).sparsify()
    assert_answers_alike(estimator, X)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_ties_and_near_ties_are_decided_as_natively(data):
    """Scores that are equal but for the order of their sums, and weights one ulp apart."""
    n = data.draw(st.integers(2, 6))
    k = data.draw(st.sampled_from([1, 3]))
    numbers = st.sampled_from([0.1, 0.2, 0.3, -0.3, -0.1, 0.7, 1e16, -1e16, 5e-324, -0.0, 1e-300])
    cells = data.draw(st.lists(st.tuples(st.integers(0, n - 1), numbers), max_size=12))
    columns, values = [c for c, _ in cells], [v for _, v in cells]
    table = sp.csr_matrix((values, columns, [0, 0, len(cells)]), shape=(2, n), dtype=float)
    y = np.arange(30) % (2 if k == 1 else 3)
    estimator = fitted_quietly(LR, RNG.normal(size=(30, n)), y)
    coef = np.array(data.draw(st.lists(numbers, min_size=n, max_size=n)))
    estimator.coef_ = np.stack([np.nextafter(coef, coef + i) for i in range(k)])
    estimator.intercept_ = np.array(
        [data.draw(st.sampled_from([0.0, -0.1, 0.30000000000000004]))] * k
    )
    fast = TensorAccelerated(estimator, device="cpu")
    for each in (table, table.tocoo(), sp.csr_array(table)):
        assert_same(fast.predict(each), estimator.predict(each))
        assert_same(fast.decision_function(each), estimator.decision_function(each))


def test_decisions_within_rounding_are_left_to_the_native_method():
    x = sp.csr_matrix([[0.1, 0.2, -0.3]])
    estimator = fitted_quietly(LR, RNG.normal(size=(30, 3)), np.arange(30) % 2)
    estimator.coef_, estimator.intercept_ = np.ones((1, 3)), np.zeros(1)
    fast = TensorAccelerated(estimator, device="cpu")
    fast.predict(x)
    engine = fast._engine()
    with pytest.raises(Retreat):
        engine.program("predict", x)(x)
    assert engine.program("decision_function", x)(x) == estimator.decision_function(x)
    assert_same(fast.predict(x), estimator.predict(x))


def test_the_ops_mean_what_scipy_does():
    x = ValidCsr(Input(Signature(WIDTH, torch.float64, container="csr")), torch.float64)
    weight, factor = RNG.normal(size=(WIDTH, 3)), RNG.normal(size=WIDTH)
    columns = np.array([3, 1, 1])
    assert_same(evaluate(CsrProduct(x, weight), X), X @ weight)
    assert_same(evaluate(CsrProduct(x, weight[:, 0]), X), X @ weight[:, 0])
    assert_same(evaluate(CsrScale(x, factor), X), (X @ sp.diags(factor)).tocsr(), exact=True)
    assert_same(evaluate(CsrSelect(x, columns), X), X[:, columns], exact=True)
    sizes = np.diff(X.indptr) * np.asarray(abs(X).sum(axis=1))[:, 0]
    assert_same(evaluate(CsrSizes(x), X)[:, 0], sizes)
    program = Program(CsrProduct(x, weight), torch.device("cpu"))
    assert_same(program(X), evaluate(CsrProduct(x, weight), X), exact=True)


def test_nothing_is_made_dense():
    wide = sp.random(20_000, 5_000, density=0.002, format="csr", random_state=0)
    y = np.arange(20_000) % 3
    chain = make_pipeline(MaxAbsScaler(), SelectKBest(k=4_000), lm.SGDClassifier(max_iter=2))
    estimator = fitted_quietly(chain, wide, y)
    fast = TensorAccelerated(estimator, device="cpu")
    fast.predict(wide[:100])
    tracemalloc.start()
    answer = fast.predict(wide)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6  # the dense array has 800 MB
    np.testing.assert_array_equal(answer, estimator.predict(wide))


@pytest.mark.parametrize("batch_size", [None, 1, 64])
def test_over_blocks_and_threads(batch_size):
    tall = sp.vstack([X] * 400, format="csr")
    estimator = fitted_quietly(LR, X, Y_MULTI)
    fast = TensorAccelerated(estimator, device="cpu", batch_size=batch_size)
    tall = tall[:1500] if batch_size == 1 else tall
    assert_same(fast.predict(tall), estimator.predict(tall))
    assert_same(fast.predict_proba(tall), estimator.predict_proba(tall))


def test_the_rest_of_the_face():
    estimator = fitted_quietly(make_pipeline(MaxAbsScaler(), LR), X, Y)
    fast = pickle.loads(pickle.dumps(TensorAccelerated(estimator, device="cpu")))
    assert fast.score(X, Y) == estimator.score(X, Y)
    assert fast.verify(X)
    assert fast.verify(X.tocsc())
    frozen = TensorAccelerated(FrozenEstimator(estimator), device="cpu")
    assert_same(frozen.predict(X), estimator.predict(X))
    fitted = fitted_quietly(TensorAccelerated(LR, device="cpu"), X, Y)
    assert_same(fitted.predict(X), fitted.estimator_.predict(X))


def test_the_input_is_left_as_it_is():
    estimator = fitted_quietly(make_pipeline(MaxAbsScaler(), LR), X, Y)
    table = shuffled(X)
    before = table.copy()
    TensorAccelerated(estimator, device="cpu").predict(table)
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(table, name), getattr(before, name))


def test_no_op_reads_a_sparse_table_but_those_that_take_it():
    estimator = fitted_quietly(CHAINS[7], X, Y)
    fast = TensorAccelerated(estimator, device="cpu")
    fast.predict(X)
    root = fast._engine().program("predict", X).root
    readers = [op for op in walk(root) if any(x.stays_sparse for x in op.inputs)]
    assert readers
    assert all(op.takes_sparse for op in readers)


@pytest.mark.parametrize(
    "estimator",
    [TruncatedSVD(3, random_state=0), GaussianRandomProjection(3, random_state=0)],
    ids=lambda e: type(e).__name__,
)
def test_a_product_alone_of_which_no_more_is_made(estimator, monkeypatch):
    monkeypatch.setattr(few_rows, "NARROW_BYTES", 2**23)  # as it is outside of tests
    assert_answers_alike(fitted_quietly(estimator, X), X)
