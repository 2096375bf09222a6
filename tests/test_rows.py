"""What is asked of each row, column by column and by kernels, against NumPy's way along rows."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sktensor.ops import rows
from sktensor.ops.conditions import ROUNDING, AwayFrom, Below, FarApart

EDGES = [0.0, -0.0, 1.0, np.nextafter(1, 2), np.inf, -np.inf, np.nan, 1e308, -1e308, 5e-324]
VALUES = st.sampled_from(EDGES) | st.floats(-4, 4, width=16)
SHAPES = st.tuples(st.integers(0, 9), st.integers(1, 20))
TABLES = SHAPES.flatmap(lambda shape: hnp.arrays(np.float64, shape, elements=VALUES))
ORDERS = st.sampled_from(["C", "F"])


@pytest.fixture(params=["along rows", "by columns", "by kernels"], autouse=True)
def way(request, monkeypatch):
    """Each way for tables of every size."""
    if request.param != "along rows":
        monkeypatch.setattr(rows, "MANY_ROWS", 0)
    monkeypatch.setattr(rows, "WORTH_A_KERNEL", 0 if request.param == "by kernels" else 10**9)


@given(TABLES, ORDERS)
def test_the_largest_of_each_row_and_the_sum(x, order):
    x = np.asarray(x, order=order)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(rows.by_row(np.maximum, x), x.max(axis=1, keepdims=True))
        tame = np.clip(np.nan_to_num(x), -1e3, 1e3)
        total = rows.by_row(np.add, tame)
        np.testing.assert_allclose(total, tame.sum(axis=1, keepdims=True), rtol=1e-12, atol=1e-12)
    torched = rows.row_sum(torch.from_numpy(np.ascontiguousarray(tame)))
    np.testing.assert_allclose(torched.numpy(), total, rtol=1e-12, atol=1e-12)


@given(TABLES, ORDERS)
def test_the_first_column_with_the_largest_value(x, order):
    found = rows.row_argmax(np.asarray(x, order=order))
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, x.argmax(axis=1))


@given(TABLES, ORDERS, st.sampled_from([0.0, 1e-9, 1.0, np.inf, np.nan]), st.booleans())
def test_whether_the_best_is_best_by_a_margin(x, order, margin, one_each):
    given = np.full((len(x), 1), margin) if one_each else margin
    with np.errstate(all="ignore"):
        answer = rows.is_best_by(np.asarray(x, order=order), given)
        two = np.sort(x, axis=1)[:, -2:]
        below = (two[:, :1] <= two[:, -1:] - margin).ravel() & ~np.isnan(x).any(axis=1)
    assert answer == (x.shape[1] == 1 or below.all())
    if x.shape[1] > 1 and len(x):
        best, second = rows.two_largest(torch.from_numpy(x))
        clean = ~np.isnan(x).any(axis=1)
        np.testing.assert_array_equal(best[clean, 0], two[clean, 1])
        np.testing.assert_array_equal(second[clean, 0], two[clean, 0])
        assert best[~clean].isnan().all()


CONDITIONS = [FarApart(), AwayFrom(0.0), AwayFrom(1.0), Below(2.0)]


@given(TABLES)
@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
def test_numpy_answers_a_condition_as_torch_does(condition, x):
    if isinstance(condition, FarApart) and x.shape[1] == 1:
        return  # a lone score is best
    with np.errstate(all="ignore"):
        assert condition.few(x) == bool(condition(torch.from_numpy(x)).all())


def test_scores_within_rounding_of_each_other_are_not_far_apart():
    scores = np.array([[3.0, 1.0, 1.0 - 4 * ROUNDING, 3.0 - 9 * ROUNDING]] * 3)
    assert FarApart().few(scores)
    scores[1, 3] = 3.0 - 3 * ROUNDING
    assert not FarApart().few(scores)
