"""NumPy answers as torch does at the values where they might not."""

import numpy as np
import pytest
import torch

from sktensor.ops import GatherSum, Input, Interpolate, few
from sktensor.ops.conditions import AwayFrom, FarApart, OneNearest, Several
from sktensor.ops.elementwise import Within
from sktensor.table import Signature

from .support import assert_same

rng = np.random.default_rng(0)
POINTS = np.sort(rng.normal(size=(3, 9)), axis=1)
VALUES = rng.normal(size=(3, 9))
EDGES = np.concatenate([POINTS.ravel(), [0.0, -0.0, np.nan, np.inf, -np.inf, 1e300, -1e300]])


@pytest.mark.parametrize("n_points", [1, 2, 9])
def test_lines_between_points_are_numpys(n_points):
    x = Input(Signature(3, torch.float64))
    op = Interpolate(x, POINTS[:, :n_points].copy(), VALUES[:, :n_points].copy())
    near = np.concatenate([EDGES, np.nextafter(EDGES, np.inf), np.nextafter(EDGES, -np.inf)])
    rows = np.tile(near[:, None], 3)
    constants = map(torch.from_numpy, (op.points, op.values))
    by_torch = op.forward(torch.from_numpy(rows).requires_grad_(), *constants)
    assert_same(by_torch.detach().numpy(), op.few(rows), exact=True)


def test_what_is_out_of_bounds_is_nan():
    x, y = EDGES, np.arange(len(EDGES), dtype=float)
    within = Within(-1.0, 1.0)
    found = within.few(x, y)
    assert_same(within(*map(torch.from_numpy, (x, y))).numpy(), found, exact=True)
    assert (np.isnan(found) == (np.abs(x) > 1)).all()


@pytest.mark.parametrize("n_rows", [1, 70])
def test_an_ordered_sum_is_the_same_everywhere(n_rows):
    codes = rng.integers(-1, 4, (n_rows, 19))
    weight = np.vstack(
        [rng.normal(size=(19 * 4, 3)) * 10.0 ** rng.integers(-9, 9, (76, 1)), [[0] * 3]]
    )
    op = GatherSum(Input(Signature(19, torch.int64)), (4,) * 19, weight, ordered=True)
    by_numpy = np.zeros((n_rows, 3))
    for k in range(19):
        by_numpy += np.where(codes[:, k, None] < 0, 0, weight[4 * k + codes[:, k]])
    by_torch = op.forward(
        torch.from_numpy(codes), op.sizes, torch.from_numpy(weight), True, op.starts
    )
    assert_same(by_torch.numpy(), by_numpy, exact=True)
    assert_same(few(op)(codes), by_numpy, exact=True)
    fields = (op.sizes, torch.from_numpy(weight), True, torch.from_numpy(op.starts))
    exported = torch.export.export(Forward(op), (torch.from_numpy(codes), fields))
    assert_same(exported.module()(torch.from_numpy(codes), fields).numpy(), by_numpy, exact=True)


class Forward(torch.nn.Module):
    def __init__(self, op):
        super().__init__()
        self.op = op

    def forward(self, x, fields):
        return self.op.forward(x, *fields)


BOOK = np.where(rng.random((3, 5)) < 0.5, -1.0, 1.0)


def scored(rows):
    """The scores of the nearest of some points, and the rows."""
    rows = np.atleast_2d(rows)
    return np.hstack([rows @ (2 * BOOK.T) - np.square(BOOK).sum(axis=1), rows])


HALFWAY = (BOOK[0] + BOOK[1]) / 2


@pytest.mark.parametrize(
    ("rows", "clear"),
    [
        (BOOK[0] * 0.7, True),
        (HALFWAY, True),  # as near to two, but nothing is rounded
        (HALFWAY + 1e-12, False),
        (HALFWAY * 1e5, False),
        (BOOK * 1e12, True),
        (np.vstack([BOOK[0] * 0.7, HALFWAY, BOOK[1] * 3.1]), True),
        (np.vstack([BOOK[0] * 0.7, HALFWAY + 1e-12]), False),
        (np.full(5, np.nan), False),
        (np.empty((0, 5)), True),
    ],
)
def test_the_nearest_of_codes(rows, clear):
    condition, both = OneNearest(3), scored(rows)
    assert condition.few(both) == clear
    assert bool(condition(torch.from_numpy(both)).all()) == clear
    one_by_one = [bool(condition(torch.from_numpy(row[None])).all()) for row in both]
    assert all(one_by_one) == clear


@pytest.mark.parametrize("condition", [FarApart(), AwayFrom(0.5)])
@pytest.mark.parametrize("x", [[[0.5, 0.5]], [[0.5, 0.6]], [[0.5 + 1e-12, 0.5]], [[np.nan, 1.0]]])
def test_conditions_are_the_same_by_numpy(condition, x):
    x = np.array(x)
    assert bool(condition(torch.from_numpy(x)).all()) == condition.few(x)


@pytest.mark.parametrize("n_rows", [0, 1, 2, 3])
def test_several_rows_are_counted_everywhere(n_rows):
    rows, several = np.zeros((n_rows, 2)), Several()
    assert bool(several(torch.from_numpy(rows))) == several.few(rows) == (n_rows > 1)
