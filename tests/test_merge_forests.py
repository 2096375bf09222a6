"""`merge_forests` and `compute_once`: one walk over rows that several forests read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.ensemble import (
    BaggingRegressor,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from sktensor.compiler import build
from sktensor.graph import evaluate, rewrite, walk
from sktensor.ops import (
    Cast,
    Concat,
    Finite,
    Forest,
    Input,
    Lookup,
    Map,
    MatMul,
    Op,
    Select,
    Several,
)
from sktensor.passes.compute_once import compute_once
from sktensor.passes.merge_forests import MOST_VALUES, merge_forests
from sktensor.program import Program
from sktensor.table import NUMPY_DTYPES, Signature, signature_of

from .cases import data as d
from .support import assert_answers_alike, fitted_quietly
from .test_fold_thresholds import LIMITS, answer, forest, neighbours

F4, F8 = torch.float32, torch.float64
CPU = torch.device("cpu")
X = Input(Signature(3, F8))
X4 = Input(Signature(3, F4))


def forests(root: Op) -> list[Forest]:
    return [op for op in walk(root) if isinstance(op, Forest)]


def unlike(x: Op, k: int, width: int = 1) -> Forest:
    """A forest whose leaves, and the sums of them, are numbers that are rounded, -0.0 or infinite.

    Tree j adds to output `j % width`.
    """
    op = forest(x, np.array(LIMITS[:7]) + k, k % 3)
    rng = np.random.default_rng(k)
    value = np.zeros((len(op.value), width))
    tree = np.arange(len(value)) // 3
    value[np.arange(len(value)), tree % width] = rng.normal(size=len(value)) * 10.0**k
    value[1] = -0.0
    value[3 * 5 + 2, 5 % width] = np.inf if k == 2 else 0.1
    return replace(op, value=value)


def with_sets(op: Forest) -> Forest:
    """The same, its first two trees' splits being of codes."""
    begin, size = np.zeros((2, len(op.feature)), np.int64)
    begin[3], size[:1], size[3] = 1, 1, 2
    return replace(op, sets=(begin, size, np.array([0b101, 0, 2], np.int32)))


@pytest.mark.parametrize("x", [X, X4])
@pytest.mark.parametrize("coded", [False, True])
def test_fires_and_answers_alike_to_the_last_bit(x, coded):
    some = [unlike(x, 0), unlike(x, 1, 3), unlike(x, 2), unlike(x, 3, 2)]
    if coded:
        some = [with_sets(op) for op in some]
    graph = Concat(tuple(some))
    after = rewrite(graph, merge_forests)
    (merged,) = forests(after)
    assert merged.width == graph.width
    assert len(merged.roots) == sum(len(op.roots) for op in some)
    dtype = NUMPY_DTYPES[x.dtype]
    near = neighbours(np.concatenate([op.threshold for op in some]).astype(dtype))
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 33.0, 34.5, 2.0, -0.5], dtype)
    rows = np.stack([np.roll(np.concatenate([near, odd]), i) for i in range(3)], axis=1)
    expected = evaluate(graph, rows)
    for got in (evaluate(after, rows), Program(after, CPU)(rows)):
        np.testing.assert_array_equal(got, expected)
        assert (np.signbit(got) == np.signbit(expected)).all()
    for row in rows[::20]:
        np.testing.assert_array_equal(
            Program(after, CPU)(row[None]), Program(graph, CPU)(row[None])
        )


WIDE = Input(Signature(28, F8))


