"""`fold_polynomial`: a quadratic form for products of columns, within rounding, and as careful."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sktensor.compiler import build
from sktensor.graph import evaluate, rewrite, walk
from sktensor.ops import (
    Between,
    Concat,
    Decided,
    Finite,
    Input,
    Map,
    MatMul,
    Op,
    Products,
    Quadratic,
    Retreat,
    Select,
    Several,
)
from sktensor.passes.fold_polynomial import LARGEST, fold_polynomial
from sktensor.program import Program
from sktensor.table import Signature, signature_of

from .cases import data as d
from .support import assert_answers_alike, assert_same, fitted_quietly

RNG = np.random.default_rng(0)
N = 4
ROWS = RNG.normal(size=(60, N)) * [1, 5, 1e-3, 100]
CPU = torch.device("cpu")


def table(dtype: torch.dtype = torch.float64) -> Input:
    return Input(Signature(N, dtype))


def weight(x: Op, n: int = 2) -> np.ndarray:
    assert x.width is not None
    return RNG.normal(size=(x.width, n))


def ones(x: Op) -> Op:
    return Map(Select(x, np.array([0])), torch.ones_like)


def polynomial(x: Op, distinct: bool = False) -> Op:
    """As the converter makes it."""
    return Concat((ones(x), Finite(Products(x, 2, distinct))))


def product(rows: Op, n: int = 2) -> MatMul:
    return MatMul(rows, weight(rows, n))


def bounded(x: Op, most: float) -> Op:
    assert x.width is not None
    ends = np.full(x.width, most)
    return Between(x, x, -ends, ends)


@pytest.mark.parametrize(
    "graph",
    [
        product(polynomial(table())),
        product(polynomial(table()), 1) + np.ones(1),
        product(polynomial(table()), 16),
        product(polynomial(table(), distinct=True)),
        product(Products(table(), 2, False)),
        product(Select(Products(table(), 2, False), np.arange(N, N + 10))),
        product(Select(polynomial(table()), np.array([14, 0, 3, 5]))),
        product(bounded(polynomial(table()), 1e100)),
        product(polynomial((table() - 1.0) / 3.0)),
        MatMul(polynomial(table()), weight(polynomial(table()))[:, 0]),
    ],
)
def test_fires_and_answers_alike(graph):
    folded = rewrite(graph, fold_polynomial)
    kinds = [type(op) for op in walk(folded)]
    assert Quadratic in kinds
    assert Products not in kinds
    assert MatMul not in kinds
    assert folded.width == graph.width
    for rows in (ROWS, ROWS[:1], ROWS[:0], np.zeros((3, N)), -ROWS * 1e40):
        assert_same(evaluate(folded, rows), evaluate(graph, rows))
        program = Program(folded, CPU)
        assert_same(program(rows), evaluate(graph, rows))
    assert rewrite(folded, fold_polynomial) is folded


@pytest.mark.parametrize(
    "graph",
    [
        product(Products(table(), 3, False)),
        product(Concat((table(), Products(table(), 2, False)))),
        product(Concat((Products(table(), 2, False), Products(table(), 2, False)))),
        product(Select(polynomial(table()), np.array([1, 1]))),
        product(bounded(polynomial(table()), 1e90)),
        product(ones(table())),
        product(polynomial(table()), 17),
        MatMul(polynomial(table()), np.full((15, 2), 1e99)),
        product(polynomial(table(torch.float32))),
        MatMul(polynomial(table()), weight(polynomial(table())).astype(np.float32)),
        product(Finite(Products(table(), 2, False), allow_nan=True)),
        product(table()),
    ],
)
def test_declines(graph):
    assert rewrite(graph, fold_polynomial) is graph


def test_columns_of_one_array_that_come_twice_are_left():
    x = table()
    graph = product(Concat((Products(x, 2, False), Products(x, 2, True))))
    assert rewrite(graph, fold_polynomial) is graph


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e154, -2 * LARGEST])
@pytest.mark.parametrize("n_rows", [3, 200])
def test_rows_whose_products_may_overflow_are_left_to_the_native_method(value, n_rows):
    folded = rewrite(product(polynomial(table())), fold_polynomial)
    rows = np.ones((n_rows, N))
    rows[-1, 2] = value
    with pytest.raises(Retreat):
        Program(folded, CPU)(rows)


def decision(rows: Op, n: int, signs: bool = False) -> tuple[Op, np.ndarray]:
    w = weight(rows, n)
    score = MatMul(rows, w) if n > 1 else MatMul(rows, w[:, 0])
    return Decided(score, rows, w if n > 1 else w[:, 0], 0.0, signs), w


@pytest.mark.parametrize(("n", "signs"), [(1, True), (3, False), (3, True)])
def test_a_decision_needs_no_products(n, signs):
    rows = polynomial(table())
    graph, w = decision(rows, n, signs)
    folded = rewrite(graph, fold_polynomial)
    assert not any(isinstance(op, Products) for op in walk(folded))
    assert_same(Program(folded, CPU)(ROWS), evaluate(graph, ROWS))
    # Its bound is no less than that of the products, and not much more.
    products = np.abs(evaluate(rows, ROWS)) @ np.abs(w)
    bound = evaluate(folded.rows, ROWS) * folded.weight
    assert (bound.reshape(len(ROWS), -1) >= products * (1 - 1e-12)).all()
    assert folded.terms >= len(w)


def test_a_tie_is_left_to_the_native_method():
    rows = polynomial(table())
    w = np.zeros((15, 2))
    w[5] = w[0] = [1.0, 1.0 + 1e-16]
    folded = rewrite(Decided(MatMul(rows, w), rows, w, 0.0), fold_polynomial)
    with pytest.raises(Retreat):
        Program(folded, CPU)(ROWS)


@given(hnp.arrays(float, (5, N), elements=st.floats(-1e6, 1e6)))
def test_sums_that_cancel_are_as_near_as_the_products_are(rows):
    """Within rounding of the magnitudes added up, which is all that any order of a sum gives."""
    expanded = polynomial(table())
    w = np.array([(-1.0) ** i * (1 + i % 3) for i in range(15)])[:, None]
    folded = rewrite(MatMul(expanded, w), fold_polynomial)
    terms = evaluate(expanded, rows)
    off = np.abs(evaluate(folded, rows) - terms @ w)
    assert (off <= 40 * np.finfo(float).eps * (np.abs(terms) @ np.abs(w))).all()


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(
            SimpleImputer(), StandardScaler(), PolynomialFeatures(2), LogisticRegression()
        ),
        make_pipeline(StandardScaler(), PolynomialFeatures(2), StandardScaler(), RidgeClassifier()),
        make_pipeline(PolynomialFeatures(2, interaction_only=True), LinearRegression()),
        make_pipeline(PolynomialFeatures((2, 2), include_bias=False), LinearRegression()),
        make_pipeline(StandardScaler(), PolynomialFeatures(2), PCA(3), RidgeClassifier()),
    ],
)
def test_a_pipeline_builds_no_products_and_answers_alike(estimator):
    X, y = d.X, d.Y_MULTI
    fitted = fitted_quietly(estimator, X, y)
    graphs = build(fitted, signature_of(X))
    together = Several(tuple(graphs.roots.values()))
    assert not any(isinstance(op, Products) for op in walk(together))
    assert any(isinstance(op, Quadratic) for op in walk(together))
    assert_answers_alike(fitted, X)
    assert_answers_alike(fitted, X[:1])
    assert_answers_alike(fitted, np.tile(X, (20, 1)))
