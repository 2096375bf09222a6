"""`drop_guards`: fires, declines, and lets no value through that a guard would have stopped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from sktensor.graph import rewrite, walk
from sktensor.ops import Arith, Cast, Finite, Input, Map, MatMul, Op, Retreat, cast
from sktensor.passes.drop_guards import drop_guards
from sktensor.program import Program
from sktensor.table import Signature

ONE, TWO = np.array([1.0, -2.0, 0.5]), np.array([2.0, 4.0, 0.25])
HOSTILE = [0.0, -0.0, 1.0, np.nan, np.inf, -np.inf, 1e308, 5e-324]


def table() -> Input:
    return Input(Signature(3, torch.float64))


def guards(op: Op) -> int:
    return sum(isinstance(x, Finite) for x in walk(op))


def inner(allow_nan: bool = True) -> Op:
    return Finite(table(), allow_nan)


@pytest.mark.parametrize(
    ("graph", "left"),
    [
        (Finite((inner() - ONE) / TWO), 1),
        (Finite(cast(inner() * TWO, torch.float32)), 1),
        (Finite((inner() + ONE) * TWO, allow_nan=True), 1),
        (Finite(MatMul(inner(), np.ones((3, 2)))), 1),
        (Finite(Finite(inner(False) - ONE, allow_nan=True)), 1),
        # what must stay: a NaN guard under one that allows NaN, zeros that hide infinities,
        # functions that bound their values, casts to integers
        (Finite(inner(False) - ONE, allow_nan=True), 2),
        (Finite(inner() * np.array([0.0, 1.0, 1.0])), 2),
        (Finite(inner() / np.array([np.inf, 1.0, 1.0])), 2),
        (Finite(Map(inner(), torch.tanh)), 2),
        (Finite(Cast(Cast(inner(), torch.int64), torch.float64)), 2),
        (Finite(Arith(torch.maximum, inner(), ONE)), 2),
        (Finite(MatMul(inner(), np.array([[np.inf], [1.0], [1.0]]))), 2),
        (Finite(MatMul(inner(), np.ones((3, 2))), allow_nan=True), 2),
    ],
)
def test_fires_or_declines(graph, left):
    rewritten = rewrite(graph, drop_guards)
    assert guards(rewritten) == left
    before, after = (Program(g, torch.device("cpu")) for g in (graph, rewritten))
    for value in HOSTILE:
        for column in range(3):
            X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
            X[1, column] = value
            expected, got = _answer(before, X), _answer(after, X)
            if expected is None:
                assert got is None
            elif got is not None:  # more caution is allowed, less is not
                np.testing.assert_array_equal(got, expected)


def _answer(program: Program, X: np.ndarray) -> Any:
    """As many rows are answered: for few, kernels let through what only overflows a guard's sum."""
    try:
        return program._answer(X, program._run)
    except Retreat:
        return None


def test_a_guard_that_another_op_reads_stays():
    guarded = inner()
    graph = Finite(guarded - ONE) + guarded
    assert guards(rewrite(graph, drop_guards)) == 2
