"""`fold_affine`: one product of a chain, within rounding, and as careful as the chain was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA, FactorAnalysis, FastICA, SparsePCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, OneHotEncoder, StandardScaler

from sktensor.compiler import build
from sktensor.graph import evaluate, rewrite, walk
from sktensor.ops import (
    Arith,
    Between,
    Cast,
    Column,
    Concat,
    Decided,
    Finite,
    Input,
    MatMul,
    Op,
    Retreat,
    Select,
    Several,
)
from sktensor.passes.fold_affine import fold_affine
from sktensor.program import Program
from sktensor.table import Signature, signature_of

from .cases import data as d
from .support import assert_answers_alike, assert_same, fitted_quietly

RNG = np.random.default_rng(0)
N = 5
MEAN, SCALE = RNG.normal(size=N), RNG.uniform(0.1, 5, N) * [1, -1, 1, 1, 1]
PROJECT, WEIGHT = RNG.normal(size=(N, 3)), RNG.normal(size=(N, 2))
ROWS = RNG.normal(size=(60, N)) * SCALE + MEAN
CPU = torch.device("cpu")


def table(dtype: torch.dtype = torch.float64) -> Input:
    return Input(Signature(N, dtype))


def count(op: Op, *kinds: type) -> int:
    return sum(isinstance(x, kinds) for x in walk(op))


@pytest.mark.parametrize(
    ("graph", "sums"),
    [
        (MatMul((table() - MEAN) / SCALE, WEIGHT) + np.ones(2), 1),
        (MatMul(Finite(table() - MEAN) / SCALE, WEIGHT), 1),
        (MatMul((table() - MEAN) / SCALE, WEIGHT[:, 0]) + np.ones(1), 1),
        (MatMul(table() * SCALE + MEAN, WEIGHT) + np.ones(1), 1),
        (MatMul(table() / SCALE, WEIGHT), 0),
        (MatMul(table() * np.array([2.0]), WEIGHT), 0),
        (MatMul(MatMul(table(), PROJECT), WEIGHT[:3]), 0),
        (MatMul(MatMul((table() - MEAN) / SCALE, PROJECT) + np.ones(3), WEIGHT[:3]) + MEAN[:2], 1),
        (MatMul(MatMul(table() - MEAN, PROJECT) / MEAN[:3], WEIGHT[:3, 0]) + MEAN[:1], 1),
        (MatMul(Concat(((t := table()) / SCALE, t - MEAN)), np.ones((10, 2))), 1),
        (MatMul(Concat(((t := table()) / SCALE, MatMul(t, PROJECT))), np.ones((8, 2))), 0),
    ],
)
def test_fires_and_answers_alike(graph, sums):
    folded = rewrite(graph, fold_affine)
    assert count(folded, Arith) == sums
    assert count(folded, MatMul) == 1 + any(x.weight is PROJECT for x in products(folded))
    assert_same(evaluate(folded, ROWS), evaluate(graph, ROWS))
    assert rewrite(folded, fold_affine) is folded


def products(op: Op) -> list[MatMul]:
    return [x for x in walk(op) if isinstance(x, MatMul)]


@pytest.mark.parametrize(
    "graph",
    [
        MatMul(table(), WEIGHT),
        MatMul(Finite(table()), WEIGHT),
        MatMul(table(torch.float32) / SCALE.astype("f4"), WEIGHT.astype("f4")),
        MatMul(Cast(table(torch.float32) / SCALE.astype("f4"), torch.float64), WEIGHT),
        MatMul((table() - np.full(N, 1e3)) / SCALE, WEIGHT),  # far from 0 for its spread
        MatMul((table() - MEAN) / np.array([1, 2, 3, 4, 1e-5]), WEIGHT),
        MatMul(table() / np.array([1.0, 0, 1, 1, 1]), WEIGHT),
        MatMul(table() * np.array([0.0, 1, 1, 1, 1]), WEIGHT),
        MatMul(table() * np.array([np.inf, 1, 1, 1, 1]), WEIGHT),
        MatMul(table() / SCALE, WEIGHT * 1e100),
        MatMul(table() / np.full(N, 1e-120), WEIGHT),
        MatMul(MatMul(table(), PROJECT[:, :1]), np.ones((1, 4))),  # more to multiply
        MatMul(SCALE / table(), WEIGHT),
        (table() - MEAN) + SCALE,
    ],
)
def test_declines(graph):
    assert rewrite(graph, fold_affine) is graph


def test_a_product_behind_one_that_declines_does_not_take_it():
    graph = MatMul(MatMul((table() - np.full(N, 1e6)) / SCALE, PROJECT), WEIGHT[:3])
    folded = rewrite(graph, fold_affine)
    assert count(folded, MatMul) == 2
    assert_same(evaluate(folded, ROWS + 1e6), evaluate(graph, ROWS + 1e6))


def test_columns_of_which_nothing_is_taken_are_left_out():
    weight = np.zeros((N, 4))
    weight[3] = 1.0, 2.0, 3.0, 0.0
    for graph in (MatMul(table(), weight), MatMul((table() - MEAN) / SCALE, weight)):
        folded = rewrite(graph, fold_affine)
        assert [x.columns.tolist() for x in walk(folded) if isinstance(x, Select)] == [[3]]
        assert_same(evaluate(folded, ROWS), evaluate(graph, ROWS))
        assert_refuses(Finite(folded))


def test_what_the_chain_refused_is_refused():
    assert_refuses(Finite(rewrite(MatMul((table() - MEAN) / SCALE, WEIGHT), fold_affine)))


def assert_refuses(graph: Op) -> None:
    program = Program(graph, CPU)
    program(ROWS)
    for bad in (np.nan, np.inf, -np.inf, 1.7e308, -1e308):
        for column in range(N):
            rows = ROWS.copy()
            rows[3, column] = bad
            with pytest.raises(Retreat):
                program(rows)


def test_products_share_their_guard():
    rows = (table() - MEAN) / SCALE
    graph = Several((MatMul(rows, WEIGHT), MatMul(rows, PROJECT)))
    assert count(rewrite(graph, fold_affine), Between) == 1


def decision(rows: Op, weight: np.ndarray) -> Op:
    scores = Column(MatMul(rows, weight), 0)
    return Decided(scores, rows, weight, 0.0)


@pytest.mark.parametrize(
    "rows",
    [
        (table() - MEAN) / SCALE,
        Concat(((t := table() - MEAN) / SCALE, t * SCALE)),
        MatMul((table() - MEAN) / SCALE, PROJECT),
    ],
)
def test_a_decision_is_taken_only_where_both_sums_agree(rows):
    weight = RNG.normal(size=(rows.width, 1))
    graph = decision(rows, weight)
    folded = rewrite(graph, fold_affine)
    assert count(folded, Arith) == 1
    program = Program(folded, CPU)
    refused = 0
    for row in ROWS:
        # To within a few floats of where the score is 0.
        low, high = row.copy(), row.copy()
        slope = evaluate(graph.x, row[None] + np.eye(N)[:1]) - evaluate(graph.x, row[None])
        at = row[0] - (evaluate(graph.x, row[None]) / slope)[0]
        low[0], high[0] = at - 1e-3, at + 1e-3
        near = np.repeat(row[None], 41, axis=0)
        near[:, 0] = at + np.spacing(at) * np.arange(-20, 21)
        for x in (*near, low, high):
            native = evaluate(graph.x, x[None])
            try:
                ours = program(x[None])
            except Retreat:
                refused += 1
                assert abs(x[0] - at) < 1e-4
            else:
                assert np.sign(ours) == np.sign(native)
    assert refused


def test_a_decision_about_a_row_of_zeros_knows_the_shift():
    rows = (table() - MEAN) / SCALE
    weight = np.zeros((N, 1))
    weight[:2, 0] = 1.0, -(MEAN[0] / SCALE[0]) / (MEAN[1] / SCALE[1])
    program = Program(rewrite(decision(rows, weight), fold_affine), CPU)
    with pytest.raises(Retreat):
        program(np.zeros((1, N)))


FRONTS = [
    StandardScaler(),
    make_pipeline(MinMaxScaler(), MaxAbsScaler()),
    make_pipeline(StandardScaler(), PCA(3)),
    make_pipeline(StandardScaler(), PCA(3, whiten=True)),
    make_column_transformer((StandardScaler(), [0, 2]), (MinMaxScaler(), [1, 3, 4])),
]


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize(
    ("final", "y"),
    [
        (Ridge(), d.Y_REAL),
        (Ridge(), d.Y_OUTPUTS),
        (Lasso(0.5), d.Y_REAL),
        (LogisticRegression(), d.Y_TEXT),
        (LogisticRegression(), d.Y_LABELS),
    ],
)
def test_pipelines_answer_alike(front, final, y):
    pipe = fitted_quietly(make_pipeline(front, final), d.X, y)
    assert_answers_alike(pipe, d.X)
    assert_answers_alike(pipe, d.X[:1])
    graphs = build(pipe, signature_of(d.X), d.X[:3])
    for method, root in graphs.roots.items():
        if "log" not in method:
            assert count(root, MatMul) == 1
            assert not any(x.fn in (torch.sub, torch.mul) for x in arithmetic(root))


def arithmetic(op: Op) -> list[Arith]:
    return [x for x in walk(op) if isinstance(x, Arith) and isinstance(x.y, np.ndarray)]


def test_beside_one_hot_columns_too():
    front = make_column_transformer(
        (StandardScaler(), ["a", "n"]), (OneHotEncoder(handle_unknown="ignore"), ["colour"])
    )
    pipe = fitted_quietly(make_pipeline(front, LogisticRegression()), d.FRAME, d.Y_MULTI)
    assert_answers_alike(pipe, d.FRAME)
    root = build(pipe, signature_of(d.FRAME), d.FRAME[:3]).roots["predict"]
    assert not any(x.fn in (torch.sub, torch.div) for x in arithmetic(root))


@pytest.mark.parametrize("offset", [0.0, 10.0, 1e3, 1e6])
def test_columns_far_from_zero(offset):
    X = d.X + offset
    for final, y in ((Ridge(), d.Y_REAL), (LogisticRegression(), d.Y_MULTI)):
        pipe = fitted_quietly(make_pipeline(StandardScaler(), final), X, y)
        for rows in (X, X[:1], X[5:6]):
            assert_answers_alike(pipe, rows)


@pytest.mark.parametrize("spread", [1e-3, 1e-5])
@pytest.mark.parametrize(
    "estimator",
    [
        LinearDiscriminantAnalysis(tol=1e-12),
        FactorAnalysis(2),
        FastICA(3, random_state=0, tol=0.1),
    ],
    ids=lambda e: type(e).__name__,
)
def test_columns_that_spread_by_little_for_where_they_lie(estimator, spread):
    X = 20 + spread * (d.X - d.X.mean(axis=0))
    estimator = fitted_quietly(estimator, X, d.Y_MULTI)
    assert_answers_alike(estimator, X, methods=("transform",))


def test_products_that_take_nothing():
    # SparsePCA may find components of zeros.
    native = make_pipeline(StandardScaler(), SparsePCA(6, random_state=0), LogisticRegression())
    native.fit(ROWS @ RNG.normal(size=(N, 9)), np.arange(60) % 2)
    native[1].components_[:] = 0.0
    assert_answers_alike(native, RNG.normal(size=(20, 9)))
    assert_answers_alike(native[:-1], RNG.normal(size=(20, 9)))
