"""`fold_thresholds`: forests that read what their columns were computed from, and answer alike."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from sktensor.compiler import build
from sktensor.graph import evaluate, rewrite, walk
from sktensor.ops import (
    UFUNCS,
    Arith,
    Between,
    Bins,
    Cast,
    Concat,
    Fill,
    Finite,
    Forest,
    Guard,
    Input,
    Leaves,
    Map,
    MatMul,
    Missing,
    Op,
    Retreat,
    Select,
    Several,
    cast,
)
from sktensor.passes.fold_thresholds import fold_thresholds
from sktensor.program import Program
from sktensor.table import NUMPY_DTYPES, Signature, signature_of

from .support import assert_answers_alike, fitted_quietly

NAN = float("nan")
F4, F8 = torch.float32, torch.float64


CPU = torch.device("cpu")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4)) * [1, 20, 1e-3, 1e4] + [0, 3, 1, -1e5]
Y = (X[:, 0] + X[:, 1] / 20 + RNG.normal(size=200) > 0).astype(int)
HOLES = np.where(RNG.random(X.shape) < 0.1, np.nan, X)
BOOSTED = HistGradientBoostingClassifier(max_iter=8, min_samples_leaf=5, random_state=0)
TREES = RandomForestClassifier(5, random_state=0)


def table(dtype: torch.dtype = F8) -> Input:
    return Input(Signature(3, dtype))


def forest(x: Op, thresholds, feature=0) -> Forest:
    """Trees of one split each, a bit of the sum for each, half of them sending NaN left."""
    n = len(thresholds)
    assert x.dtype is not None
    split, leaf = np.arange(n) * 3, np.full(n, -1)
    features = np.stack([np.broadcast_to(feature, n), leaf, leaf], 1).ravel()
    limits = np.zeros((n, 3), NUMPY_DTYPES[x.dtype])
    limits[:, 0] = thresholds
    missing = np.zeros((n, 3), bool)
    missing[::2, 0] = True
    left, right = (np.stack([split + k, leaf, leaf], 1).ravel() for k in (1, 2))
    value = np.zeros((n, 3, 1))
    value[:, 1, 0] = 2.0 ** np.arange(n)
    return Forest(
        x, features, limits.ravel(), left, right, missing.ravel(), value.reshape(-1, 1), split
    )


def neighbours(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    with np.errstate(over="ignore", invalid="ignore"):
        near = [values]
        for direction in (-np.inf, np.inf):
            moved = values
            for _ in range(3):
                moved = np.nextafter(moved, values.dtype.type(direction))
                near.append(moved)
        return np.concatenate(near)


def hostile(dtype: np.dtype) -> np.ndarray:
    info = np.finfo(dtype)
    some = [0.0, -0.0, 1, -1, info.max, -info.max, info.tiny, info.smallest_subnormal, 0.5, 100]
    return np.array([*some, np.nan, np.inf, -np.inf], dtype)


def assert_folded_alike(graph: Op, folds: bool = True, all_of_it: bool = True) -> Op:
    """The graph folds, and answers as before at its new thresholds and around them.

    By NumPy, as a handful of rows is, and by torch.
    """
    before = next(op for op in walk(graph) if isinstance(op, Forest | Leaves))
    folded = rewrite(graph, fold_thresholds)
    after = next(op for op in walk(folded) if isinstance(op, Forest | Leaves))
    source = next(op for op in walk(graph) if isinstance(op, Input))
    assert source.dtype is not None
    dtype = NUMPY_DTYPES[source.dtype]
    if not folds:
        assert folded is graph
    elif all_of_it:
        assert len(list(walk(folded))) < len(list(walk(graph)))
    with np.errstate(over="ignore"):
        limits = np.concatenate([after.threshold, before.threshold]).astype(dtype)
    values = np.concatenate([neighbours(limits), hostile(dtype)])
    ours, native = (Program(g, torch.device("cpu")) for g in (folded, graph))
    for value, many in product(np.unique(values), (False, True)):
        X = np.full((1, 3), value, dtype)
        expected, got = answer(native, X, many), answer(ours, X, many)
        if expected is None or got is None:
            # A sum of guarded values overflows where none of them is infinite: more caution.
            assert got is None or np.abs(X).max() > np.finfo(dtype).max / 4, value
        else:
            np.testing.assert_array_equal(got, expected, err_msg=repr(value))
    return folded


def answer(program: Program, X: np.ndarray, many: bool = False) -> np.ndarray | None:
    try:
        return np.asarray(program._answer(X, program._run) if many else program(X))
    except Retreat:
        return None


LIMITS = [-1e3, -2.5, -1.0, -1e-9, 0.0, 1e-9, 0.3, 1.0, 2.0, 7.5, 1e3, np.inf]
A, B = np.array([0.1, -3.7, 1e6]), np.array([3.0, 0.7, 1e-3])


@pytest.mark.parametrize("column", [0, 1, 2])
@pytest.mark.parametrize("source", [F4, F8])
@pytest.mark.parametrize(
    "maps",
    [
        lambda x: x - 1.1,
        lambda x: (x - of(A, x)) / of(B, x),
        lambda x: x * of(B, x) + of(A, x),
        lambda x: x * of(-B, x),
        lambda x: of(A, x) - x,
        lambda x: -x,
        lambda x: x / of(B * [1, -1, 1], x) - 7,
        lambda x: Map(Map(x * 3.0, torch.neg), torch.floor),
        lambda x: Map(x - 1.5, UFUNCS[np.sign]) * -2.0,
        lambda x: Arith(torch.minimum, Arith(torch.maximum, x, of([-1.0], x)), of([1.0], x)),
        lambda x: Cast(Cast(x - of(A, x), F8) / B, x.dtype),
        lambda x: Cast(Bins(x, np.array([[0.0, 1, 2], [-1, 5, np.inf], [0.3, 0.3, 1e9]])), x.dtype),
        lambda x: Fill(x, NAN, of([0.3, -5.0, 1e9], x)) / 3,
        lambda x: Fill(x / 3, NAN, of([0.3, -5.0, 1e9], x)),
        lambda x: Concat((Fill(x, NAN, of([0.3, -5.0, 1e9], x)), Cast(Missing(x, NAN), x.dtype))),
        lambda x: Concat((x, Cast(Missing(x, NAN), x.dtype) * -3.0)),
        lambda x: Finite((Finite(x, True) - of(A, x)) / of(B / 1e10, x)),
        lambda x: Finite(Finite(x, True) * of(B * 1e10, x), True),
        lambda x: Finite(Cast(Cast(x, F8) * 1e30, F4), True),
        lambda x: Finite(Fill(Finite(x, True), NAN, of(A, x)) * 1e10),
        lambda x: Select(x - of(A, x), np.array([2, 1, 0])) / of(B, x),
        lambda x: Concat((Select(x, np.array([0])) / 3, Select(x, np.array([1, 2])) - 5)),
        lambda x: Concat((Cast(x, F8) / B, Cast(x, F8))),
        lambda x: Select(Finite(x, True), np.array([2, 0, 1])),
    ],
)
def test_folds_and_answers_alike(maps, source, column):
    rows = maps(table(source))
    graph = forest(rows, LIMITS, column if rows.width == 3 else column + rows.width - 3)
    folds = rows.dtype.itemsize >= source.itemsize or any(isinstance(o, Bins) for o in walk(rows))
    assert_folded_alike(graph, folds)


def of(values, x):
    return np.asarray(values, NUMPY_DTYPES[x.dtype])


def scaled(x: Op, a: float, b: float) -> Op:
    return (x - of([a], x)) / of([b], x)


numbers = st.floats(-(2.0**100), 2.0**100, width=32).filter(lambda v: v == 0 or abs(v) > 1e-30)


@given(
    st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=5),
    numbers,
    numbers.filter(bool),
    st.sampled_from([F4, F8]),
    st.sampled_from([F4, F8]),
)
def test_scaling_folds_at_every_float(limits, a, b, source, computed):
    rows = scaled(Cast(table(source), computed), a, b)
    folded = rewrite(forest(rows, limits), fold_thresholds)
    if source.itemsize <= computed.itemsize:
        assert not any(isinstance(op, Arith) for op in walk(folded))
        assert_folded_alike(forest(rows, limits))


@pytest.mark.parametrize(
    "rows",
    [
        table(),
        Finite(table(), True),
        MatMul(table(), np.ones((3, 3))),
        Map(table(), torch.sin),
        Map(table(), torch.abs),
        Map(table(), torch.sqrt),  # NaN of what was a number
        table() * np.array([0.0, 1.0, 1.0]),  # and of infinities
        table() / np.array([0.0, 1.0, 1.0]),
        table() * np.array([np.inf, 1.0, 1.0]),
        1.0 / table(),
        table() + table(),
        Fill(table(), -1.0, np.zeros(3)),
        Cast(table() - A, F4),  # comparing float64 costs more than it
    ],
)
def test_declines(rows):
    graph = forest(cast(rows, rows.dtype), LIMITS)
    assert rewrite(graph, fold_thresholds) is graph


def test_a_column_that_must_stay_keeps_no_other():
    x = table()
    graph = forest(Concat((x * np.array([0.0, 1.0, 1.0]), x - A)), LIMITS, 5)
    folded = rewrite(graph, fold_thresholds)
    assert [op.fn for op in walk(folded) if isinstance(op, Arith)] == [torch.mul]
    X = np.random.default_rng(0).normal(size=(50, 3)) * 3
    np.testing.assert_array_equal(evaluate(folded, X), evaluate(graph, X))


def test_infinities_that_a_guard_keeps_out_may_be_undefined():
    rows = Finite(table()) * np.array([0.0, 1.0, 1.0])
    folded = assert_folded_alike(forest(rows, LIMITS))
    assert not any(isinstance(op, Arith) for op in walk(folded))


def test_a_forest_of_all_methods_is_folded_once():
    rows = table() - A
    first = forest(rows, LIMITS)
    arrays = (first.feature, first.threshold, first.left, first.right, first.missing_left)
    graph = Several((first / 2, first + 1, Leaves(rows, *arrays, first.roots)))
    folded = rewrite(graph, fold_thresholds)
    forests = [op for op in walk(folded) if isinstance(op, Forest)]
    leaves = [op for op in walk(folded) if isinstance(op, Leaves)]
    assert len(forests) == len(leaves) == 1
    assert forests[0].x is leaves[0].x
    for name in ("feature", "threshold", "left", "right", "missing_left"):
        assert getattr(forests[0], name) is getattr(leaves[0], name)
    X = np.random.default_rng(0).normal(size=(50, 3)) * 3
    for a, b in zip(evaluate(folded, X), evaluate(graph, X), strict=True):
        np.testing.assert_array_equal(a, b)


def test_guards_of_columns_that_no_split_reads_stay():
    graph = forest(Select(Finite(table() / 1e-3), np.array([0])), LIMITS)
    program = Program(rewrite(graph, fold_thresholds), torch.device("cpu"))
    assert [type(op) for op in walk(program.root)][-1] is Forest
    program(np.array([[0.0, 1e300, -1e300]]))
    for bad in (np.nan, np.inf, 1e306, -1e306):
        with pytest.raises(Retreat):
            program(np.array([[0.0, bad, 1.0]]))


def test_bounds_let_pass_what_lies_between():
    x = table()
    low, high = np.array([-1.0, -np.inf, 0.0]), np.array([1.0, 5.0, np.inf])
    for allow_nan in (False, True):
        program = Program(Between(x, x, low, high, allow_nan) + 0.0, torch.device("cpu"))
        for row, passes in [
            ([0.5, -1e9, 1e9], True),
            ([1.0, 5.0, 0.0], True),
            ([1.1, 0.0, 0.0], False),
            ([0.0, 0.0, -0.1], False),
            ([0.0, np.nan, 0.0], allow_nan),
            ([np.nan, 6.0, 0.0], False),
        ]:
            for many in (False, True):
                assert (answer(program, np.array([row]), many) is not None) == passes, row


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("front", "rows"),
    [
        (StandardScaler(), HOLES),
        (MinMaxScaler((-1, 2), clip=True), HOLES),
        (make_pipeline(MaxAbsScaler(), RobustScaler()), HOLES),
        (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), HOLES),
        (make_pipeline(RobustScaler(), KBinsDiscretizer(5, encode="ordinal")), X),
        (
            make_column_transformer(
                (StandardScaler(), [2, 0]), (SimpleImputer(), [1]), remainder="passthrough"
            ),
            HOLES,
        ),
    ],
)
@pytest.mark.parametrize("final", [BOOSTED, TREES])
def test_pipelines_answer_alike(front, rows, final, dtype):
    rows = rows.astype(dtype)
    pipe = fitted_quietly(make_pipeline(front, final), rows, Y)
    assert_answers_alike(pipe, rows, exact=final is TREES)
    assert_answers_alike(pipe, X.astype(dtype), exact=final is TREES)
    spoilt = rows.copy()
    spoilt[3, 1] = np.inf
    assert_answers_alike(pipe, spoilt, compiled=False)
    spoilt[3, 1] = np.finfo(dtype).max
    assert_answers_alike(pipe, spoilt, compiled=False)
    graphs = build(pipe, signature_of(rows), rows[:3])
    if final is BOOSTED or dtype == "float32":
        for root in graphs.roots.values():
            before = [op for op in walk(root) if any(isinstance(o, Forest) for o in walk(op))]
            rest = set(walk(root)) - set(before)
            assert not any(isinstance(op, Arith | Fill | Bins) for op in rest)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("final", [BOOSTED, TREES, LGBMClassifier(n_estimators=5, verbose=-1)])
def test_a_scaler_leaves_but_a_guard(final, dtype):
    """Or, in front of trees that compare float32 where rows are float64, itself and a cast."""
    rows = X.astype(dtype)
    pipe = fitted_quietly(make_pipeline(StandardScaler(), final), rows, Y)
    ops = []
    for estimator in (pipe, pipe[-1]):
        table = rows if estimator is pipe else pipe[0].transform(rows)
        root = build(estimator, signature_of(table), table[:3]).roots["predict_proba"]
        ops.append(Counter(type(op) for op in walk(root) if not isinstance(op, Guard)))
    stays = final is TREES and dtype == "float64"
    assert ops[0] - ops[1] == (Counter({Arith: 2}) if stays else Counter())
