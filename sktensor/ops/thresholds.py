"""Tests of a column map's results as tests of what it reads.

For a monotone f there is a number s with `f(x) <= t` just where `x <= s`, or, where f falls, just
where not. Which one is found by asking f itself, with all its rounding. Where rounding may have
turned an order round, every number is asked that is near enough to s for that, or it is shown that
t lies at none of the joints where it did.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy import special

from .arithmetic import Arith, Map
from .base import Op
from .column_maps import falls, image, joints, of_columns, slack
from .columns import Cast
from .curves import Bins, Bounded, BoxCox, Interpolate, YeoJohnson
from .elementwise import Elementwise
from .order import Holds, bounds, last, number, rank

MOST_ASKED = 2**23  # numbers near thresholds, for all of an op: a fraction of a second


@dataclass(frozen=True)
class Tests:
    """Tests `(x <= threshold) != turned` of values of some columns, and what NaN answers."""

    column: np.ndarray  # (n,) int64
    threshold: np.ndarray  # (n,) of the dtype of x
    turned: np.ndarray  # (n,) bool
    missing: np.ndarray  # (n,) bool

    def of_numbers(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and the highest rank among [low, high] of what passes."""
        ranks = rank(self.threshold)
        low = np.where(self.turned, np.maximum(ranks + 1, low), low)
        return low, np.where(self.turned, high, np.minimum(ranks, high))


@dataclass(frozen=True)
class Domain:
    """What may come in a column: ranks from `low` to `high`, and NaN where `nan` is no number."""

    dtype: np.dtype
    low: np.ndarray  # (k,) int64
    high: np.ndarray  # (k,) int64
    nan: np.ndarray  # (k,), what a missing value has become; NaN while it is one

    def take(self, columns: np.ndarray) -> Domain:
        return Domain(self.dtype, self.low[columns], self.high[columns], self.nan[columns])


def whole_domain(dtype: np.dtype, n_columns: int) -> Domain:
    """Any number of the dtype, and NaN."""
    low, high = bounds(dtype)
    nan = np.full(n_columns, np.nan if dtype.kind == "f" else 0.0)
    return Domain(dtype, np.full(n_columns, low), np.full(n_columns, high), nan)


def through(op: Op, columns: np.ndarray, domain: Domain) -> Domain | None:
    """The domain of what the op makes of `domain`; None where a number becomes NaN."""
    ends = [image(op, columns, number(r, domain.dtype)) for r in (domain.low, domain.high)]
    if any(np.isnan(end).any() for end in ends):
        return None
    dtype = ends[0].dtype
    nan = image(op, columns, domain.nan.astype(domain.dtype))
    # What missing values have become is among what is tested from now on.
    a, b, c = map(rank, (*ends, np.where(np.isnan(nan), ends[0], nan).astype(dtype)))
    low, high = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)
    more = _beyond(op, columns, domain, number(low, dtype), number(high, dtype))
    return Domain(dtype, *more, nan.astype(np.float64))


