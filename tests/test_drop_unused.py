"""`drop_unused`: what nothing is made of is not read, what is validated is, and answers agree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Lasso
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import LinearSVC

from sktensor.compiler import build
from sktensor.graph import evaluate, rewrite, walk
from sktensor.ops import (
    AllKnown,
    Arith,
    Between,
    Bins,
    Cast,
    Column,
    Columns,
    Concat,
    Decided,
    Fill,
    Finite,
    GatherSum,
    Input,
    Leaves,
    Lookable,
    Lookup,
    Map,
    MatMul,
    Numbers,
    OneHot,
    Recode,
    Retreat,
    Select,
    Several,
    YeoJohnson,
)
from sktensor.ops.projection import needed
from sktensor.passes.drop_unused import drop_unused
from sktensor.program import Program
from sktensor.table import NUMPY_DTYPES, Signature, signature_of

from .cases import data as d
from .support import assert_answers_alike, fitted_quietly
from .test_fold_thresholds import LIMITS, forest

F4, F8 = torch.float32, torch.float64
CPU = torch.device("cpu")
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(30, 4))
ODD = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e308, 5e-324]
ABCD = np.array([1.0, -2.0, 3.0, 0.5])


def array(dtype=F8):
    return Input(Signature(4, dtype))


def frame(*kinds):
    return Input(Signature(len(kinds), None, kinds, tuple("abcdefgh"[: len(kinds)]), "pandas"))


def computed(root, kind):
    """How many columns are computed by ops of one kind."""
    return [op.width for op in walk(root) if isinstance(op, kind)]


def read(root):
    """Which columns of the table are read."""
    found = set()
    for op in walk(root):
        if isinstance(op, Columns) and isinstance(op.x, Input):
            found |= set(op.columns)
        elif any(isinstance(x, Input) for x in op.inputs):
            found |= set(range(op.inputs[0].width))
    return sorted(found)


def assert_alike(before, after, X):
    """The same answer of both, or none of the one and none of the other."""
    for rows in (X[:1], X[:5], np.repeat(X, 20, axis=0)):
        expected, got = (_answer(Program(g, CPU), rows) for g in (before, after))
        assert (expected is None) == (got is None)
        if got is not None:
            np.testing.assert_array_equal(got, expected)


def _answer(program, X):
    try:
        return np.asarray(program(X))
    except Retreat:
        return None


def hostile(dtype=F8):
    """Rows with an odd value in one of the columns."""
    most = {1e308: 3e38, 5e-324: 1e-45} if dtype == F4 else {}
    for column in range(4):
        for value in ODD:
            X = ROWS[:5].copy()
            X[3, column] = most.get(value, value)
            yield X.astype(NUMPY_DTYPES[dtype])


WIDE, NARROW = array(), array(F4)
PICK = np.array([3, 1])


@pytest.mark.parametrize(
    ("graph", "kind", "left"),
    [
        (Select((WIDE - ABCD) / ABCD, PICK), Arith, [2, 2]),
        (Select(WIDE * ABCD[None], PICK), Arith, [2]),
        (Select(ABCD - WIDE, PICK), Arith, [2]),
        (Select((x := WIDE - ABCD) * x, PICK), Arith, [2, 2]),
        (Select(Fill(WIDE, np.nan, ABCD), PICK), Fill, [2]),
        (Select(Map(WIDE / 3.0, torch.exp), PICK), Map, [2]),
        (Select(YeoJohnson(WIDE, ABCD), PICK), YeoJohnson, [2]),
        (Select(Bins(WIDE, np.arange(8.0).reshape(4, 2)), PICK), Bins, [2]),
        (Select(Concat((WIDE * 2.0, WIDE * 3.0)), np.array([5, 0])), Arith, [1, 1]),
        (Column(WIDE * ABCD, 2), Arith, [1]),
        (forest(WIDE * ABCD, LIMITS, 2), Arith, [1]),
        (Concat((Column(y := WIDE * ABCD, 2), Select(y, PICK))), Arith, [3]),
        (Concat((Column(z := WIDE - ABCD, 0), Column(z, 0))), Arith, [1]),
        # a product of what is known to be finite, zeros in its weight
        (MatMul(Finite(WIDE) * 0.0 + WIDE * 2.0, np.ones((4, 2))), Arith, [4] * 3),
        (MatMul(Cast(Bins(WIDE, np.eye(4)), F8), np.diag([0, 2.0, 0, 0])), Bins, [1]),
        # what a guard looks at is computed
        (Select(Finite(WIDE * ABCD), PICK), Arith, [4]),
        (Select(WIDE, PICK), Arith, []),
        # infinities times zero, and sums in float32
        (MatMul(WIDE * ABCD, np.diag([0, 2.0, 0, 0])), Arith, [4]),
        (MatMul(Cast(Bins(NARROW, np.eye(4)), F4), np.eye(4, dtype="f4")[:, :1]), Bins, [4]),
    ],
)
def test_computes_no_more_than_is_read(graph, kind, left):
    after = rewrite(graph, drop_unused)
    assert computed(after, kind) == left
    source = next(op for op in walk(graph) if isinstance(op, Input))
    for X in (ROWS.astype(NUMPY_DTYPES[source.dtype]), *hostile(source.dtype)):
        assert_alike(graph, after, X)


@pytest.mark.parametrize("graph", [array(), Finite(array()), array() * ABCD, forest(array(), [1])])
def test_leaves_alone_what_reads_all(graph):
    assert rewrite(graph, drop_unused) is graph


def test_a_table_is_read_where_it_is_needed_or_looked_at():
    kinds = ("float64", "int64", "float64", "object", "bool")
    numbers = Numbers(frame(*kinds), F8)
    tested = forest(numbers, LIMITS, 2)
    assert read(rewrite(tested, drop_unused)) == [2, 3]  # an object may be no number
    assert read(rewrite(forest(Finite(numbers), LIMITS, 2), drop_unused)) == [0, 2, 3]
    X = pd.DataFrame({"a": [1.0], "b": [2], "c": [0.5], "d": np.array(["x"], object), "e": [True]})
    for value in ("x", 1.5):
        X["d"] = np.array([value], object)
        assert_alike(tested, rewrite(tested, drop_unused), X)


def test_a_guard_looks_at_what_may_be_out_of_bounds():
    t = frame("str", "float64", "int64")
    codes = Lookup(Columns(t, (0,)), (COLOURS,), True)
    means = Recode(codes, np.array([[0.0, 1.0, 2.0, 3.0]]))
    rows = Concat((Numbers(Columns(t, (1, 2)), F8), means, OneHot(codes, (3,))))
    for most, columns in ((1e100, [1]), (2.5, [0, 1, 2])):
        low, high = np.full(6, -most), np.full(6, most)
        for guarded in (
            Between(rows, rows, low, high),
            Between(Select(rows, np.array([0])), rows, low, high),
        ):
            graph = Column(guarded, 0)
            after = rewrite(graph, drop_unused)
            assert read(after) == columns
            for number in (1.0, 1e101, np.nan):
                for colour in ("blue", "red", "violet"):
                    X = pd.DataFrame({"a": [colour], "b": [number], "c": [2]}).astype({"a": "str"})
                    assert_alike(graph, after, X)


def test_forests_and_leaves_go_on_sharing_arrays():
    first = forest(array() * ABCD, LIMITS, 2)
    arrays = (first.feature, first.threshold, first.left, first.right, first.missing_left)
    graph = Several((first, Leaves(first.x, *arrays, first.roots)))
    after = rewrite(graph, drop_unused)
    a, b = after.xs
    assert a.x is b.x
    assert a.feature is b.feature
    for before, now in zip(evaluate(graph, ROWS), evaluate(after, ROWS), strict=True):
        np.testing.assert_array_equal(before, now)


COLOURS = np.array(["blue", "green", "red"], object)
CELLS = np.array(["red", "teal", "blue", None, np.nan], object)


@pytest.mark.parametrize(
    ("kinds", "may_miss", "looked_up", "looked_at"),
    [
        (("str", "str", "str"), True, [1], []),
        (("object", "str", "category"), True, [1], [0, 2]),
        (("bool", "str", "str"), True, [0, 1], []),
        (("str", "str", "str"), False, [0, 1, 2], []),
    ],
)
def test_strings_are_not_looked_up(kinds, may_miss, looked_up, looked_at):
    codes = Lookup(frame(*kinds), (COLOURS,) * 3, may_miss)
    weight = np.zeros((10, 1))
    weight[3:6, 0] = 1, 2, 3
    graphs = [
        GatherSum(codes, (3, 3, 3), weight),
        Select(OneHot(codes, (3, 3, 3)), np.array([4])),
        Select(Recode(codes, np.arange(12.0).reshape(3, 4)), np.array([1])),
        Select(AllKnown(codes, np.array([True] * 3)), np.array([1])),
        MatMul(OneHot(codes, (3, 3, 3)), weight[:-1]),
    ]
    columns = {"category": "category", "bool": object, "object": object, "str": "str"}
    X = pd.DataFrame({n: pd.Series(CELLS, dtype=columns[k]) for n, k in zip("abc", kinds)})
    for graph in graphs:
        after = rewrite(graph, drop_unused)
        lookup = next(op for op in walk(after) if isinstance(op, Lookup))
        assert lookup.width == len(looked_up)
        assert sum(computed(after, Lookable)) == (1 if looked_at else 0)
        assert read(after) == sorted(looked_up + looked_at)
        for rows in (X, X.assign(a="blue", b="red"), X.assign(a=[["no hash"]] * 5)):
            known = signature_of(rows)
            if known.kinds == graph_kinds(graph):
                assert_alike(graph, after, rows)


def graph_kinds(graph):
    return next(op for op in walk(graph) if isinstance(op, Input)).signature.kinds


def test_a_cell_without_a_hash_is_noticed():
    codes = Lookup(frame("object", "str"), (COLOURS,) * 2, True)
    after = rewrite(Select(codes, np.array([1])), drop_unused)
    X = pd.DataFrame({"a": [["x"]], "b": pd.Series(["red"], dtype="string")})
    assert signature_of(X).kinds == graph_kinds(after)
    with pytest.raises(Retreat):
        Program(after, CPU)(X)
    assert Program(after, CPU)(X.assign(a=np.array([b"x"], object))) == 2


def test_a_part_that_may_refuse_rows_is_kept():
    strict = OneHot(Lookup(Columns(t := frame("str", "float64"), (0,)), (COLOURS,), False), (3,))
    easy = OneHot(Lookup(Columns(t, (0,)), (COLOURS,), True), (3,))
    numbers = Numbers(Columns(t, (1,)), F8)
    for part, columns in ((strict, [0, 1]), (easy, [1])):
        after = rewrite(Select(Concat((part, numbers)), np.array([3])), drop_unused)
        assert read(after) == columns
        assert after.dtype == F8


def test_a_decision_reads_what_its_product_reads():
    weight = np.array([[0.0], [3.0], [0.0], [0.0]])
    rows = Finite(array())
    rows = Cast(Bins(rows, np.eye(4)), F8)
    graph = Decided(MatMul(rows, weight), rows, weight, 0.5)
    after = rewrite(graph, drop_unused)
    assert computed(after, Bins) == [1]
    assert after.weight is after.x.weight
    for X in (ROWS, *hostile()):
        assert_alike(graph, after, X)


N = 300
STRINGS = RNG.choice(["blue", "green", "red"], (N, 3))
TABLE = pd.DataFrame(
    {
        "number": RNG.normal(size=N),
        "noise": RNG.normal(size=N),
        "whole": RNG.integers(0, 50, N),
        "colour": pd.Series(STRINGS[:, 0], dtype="string"),  # of objects before pandas 3
        "sort": pd.Series(STRINGS[:, 1], dtype="string"),
        "code": pd.Series(STRINGS[:, 2]).astype("category"),
        "kind": STRINGS[:, 2].astype(object),
    }
)
Y = (TABLE["number"].to_numpy() + 2 * (STRINGS[:, 0] == "red") > 0).astype(int)
STRICT = ["sort"]
IGNORED = ["colour", "code", "kind"]


def encoded(strict, ignoring):
    return make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["number", "noise", "whole"]),
        (strict, STRICT),
        (ignoring, IGNORED),
    )


PIPELINES = [
    make_pipeline(
        encoded(OneHotEncoder(), OneHotEncoder(handle_unknown="ignore")),
        LinearSVC(penalty="l1", C=0.05, dual=False, random_state=0),
    ),
    make_pipeline(
        encoded(OneHotEncoder(), OneHotEncoder(handle_unknown="ignore", sparse_output=False)),
        SelectKBest(k=2),
        RandomForestClassifier(3, max_depth=3, random_state=0),
    ),
    make_pipeline(
        encoded(
            OrdinalEncoder(), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        ),
        HistGradientBoostingClassifier(max_iter=2, max_leaf_nodes=2),
    ),
    make_pipeline(encoded(OrdinalEncoder(), TargetEncoder(random_state=0)), Lasso(0.05)),
]


@pytest.mark.parametrize("pipe", PIPELINES)
def test_validation_stays_that_of_scikit_learn(pipe):
    fitted = fitted_quietly(pipe, TABLE, Y)
    assert_answers_alike(fitted, TABLE)
    root = build(fitted, signature_of(TABLE), TABLE[:4]).roots["predict"]
    assert TABLE.columns.get_loc("colour") in read(root)
    assert sum(computed(root, Lookup)) < 4
    few = TABLE[:20]
    for changed in [
        {"noise": few["noise"].where(few["whole"] > 9)},
        {"noise": np.inf},
        {"noise": few["noise"].astype(object)},
        {"noise": np.array(["1.5", "text"] * 10, object)},
        {"whole": few["whole"].astype(float).where(few["whole"] > 9)},
        {"sort": "violet"},
        {"sort": None},
        *({name: "violet"} for name in IGNORED),
        *({name: None} for name in IGNORED),
        {"kind": pd.Series([["no hash"]] * 20)},
        {"kind": np.array([1, 2.5] * 10, object)},
        {"colour": np.arange(20)},
        {"code": pd.Categorical(np.arange(20))},
        {"code": pd.Categorical(["red", "violet"] * 10)},
    ]:
        for rows in (few.assign(**changed), few.assign(**changed)[:1]):
            assert_answers_alike(fitted, rows, compiled=False)


def test_curves_of_columns_that_are_selected_away_are_not_computed():
    pipe = make_pipeline(
        make_column_transformer((PowerTransformer(), [0, 2]), ("passthrough", [1, 3])),
        HistGradientBoostingClassifier(max_iter=1, max_leaf_nodes=2),
    )
    fitted = fitted_quietly(pipe, d.X, d.Y_MULTI)
    assert_answers_alike(fitted, d.X)
    for root in build(fitted, signature_of(d.X), d.X[:4]).roots.values():
        assert sum(w or 0 for w in computed(root, YeoJohnson)) <= 2


@pytest.mark.parametrize("weight", [np.empty((0, 4)), np.empty(0)])
def test_a_product_of_no_columns_needs_none(weight):
    product = MatMul(Select(WIDE, np.empty(0, np.int64)), weight)
    assert [mask.tolist() for mask in needed(product, np.ones(1, bool))] == [[]]
    rewrite(Finite(product), drop_unused)
