"""`fold_one_hot`: no indicator columns before a product, and the same answers."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.feature_selection import SelectFpr, SelectKBest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVR

from sktensor import TensorAccelerated
from sktensor.compiler import build
from sktensor.graph import evaluate, rewrite, walk
from sktensor.ops import Cast, Concat, Decided, Finite, Input, MatMul, OneHot, Retreat, Select
from sktensor.passes.fold_one_hot import fold_one_hot
from sktensor.program import Program
from sktensor.table import Signature, signature_of

from .cases import data as d
from .support import assert_answers_alike, assert_same, fitted_quietly

RNG = np.random.default_rng(0)
CODES = RNG.integers(-1, 3, (40, 2))
SIZES = (3, 4)


def codes():
    return Input(Signature(2, torch.int64))


def one_hots(op):
    return sum(isinstance(x, OneHot) for x in walk(op))


@pytest.mark.parametrize(
    "rows",
    [
        OneHot(codes(), SIZES),
        Cast(OneHot(codes(), SIZES, torch.float32), torch.float64),
        Concat((c := Cast(codes(), torch.float64), OneHot(c.x, SIZES))),
        Concat((OneHot(c.x, SIZES), c, OneHot(Select(c.x, np.array([1])), (4,)))),
        # what may lie between
        Finite(Concat((c, OneHot(c.x, SIZES)))),
        Select(Finite(Concat((c, OneHot(c.x, SIZES), c))), np.array([9, 3, 2, 5, 1])),
        Select(Concat((OneHot(c.x, SIZES), c)), np.array([6, 0])),
        Select(Select(OneHot(c.x, SIZES), np.array([4, 3, 1])), np.array([2, 0])),
        Concat((c, OneHot(c.x, SIZES))) / np.array([3.0, 7.0, 0.1, 0.3, 0.7, 1.1, 1.3, 9.0, 1e-9]),
        Concat((OneHot(c.x, SIZES), c)) * 0.1 / 0.3,
        Cast(Cast(OneHot(c.x, SIZES), torch.float32) / np.float32(0.3), torch.float64),
        Select(OneHot(c.x, SIZES) / np.arange(1.0, 8.0), np.array([5, 2])) * np.array([0.1, 7.0]),
    ],
)
@pytest.mark.parametrize("outputs", [(), (1,), (3,)])
def test_fires_and_answers_alike(rows, outputs):
    graph = MatMul(rows, RNG.normal(size=(rows.width, *outputs)))
    folded = rewrite(graph, fold_one_hot)
    assert one_hots(folded) == 0
    assert_same(evaluate(folded, CODES), evaluate(graph, CODES))


@pytest.mark.parametrize(
    "graph",
    [
        MatMul(Cast(codes(), torch.float64), np.ones((2, 1))),
        MatMul(OneHot(codes(), SIZES, torch.float32), np.ones((7, 1), np.float32)),
        Finite(OneHot(codes(), SIZES)),
        MatMul(Select(OneHot(codes(), SIZES), np.array([0, 0])), np.ones((2, 1))),
        MatMul(OneHot(codes(), SIZES) / np.arange(7.0), np.ones((7, 1))),
        MatMul(OneHot(codes(), SIZES) * np.full(7, np.inf), np.ones((7, 1))),
        MatMul(OneHot(codes(), SIZES) - 1.0, np.ones((7, 1))),
        MatMul(Cast(OneHot(codes(), SIZES), torch.int64), np.ones((7, 1))),
        MatMul(2.0 / OneHot(codes(), SIZES), np.ones((7, 1))),
    ],
)
def test_declines(graph):
    assert rewrite(graph, fold_one_hot) is graph


def test_a_guard_still_guards_what_is_dense():
    table = Input(Signature(3, torch.float64))
    positions = Cast(Select(table, np.array([0, 1])), torch.int64)
    rows = Finite(Concat((Select(table, np.array([2])), OneHot(positions, SIZES))))
    graph = MatMul(rows, np.zeros((8, 1)))
    program = Program(rewrite(graph, fold_one_hot), torch.device("cpu"))
    assert one_hots(program.root) == 0
    program(np.array([[0.0, 1.0, 2.0]]))
    with pytest.raises(Retreat):
        program(np.array([[0.0, 1.0, np.inf]]))


def test_a_guard_still_guards_what_is_taken_away():
    table = Input(Signature(3, torch.float64))
    positions = Cast(Select(table, np.array([0, 1])), torch.int64)
    dense = Select(table, np.array([2]))
    for rows in (Concat((Finite(dense), OneHot(positions, SIZES))), Finite(dense) * 2.0):
        rows = Concat((rows, OneHot(positions, SIZES)))
        product = MatMul(Select(rows, np.array([rows.width - 1])), np.ones((1, 2)))
        program = Program(rewrite(product, fold_one_hot), torch.device("cpu"))
        assert one_hots(program.root) == 0
        assert program(np.array([[0.0, 3.0, 2.0]])).tolist() == [[1.0, 1.0]]
        with pytest.raises(Retreat):
            program(np.array([[0.0, 3.0, np.nan]]))
    free = MatMul(Select(Concat((dense, OneHot(positions, SIZES))), np.array([3])), np.ones((1, 1)))
    assert not any(isinstance(op, Concat) for op in walk(rewrite(free, fold_one_hot)))


@pytest.mark.parametrize("final", [LogisticRegression(), Ridge(), LinearSVR()])
def test_pipelines_refuse_what_they_take_away(final):
    X = np.column_stack([d.X[:, :1], d.CODES[:, 0]])
    encoded = ColumnTransformer(
        [("number", StandardScaler(), [0]), ("code", OneHotEncoder(sparse_output=False), [1])]
    )
    y = (X[:, 1] == 1).astype(int)
    pipe = fitted_quietly(make_pipeline(encoded, SelectKBest(k=1), final), X, y)
    assert pipe[1].get_support()[0] == 0
    odd = X[:5].copy()
    odd[3, 0] = np.nan
    for rows in (X, odd, odd[:3]):
        assert_answers_alike(pipe, rows)


def test_a_step_that_selects_none_still_warns():
    kept = [("c", KBinsDiscretizer(3, encode="onehot-dense"), [0]), ("f", SelectFpr(alpha=0), [1])]
    pipe = make_pipeline(ColumnTransformer(kept), Ridge())
    pipe = fitted_quietly(pipe, d.X, d.Y_REAL)
    with pytest.warns(UserWarning, match="No features were selected"):
        pipe.predict(d.X)
    assert_answers_alike(pipe, d.X, compiled=False)


def test_a_decision_stays_as_cautious():
    weight = np.array([[1.0], [-1.0], [0.0], [1.0], [-1.0], [0.0], [2.0]])
    rows = OneHot(codes(), SIZES)
    graph = Decided(MatMul(rows, weight), rows, weight, 0.0)
    folded = rewrite(graph, fold_one_hot)
    assert one_hots(folded) == 0
    for row in ([0, 1], [0, 0], [-1, -1], [2, 2]):
        holds = []
        for op in (graph, folded):
            values = [evaluate(x, np.array([row])) for x in (op.x, op.rows)]
            values = [torch.from_numpy(np.array(v)) for v in values]
            rest = (torch.from_numpy(op.weight), op.offset, op.signs, op.terms, op.shift)
            holds.append(bool(op.holds(*values, *rest)))
        assert holds[0] or not holds[1]


@pytest.mark.parametrize("final", [LogisticRegression(), Ridge()])
def test_pipelines_build_no_indicator_columns(final):
    front = make_column_transformer(
        (StandardScaler(), ["a", "n"]), (OneHotEncoder(handle_unknown="ignore"), ["colour", "size"])
    )
    y = d.Y_MULTI if isinstance(final, LogisticRegression) else d.Y_REAL
    pipe = fitted_quietly(make_pipeline(front, final), d.FRAME, y)
    unseen = pd.concat([d.FRAME, d.FRAME.assign(colour="violet")])
    assert_answers_alike(pipe, unseen)
    graphs = build(pipe, signature_of(unseen), unseen[:3])
    assert not any(one_hots(root) for root in graphs.roots.values())


@pytest.mark.parametrize("kind", ["object", "str", "category"])
def test_columns_of_many_categories_are_never_built(kind):
    """20 of 3,000 strings each: the dummy columns of 100,000 rows would take 48 GB."""
    n, rng = 100_000, np.random.default_rng(0)
    levels = np.array([f"level {i}" for i in range(3_000)], object)
    text = {f"c{j}": pd.Series(levels[rng.integers(0, 3_000, n)], dtype=kind) for j in range(20)}
    table, some = pd.DataFrame(text), slice(0, 6_000)
    pipe = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression(max_iter=2))
    pipe = fitted_quietly(pipe, table[some], rng.integers(0, 2, 6_000))
    fast = TensorAccelerated(pipe, device="cpu", fallback="raise")
    fast.predict_proba(table[some])
    tracemalloc.start()
    try:
        answer = fast.predict_proba(table)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()
    assert_same(answer[some], pipe.predict_proba(table[some]))
