"""NumPy answers as torch does at the values where they might not."""

import numpy as np
import pytest
import torch

from sktensor.ops import Input, Interpolate
from sktensor.ops.conditions import AwayFrom, FarApart, OneNearest
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
