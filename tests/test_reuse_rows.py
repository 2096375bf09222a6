"""`reuse_rows`: fires where guards are all that differs, and declines elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sktensor.graph import evaluate, rewrite, walk
from sktensor.ops import Arith, Column, Decided, Finite, Input, MatMul, Op, Provided, Select
from sktensor.passes.drop_guards import drop_guards
from sktensor.passes.reuse_rows import reuse_rows
from sktensor.table import Signature

MEAN = np.array([1.0, -2.0, 0.5])
WEIGHT = np.array([[0.5], [1.0], [-1.0]])
X = np.random.default_rng(0).normal(size=(7, 3))


def decision(rows: Op, judged_by: Op) -> Decided:
    scores = Finite(MatMul(rows, WEIGHT) + np.array([0.25]))
    return Decided(Column(scores, 0), judged_by, WEIGHT, 0.25)


def test_scaled_rows_are_computed_once():
    rows = Finite(Input(Signature(3, torch.float64)), True) - MEAN
    dropped = rewrite(decision(rows, rows), drop_guards)
    assert sum(isinstance(op, Arith) and op.fn is torch.sub for op in walk(dropped)) == 2
    reused = rewrite(dropped, reuse_rows)
    assert sum(isinstance(op, Arith) and op.fn is torch.sub for op in walk(reused)) == 1
    assert sum(isinstance(op, Finite) for op in walk(reused)) == 1
    assert (evaluate(reused, X) == evaluate(decision(rows, rows), X)).all()


@pytest.mark.parametrize(
    "other",
    [
        lambda x: x,
        lambda x: x - MEAN.copy(),
        lambda x: x + MEAN,
        lambda x: Select(x, np.array([0, 1, 2])) - MEAN,
        lambda x: (x - MEAN) - MEAN,
    ],
)
def test_other_rows_are_left_alone(other):
    x = Input(Signature(3, torch.float64))
    assert reuse_rows(decision(x - MEAN, other(x))) is None


def test_products_of_another_weight_are_left_alone():
    x = Input(Signature(3, torch.float64))
    op = Decided(Column(MatMul(x, WEIGHT.copy()), 0), Finite(x), WEIGHT, 0.0)
    assert reuse_rows(op) is None


def test_any_guard_may_differ():
    x = Input(Signature(3, torch.float64))
    guarded = Provided(Finite(x), x, torch.isfinite) - MEAN
    op = decision(x - MEAN, guarded)
    found = reuse_rows(op)
    assert isinstance(found, Decided)
    assert found.rows is op.x.x.x.x.x
