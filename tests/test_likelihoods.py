"""Sums of squares by parts, and the guard of the likelihoods that they are made to."""

import numpy as np
import pytest
import torch

from sktensor.ops import Input, Retreat, SquaredDistances, Trusted
from sktensor.ops.host import Signature
from sktensor.ops.likelihoods import EPS, SEEN

RNG = np.random.default_rng(0)


def rows(width):
    return Input(Signature(width, torch.float64))


@pytest.mark.parametrize("n", [0, 1, 7, 400, 3000])
@pytest.mark.parametrize(("parts", "columns"), [(1, 1), (1, 5), (3, 4), (8, 2)])
def test_squared_distances_are_those_of_each_part(n, parts, columns):
    x = RNG.normal(size=(n, parts * columns))
    shift, weight = RNG.normal(size=(2, parts, columns))
    op = SquaredDistances(rows(parts * columns), shift, weight**2)
    squares = (x.reshape(n, parts, columns) - shift) ** 2
    wanted = np.hstack([squares.sum(axis=2), (squares * weight**2).sum(axis=2)])
    tensors = [torch.from_numpy(a) for a in (x, shift, weight**2)]
    tracked = op.forward(tensors[0].clone().requires_grad_(), *tensors[1:])
    assert op.width == wanted.shape[1]
    for found in (op.few(x), op.forward(*tensors).numpy(), tracked.detach().numpy()):
        np.testing.assert_allclose(found, wanted, rtol=1e-14)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e200])
@pytest.mark.parametrize("n", [1, 3000])
def test_squares_that_are_not_finite_stay_so(value, n):
    x = np.full((n, 4), 1.0)
    x[n // 2, 1] = value
    op = SquaredDistances(rows(4), np.zeros((2, 2)), np.ones((2, 2)))
    with np.errstate(all="ignore"):  # as programs have it
        found = op.few(x)
    again = op.forward(*(torch.from_numpy(a) for a in (x, op.shift, op.weight))).numpy()
    for squares in (found, again):
        assert not np.isfinite(squares[n // 2]).all()
        assert np.isfinite(np.delete(squares, n // 2, axis=0)).all()


def trusted(logs, of, off, reach=None, times=0.0):
    """Whether both of the guard's faces hold, which must agree."""
    logs = np.asarray(logs, float)
    k = logs.shape[1]
    base = np.full(k, off / EPS)
    of_logs = rows(k)
    of_reach = None if reach is None else rows(k)
    op = Trusted(of_logs, of_logs, of_reach, np.zeros(k), base, 4, times, of)
    more = [] if reach is None else [np.asarray(reach, float)]
    try:
        op.few(logs, logs, *more)
        holds = True
    except Retreat:
        holds = False
    tensors = [None if reach is None else torch.from_numpy(more[0])]
    tensors += [torch.from_numpy(a) for a in (op.constant, base)]
    x = torch.from_numpy(logs)
    assert bool(op.holds(x, x, *tensors, op.n, op.times, op.of)) is holds
    return holds


@pytest.mark.parametrize(
    ("logs", "of", "off", "holds"),
    [
        ([[0.0, -1.0, -5.0]], "best", 0.4, True),
        ([[0.0, -1.0, -5.0]], "best", 0.6, False),
        ([[0.0, -1.0], [-1.0, -1.0]], "best", 1e-13, False),
        ([[0.0]], "best", 1.0, True),
        ([[0.0, -1.0]], "shares", SEEN / 2, True),
        ([[0.0, -1.0]], "shares", SEEN * 2, False),
        ([[0.0, -50.0]], "shares", 1.0, True),  # one of 1, others of nothing
        ([[0.0, -50.0]], "shares", 3.0, False),
        ([[0.0, -50.0], [0.0, 0.0]], "shares", 1.0, False),
        ([[-1e6, -1.0, -2.0]], "shares", SEEN / 2, True),  # as one far away is off by more
        ([[0.0, -1.0]], "differences", SEEN, True),
        ([[0.0, -100.0]], "differences", SEEN * 90, True),
        ([[-100.0, -100.0]], "differences", SEEN * 90, False),
        ([[-100.0, -200.0]], "sum", SEEN * 90, True),
        ([[-1.0, -200.0]], "sum", SEEN * 90, False),
        ([[-100.0]], "sum", SEEN * 90, True),
        ([[-1.0]], "sum", SEEN * 90, False),
    ],
)
def test_likelihoods_are_trusted_as_far_as_they_are_known(logs, of, off, holds):
    assert trusted(logs, of, off) is holds
    assert trusted(np.repeat(logs, 300, axis=0), of, off) is holds


def test_what_is_off_by_terms_that_cancel_is_not_trusted():
    logs = [[-1.0, -2.0]]
    assert trusted(logs, "shares", 0.0, [[1e4, 1e4]], 1.0)
    assert not trusted(logs, "shares", 0.0, [[1e14, 1e14]], 1.0)
    assert not trusted(logs, "best", 0.0, [[1.0, 1.0]], 1e16)


def test_rows_that_are_none_are_trusted():
    for of in ("best", "shares", "differences", "sum"):
        assert trusted(np.empty((0, 3)), of, 1.0)