def vectors(x: Op, k: int, n_trees: int = 7) -> Forest:
    """A forest whose trees add to two outputs each, as those of a random forest of classifiers."""
    op = forest(x, np.tile(np.array(LIMITS[:7]) + k, -(-n_trees // 7))[:n_trees], k % 3)
    value = np.random.default_rng(k).normal(size=(len(op.value), 2)) * 10.0**k
    value[1:3] = [[-0.0, 0.0], [np.inf, -0.0]]
    return replace(op, value=value)


def test_trees_of_several_outputs_add_zeros_where_that_pays():
    some = [vectors(WIDE, 0, 1), vectors(WIDE, 1, 1), vectors(WIDE, 2, 1)]
    graph = Concat(tuple(some))
    after = rewrite(graph, merge_forests)
    (merged,) = forests(after)
    assert merged.width == 6
    near = neighbours(np.concatenate([op.threshold for op in some]))
    odd = np.array([np.nan, np.inf, -np.inf, -0.0])
    rows = np.stack([np.roll(np.concatenate([near, odd]), i) for i in range(28)], axis=1)
    expected = evaluate(graph, rows)
    for got in (evaluate(after, rows), Program(after, CPU)(rows), Program(after, CPU)(rows[:5])):
        np.testing.assert_array_equal(got, expected[: len(got)])
        assert (np.signbit(got) == np.signbit(expected[: len(got)])).all()


def test_rows_pass_the_guards_of_all():
    a, b, c = unlike(Finite(X, True), 0), unlike(Finite(X), 1), unlike(X, 2)
    graph = Concat((a, b, c))
    after = rewrite(graph, merge_forests)
    assert len(forests(after)) == 1
    for value in (1.0, np.nan, np.inf):
        rows = np.array([[0.5, value, 2.0]])
        expected, got = (answer(Program(g, CPU), rows) for g in (graph, after))
        assert (expected is None) == (got is None) == (value != 1.0)


def two_outputs(x: Op) -> Forest:
    op = unlike(x, 0)
    return replace(op, value=np.hstack([op.value, op.value]))


def with_large_trees(x: Op) -> Forest:
    """A chain of 100 splits."""
    n = 100
    feature = np.append(np.zeros(n, np.int64), np.full(n + 1, -1))
    left = np.append(np.arange(n, 2 * n), np.full(n + 1, -1))
    right = np.append(np.append(np.arange(1, n), 2 * n), np.full(n + 1, -1))
    limits = np.append(np.arange(n, dtype=float), np.zeros(n + 1))
    value = np.arange(2.0 * n + 1)[:, None]
    no = np.zeros(2 * n + 1, bool)
    return Forest(x, feature, limits, left, right, no, value, np.zeros(1, np.int64))


@pytest.mark.parametrize(
    "graph",
    [
        unlike(X, 0),
        Concat((unlike(X, 0), unlike(X * 2.0, 1))),
        Concat((unlike(X, 0), two_outputs(X))),
        Concat((two_outputs(X), two_outputs(X))),  # of many small trees
        Concat((vectors(WIDE, 0, 70), vectors(WIDE, 1, 70))),
        Concat((unlike(WIDE, 0), vectors(WIDE, 1))),
        Concat((unlike(X, 0), with_large_trees(X))),
        Concat((unlike(X, 0), with_sets(unlike(X, 1)))),
        Concat((unlike(X, 0), replace(unlike(X, 1), value=np.ones((21, 1), np.float32)))),
        unlike(Concat((unlike(X, 1),) * 3), 1),
    ],
)
def test_declines(graph):
    assert rewrite(graph, merge_forests) is graph


def test_declines_where_values_take_too_much_memory():
    one = forest(X, np.arange(1000.0))
    wide = replace(one, value=np.repeat(np.eye(1000), 3, axis=0))
    assert 2 * wide.value.size * 2 > MOST_VALUES
    graph = Concat((wide, wide, one))
    assert rewrite(graph, merge_forests) is graph


TABLE = Input(Signature(2, None, ("str", "str"), None, "pandas"))
KNOWN = (np.array(["a", "b"], object),) * 2


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        (X * np.array([1.0, 2, 3]), X * np.array([1.0, 2, 3]), True),
        (X * 2.0, X * 2.0, True),
        (Finite(Cast(X, F4), True), Finite(Cast(X, F4), True), True),
        (Select(X, np.array([0, 1])), Select(X, np.array([0, 1])), True),
        (Concat((X, X * 2.0)), Concat((X, X * 2.0)), True),
        (Map(X, torch.exp), Map(X, torch.exp), True),
        (Lookup(TABLE, KNOWN, True), Lookup(TABLE, KNOWN, True), True),
        # another constant, or one equal but for its sign, dtype or shape
        (X * 0.0, X * -0.0, False),
        (X * 1.0, X * 1, False),
        (X * np.array([0.0, 1, 2]), X * np.array([-0.0, 1, 2]), False),
        (X * np.array([0.0, 1, 2]), X * np.array([[0.0, 1, 2]]), False),
        (X * np.array([0.0, 1, 2]), X * np.array([0, 1, 2]), False),
        (Finite(X, True), Finite(X, False), False),
        (Cast(X, F4), Cast(X, torch.int64), False),
        (X * 2.0, 2.0 * X, False),
        (X + 1.0, X - 1.0, False),
        (Map(X, torch.exp), Map(X, torch.log), False),
        (MatMul(X, np.ones((3, 999))), MatMul(X, np.ones((3, 999))), False),
        (Lookup(TABLE, KNOWN, True), Lookup(TABLE, KNOWN, False), False),
    ],
)
def test_what_is_alike_is_computed_once(a, b, alike):
    after = rewrite(Several((a, b)), compute_once)
    assert (after.xs[0] is after.xs[1]) == alike
    assert after.xs[0] is a
    if a.dtype is not None and not isinstance(a, Lookup):
        rows = np.array([[0.5, -0.0, np.inf], [np.nan, 1e300, -2.0]])[1 - (a.dtype == F8) :]
        for before, now in zip((a, b), after.xs, strict=True):
            np.testing.assert_array_equal(evaluate(now, rows), evaluate(before, rows))


RNG = np.random.default_rng(0)
BOOSTED = GradientBoostingRegressor(n_estimators=5, random_state=0)
REGRESSORS = [
    ("a", BOOSTED),
    ("b", RandomForestRegressor(4, max_depth=4, random_state=0)),
    ("c", ExtraTreesRegressor(3, max_depth=3, random_state=0)),
    ("d", DecisionTreeRegressor(max_depth=4)),
]
SMALLER = GradientBoostingClassifier(n_estimators=2, random_state=0)
CLASSIFIER = GradientBoostingClassifier(n_estimators=4, random_state=0)

SOME_TREES = RandomForestClassifier(1, max_depth=3, random_state=0)
OTHERS = RandomForestClassifier(2, max_depth=3, random_state=1)


@pytest.mark.parametrize(
    ("estimator", "y", "left"),
    [
        (VotingRegressor(REGRESSORS, weights=[1, 2, 3, 0.5]), d.Y_REAL, 1),
        (VotingClassifier([("a", CLASSIFIER), ("b", SMALLER)], voting="soft"), d.Y_MULTI, 1),
        (StackingRegressor(REGRESSORS[:3], Ridge(), cv=2), d.Y_REAL, 1),
        (StackingRegressor(REGRESSORS[:2], BOOSTED, cv=2), d.Y_REAL, 2),
        (OneVsRestClassifier(CLASSIFIER), d.Y_MULTI, 1),
        (OneVsRestClassifier(HistGradientBoostingClassifier(max_iter=3)), d.Y_MULTI, 1),
        (MultiOutputRegressor(BOOSTED), d.Y_OUTPUTS, 1),
        (MultiOutputClassifier(CLASSIFIER), d.Y_CLASSES, 1),
        (BaggingRegressor(BOOSTED, 3, max_samples=0.5, random_state=0), d.Y_REAL, 1),
        (VotingClassifier([("a", RandomForestClassifier(3)), ("b", CLASSIFIER)]), d.Y_MULTI, 2),
        (VotingClassifier([("a", SOME_TREES), ("b", OTHERS)], voting="soft"), d.Y_BINARY, 1),
        (OneVsRestClassifier(SOME_TREES), d.Y_MULTI, 1),
        (MultiOutputClassifier(SOME_TREES), d.Y_CLASSES, 1),
    ],
)
@pytest.mark.parametrize("scaled", [False, True])
def test_committees_walk_once(estimator, y, left, scaled):
    pipe = make_pipeline(StandardScaler(), estimator) if scaled else estimator
    fitted = fitted_quietly(pipe, d.X, y)
    ours = assert_answers_alike(fitted, d.X)
    assert_answers_alike(fitted, d.X[:1])
    spoilt = d.X.copy()
    spoilt[3, 2] = np.nan
    assert_answers_alike(fitted, spoilt, compiled=False)
    root = build(fitted, signature_of(d.X), d.X[:4]).roots["predict"]
    if scaled:  # some read the rows before they are scaled, if that pays
        assert len(forests(root)) < max(3, len(fitted[-1].estimators_))
        return
    assert len(forests(root)) == left
    reasons = [s.reason for s in ours.explain("predict").steps]
    assert ("its trees taken by merge_forests" in reasons) == (
        not isinstance(estimator, VotingClassifier) or left == 1
    )
