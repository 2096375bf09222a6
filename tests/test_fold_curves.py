"""`fold_thresholds` on curves, which must be shown to rise, and on indicators and sets of codes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

from sktensor.compiler import build
from sktensor.converters import conversion, convert
from sktensor.graph import evaluate, rewrite, walk
from sktensor.ops import Cast, Concat, Finite, Forest, Input, Interpolate, Native, OneHot
from sktensor.passes.fold_thresholds import fold_thresholds
from sktensor.program import Program
from sktensor.table import NUMPY_DTYPES, Signature, signature_of

from .cases import data as d
from .support import assert_answers_alike, fitted_quietly
from .test_fold_thresholds import (
    BOOSTED,
    CPU,
    F4,
    F8,
    LIMITS,
    TREES,
    A,
    answer,
    assert_folded_alike,
    forest,
    neighbours,
    of,
    table,
)
from .test_last_bits import OF_WEAK_SCALARS


@pytest.mark.parametrize("dtype", [F4, F8])
@pytest.mark.parametrize(
    "maps",
    [
        lambda x: x,
        lambda x: Finite(x) * 3.0,
        lambda x: (x - of(np.arange(7.0) / 7, x)) / of([-1.0, 1, 2, 3, -4, 5, 6], x),
        lambda x: Cast(x, F8),
        lambda x: Cast(x, F4),
    ],
)
def test_indicators_are_tested_by_their_codes(maps, dtype):
    codes = Input(Signature(2, torch.int64))
    dense = Cast(codes, dtype)
    rows = Concat((maps(OneHot(codes, (3, 4), dtype)), dense))
    X = np.array([[i, j] for i in range(-1, 3) for j in range(-1, 4)])
    for feature in range(9):
        graph = forest(rows, LIMITS, feature)
        folded = rewrite(graph, fold_thresholds)
        assert not any(isinstance(op, OneHot) for op in walk(folded))
        for few in (X[:5], np.repeat(X, 10, axis=0)):
            expected = Program(graph, CPU)(few)
            np.testing.assert_array_equal(Program(folded, CPU)(few), expected)
            np.testing.assert_array_equal(evaluate(folded, few), expected)


@pytest.mark.parametrize("final", [BOOSTED, TREES])
def test_pipelines_of_categories_answer_alike(final):
    front = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["a", "b", "n"]),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["colour", "size"]),
    )
    pipe = fitted_quietly(make_pipeline(front, final), d.FRAME, d.Y_MULTI)
    rows = pd.concat([d.FRAME, d.FRAME.assign(colour="violet")])
    assert_answers_alike(pipe, rows)
    for root in build(pipe, signature_of(rows), rows[:3]).roots.values():
        assert not any(isinstance(op, OneHot) for op in walk(root))


@pytest.mark.parametrize(("numbers", "layout"), [(F4, "narrow"), (F8, "wide")])
def test_deep_trees_test_one_code_at_a_node(numbers, layout):
    """In nodes no larger than those that test indicators, so the walk is no longer."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 90, (3_000, 3)).astype(float)
    y = np.sin(codes).sum(axis=1) > 0
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    if numbers == F4:
        pipe = make_pipeline(encoder, RandomForestClassifier(4, random_state=0)).fit(codes, y)
    else:
        codes = np.column_stack([codes, rng.normal(size=3_000)])
        final = HistGradientBoostingClassifier(max_iter=4, max_leaf_nodes=None, min_samples_leaf=1)
        front = make_column_transformer((encoder, [0, 1, 2]), remainder="passthrough")
        pipe = make_pipeline(front, final).fit(codes, y)
    codes[::50, 1] = 91
    for n_rows in (1, 5, 70, 3_000):
        assert_answers_alike(pipe, codes[:n_rows])
    root = build(pipe, signature_of(codes), codes[:4]).roots["predict"]
    (folded,) = (op for op in walk(root) if isinstance(op, Forest))
    assert folded.sets
    assert (folded.threshold.dtype == np.float64) == (numbers == F8)
    assert folded._packed.shape.most_leaves > 160
    assert folded.layout == layout
    assert folded._packed.shape.alone


def test_categorical_splits_keep_what_they_read():
    x = table(F4)
    sets = np.array([0, 0, 0]), np.array([1, 0, 0]), np.array([0b101], np.int32)
    for rows, folds in ((x - of(A, x), False), (Cast(x, F8), True)):
        graph = replace(forest(rows, [0.0]), sets=sets)
        folded = rewrite(graph, fold_thresholds)
        assert (folded is not graph) == folds
        X = np.arange(-3, 6, dtype=np.float32)[:, None] + np.zeros((1, 3), np.float32)
        np.testing.assert_array_equal(evaluate(folded, X), evaluate(graph, X))


@pytest.mark.parametrize("source", [F4, F8])
@pytest.mark.parametrize(
    "front",
    [
        FunctionTransformer(np.log1p),
        FunctionTransformer(np.log),
        FunctionTransformer(np.sqrt),
        make_pipeline(FunctionTransformer(np.exp), FunctionTransformer(np.negative)),
        QuantileTransformer(n_quantiles=40),
        QuantileTransformer(n_quantiles=40, output_distribution="normal"),
        PowerTransformer(),
        PowerTransformer("box-cox"),
        make_pipeline(KBinsDiscretizer(6, encode="ordinal"), StandardScaler()),
    ],
)
def test_curves_fold_where_they_provably_rise(front, source):
    rng = np.random.default_rng(0)
    rows = np.exp(rng.normal(size=(300, 3))).astype(NUMPY_DTYPES[source])
    fitted = fitted_quietly(front, rows)
    with conversion(rows[:3]):
        mapped = convert(fitted, table(source)).get("transform")
    if source == F4 and np.__version__ < "2" and isinstance(front, OF_WEAK_SCALARS):
        assert isinstance(mapped, Native)  # float64 scalars would be computed with in float32
        assert "before NumPy 2" in mapped.reason
        return
    limits = np.quantile(np.asarray(evaluate(mapped, rows))[:, 1], np.linspace(0.02, 0.98, 11))
    graph = forest(mapped, limits + 1e-4, 1)
    folded = rewrite(graph, fold_thresholds)
    assert folded is not graph
    assert_folded_alike(graph, all_of_it=False)
    before, after = Program(graph, CPU), Program(folded, CPU)
    near = np.concatenate([rows, neighbours(rows[:, 1])[:, None] + np.zeros((1, 3), rows.dtype)])
    np.testing.assert_array_equal(after(near), before(near))
    for bad in (-2.0, 0.0, np.nan, np.inf):
        spoilt = np.full((1, 3), bad, rows.dtype)
        expected, got = answer(before, spoilt), answer(after, spoilt)
        assert (expected is None) == (got is None)


def test_a_curve_that_does_not_rise_at_a_threshold_stays():
    rng, declined = np.random.default_rng(0), 0
    x, just_before = table(), np.full((1, 3), np.nextafter(1.0, 0.0))
    for _ in range(50):
        middle = rng.uniform(0.2, 0.8)
        points, values = np.array([[0.0, 1.0, 2.0]] * 3), np.array([[0.0, middle, 1.0]] * 3)
        points[:, 0], values[:, 0] = rng.uniform(-50, -1), rng.uniform(-1, 0)
        curve = Interpolate(x, points, values)
        folds = evaluate(curve, just_before)[0, 0] <= middle
        graph = forest(curve, [middle])
        assert (rewrite(graph, fold_thresholds) is not graph) == folds
        assert rewrite(forest(curve, [middle + 1e-9]), fold_thresholds).x is x
        declined += not folds
    assert 0 < declined < 50