def _beyond(
    op: Op, columns: np.ndarray, domain: Domain, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The ranks of the lowest and highest results, where rounding may make other ends."""
    with np.errstate(all="ignore"):
        off = slack(op, columns, low), slack(op, columns, high)
        if off[0] is not None and off[1] is not None:
            low = np.where(np.isinf(low), low, low - off[0]).astype(low.dtype)
            high = np.where(np.isinf(high), high, high + off[1]).astype(high.dtype)
    for i, column in enumerate(columns):
        begin = joints(op, int(column))
        if begin is not None:
            starts = _starts(begin, domain.dtype, int(domain.low[i]), int(domain.high[i]))
            values = _at_ends(op, int(column), starts, domain.dtype)
            low[i], high[i] = min(low[i], values[0].min()), max(high[i], values[1].max())
    return rank(low), rank(high)


def pulled(op: Op, columns: np.ndarray, domain: Domain, tests: Tests) -> Tests | None:
    """The tests of what the op makes of `domain` as tests of `domain`.

    `columns` holds which of the op's columns each of the domain's is. None where some of the tests
    cannot be shown to have a threshold.
    """
    own, t = tests.column, tests.threshold
    at, mine = columns[own], domain.take(own)
    falling = falls(op, at)
    sign = np.where(falling, -1, 1)

    def holds(ranks: np.ndarray, which: np.ndarray) -> np.ndarray:
        values = number(sign[which] * ranks, domain.dtype)
        return image(op, at[which], values) <= t[which]

    low, high = np.where(falling, -mine.high, mine.low), np.where(falling, -mine.low, mine.high)
    found = last(holds, low, high, sign * _guess(op, at, t, domain.dtype))
    if not _proved(op, at, t, found, (low, high), mine.dtype):
        return None
    # Of a falling map, what passes begins at -found: what is below does not.
    ranks = np.where(falling, -found - 1, found)
    nan = image(op, at, mine.nan.astype(domain.dtype))
    missing = np.where(np.isnan(nan), tests.missing, (nan <= t) != tests.turned)
    return _settled(Tests(own, t, tests.turned ^ falling, missing), ranks, mine)


def _proved(
    op: Op,
    columns: np.ndarray,
    t: np.ndarray,
    found: np.ndarray,
    within: tuple[np.ndarray, np.ndarray],
    dtype: np.dtype,
) -> bool:
    """Whether the op's results are at most t up to the ranks found, and nowhere above."""
    with np.errstate(over="ignore"):
        off = slack(op, columns, t)
    if off is not None:
        return _asked(op, columns, t, np.where(np.isinf(t), 0, off), found, within, dtype)
    for column in np.unique(columns):
        begin = joints(op, int(column))
        if begin is not None:
            own = columns == column
            ends = (int(end[own][0]) for end in within)
            if _at_a_joint(op, int(column), t[own], _starts(begin, dtype, *ends), dtype):
                return False
    return True


def _asked(
    op: Op,
    columns: np.ndarray,
    t: np.ndarray,
    off: np.ndarray,
    found: np.ndarray,
    within: tuple[np.ndarray, np.ndarray],
    dtype: np.dtype,
) -> bool:
    """Whether all numbers with results within `off` of t are on the side they should be on."""

    def up_to(limit: np.ndarray) -> Holds:
        return lambda r, which: image(op, columns[which], number(r, dtype)) <= limit[which]

    with np.errstate(over="ignore"):
        below, above = (last(up_to(t + o), *within, found) for o in (-off, off))
    if (above.astype(np.float64) - below).sum() > MOST_ASKED:  # which int64 may not hold
        return False
    which = np.repeat(np.arange(len(t)), above - below)
    ranks = np.arange(len(which)) - np.repeat(np.cumsum(above - below) - above, above - below) + 1
    passes = image(op, columns[which], number(ranks, dtype)) <= t[which]
    return bool((passes == (ranks <= found[which])).all())


def _at_a_joint(op: Op, column: int, t: np.ndarray, starts: np.ndarray, dtype: np.dtype) -> bool:
    """Whether a t lies where a piece ends above what a later one begins with."""
    first, before = _at_ends(op, column, starts, dtype)
    least = np.minimum.accumulate(first[::-1])[::-1]
    most = np.maximum.accumulate(before)
    at = np.searchsorted(least, t, side="right")
    return bool(((at > 0) & (t < most[np.maximum(at, 1) - 1])).any())


def _starts(begin: np.ndarray, dtype: np.dtype, low: int, high: int) -> np.ndarray:
    """The ranks that pieces may begin at: those of some numbers and of their neighbours."""
    around = rank(begin[np.isfinite(begin)].astype(dtype))[:, None] + np.arange(-4, 5)
    return np.unique(np.clip(around, low + 1, high))


def _at_ends(
    op: Op, column: int, starts: np.ndarray, dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray]:
    """What pieces begin with, and what those before them end with."""
    columns = np.full(len(starts), column)
    first, before = (image(op, columns, number(r, dtype)) for r in (starts, starts - 1))
    return first, before


def _settled(tests: Tests, ranks: np.ndarray, domain: Domain) -> Tests:
    """The tests with thresholds of these ranks; where none is at most one, all the other way."""
    none = ranks < domain.low
    ranks = np.where(none, domain.high, np.minimum(ranks, domain.high))
    return replace(tests, threshold=number(ranks, domain.dtype), turned=tests.turned ^ none)


def _guess(op: Op, columns: np.ndarray, t: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """About the rank of what the op makes t of."""
    with np.errstate(all="ignore"):
        values = _inverse(op, columns, t).astype(dtype)
    low, high = bounds(dtype)
    if dtype.kind == "f":
        values = np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=-np.inf)
    return np.clip(rank(values), low // 2, high // 2)


_UNDO: dict[Any, Any] = {
    torch.add: torch.sub,
    torch.sub: torch.add,
    torch.mul: torch.div,
    torch.div: torch.mul,
}
_INVERSES: dict[Any, Any] = {
    np.log: np.exp,
    np.log1p: np.expm1,
    np.log2: np.exp2,
    np.log10: lambda t: 10.0**t,
    np.exp: np.log,
    np.expm1: np.log1p,
    np.exp2: np.log2,
    np.sqrt: np.square,
    np.tanh: np.arctanh,
    np.arctan: np.tan,
    np.arcsinh: np.sinh,
    special.ndtri: special.ndtr,
}


def _inverse(op: Op, columns: np.ndarray, t: np.ndarray) -> np.ndarray:
    """What the op makes t of, more or less."""
    if isinstance(op, Cast) and t.dtype == np.float32:
        # Up to half way to the next float32, numbers are rounded to this one.
        return (t.astype(np.float64) + np.nextafter(t, np.float32(np.inf))) / 2
    if isinstance(op, Arith) and op.fn in _UNDO and isinstance(op.x, Op):
        constant = of_columns(op.y, columns)
        return np.asarray(_UNDO[op.fn](torch.from_numpy(t), constant))
    if isinstance(op, Map) and isinstance(op.fn, Elementwise) and op.fn.ufunc in _INVERSES:
        return _INVERSES[op.fn.ufunc](t.astype(np.float64))
    if isinstance(op, Bins):
        return op.edges[columns, np.clip(t, 0, op.edges.shape[1] - 1)]
    if isinstance(op, BoxCox):
        return special.inv_boxcox(t.astype(np.float64), op.lambdas[columns])
    if isinstance(op, YeoJohnson):
        p, size = op.lambdas[columns], np.abs(t.astype(np.float64))
        return np.sign(t) * special.inv_boxcox1p(size, np.where(t >= 0, p, 2 - p))
    curve = op if isinstance(op, Interpolate) else None
    if isinstance(op, Bounded):
        curve = _curve(op.result)
    if curve is None:
        return t
    out = np.empty(len(t))
    for column in np.unique(columns):
        own = columns == column
        out[own] = np.interp(t[own], curve.values[column], curve.points[column])
    return out


def _curve(op: Op) -> Interpolate | None:
    """The first curve that a result is made of."""
    if isinstance(op, Interpolate):
        return op
    return next((c for x in op.inputs if (c := _curve(x)) is not None), None)
