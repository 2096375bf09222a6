"""Which columns an op needs of what it reads, for some of its own; and the op for those alone.

Columns are masks, one boolean for each. An op not known here needs all of its inputs, and gives
all that it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

import numpy as np
import torch

from ..table import NUMPY_DTYPES
from .arithmetic import Arith, Map, MatMul
from .base import Op, column_count
from .categories import CategoryCodes
from .columns import Between, Cast, Column, Concat, Finite, Named, Select
from .curves import Bins, Bounded, BoxCox, Interpolate, YeoJohnson
from .encode import Fill, GatherSum, Missing, OneHot, Recode, Search
from .forest import Forest, Leaves
from .host import Columns, Input, Native, Numbers, signature
from .lookup import AllKnown, Lookup
from .outputs import Decided

Mask = np.ndarray

# Ops that give column by column what they read, with constants of a row for each column.
COLUMNWISE = (
    *(Map, Cast, Fill, Missing, Search, Recode),
    *(Bins, Interpolate, YeoJohnson, BoxCox, Bounded),
)
PLAIN = frozenset(
    ["float32", "float64", "bool"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)


def every(op: Op) -> Mask:
    """All of the op's columns; one for those of a native step that nobody has asked for them."""
    unasked = isinstance(op, Native) and not op.is_known
    return np.ones(1 if unasked else column_count(op), bool)


def maps_columns_alone(op: Op) -> bool:
    """Whether each column is made of the same column of every input, and of nothing else."""
    if isinstance(op, COLUMNWISE):
        return all(x.width == op.width for x in op.inputs)
    if not isinstance(op, Arith) or any(x.width != op.width for x in op.inputs):
        return False
    return all(a.ndim <= 2 and a.size in (1, op.width) for a in op.arrays)


@singledispatch
def needed(op: Op, wanted: Mask) -> list[Mask]:
    """Which columns of its inputs the op needs for some of its own, and for what it refuses."""
    if maps_columns_alone(op):
        return [wanted] * len(op.inputs)
    return [every(x) for x in op.inputs]


@needed.register
def _(op: Select, wanted: Mask) -> list[Mask]:
    return [_among(op.x, op.columns[wanted])]


@needed.register
def _(op: Columns, wanted: Mask) -> list[Mask]:
    return [_among(op.x, np.array(op.columns)[wanted])]


@needed.register
def _(op: Column, wanted: Mask) -> list[Mask]:
    return [_among(op.x, op.index)]


@needed.register
def _(op: Named, wanted: Mask) -> list[Mask]:
    return [wanted]


@needed.register
def _(op: Concat, wanted: Mask) -> list[Mask]:
    return np.split(wanted, np.cumsum([column_count(x) for x in op.xs])[:-1])


@needed.register
def _(op: OneHot, wanted: Mask) -> list[Mask]:
    return [_of_blocks(wanted, op.sizes)]


@needed.register
def _(op: GatherSum, wanted: Mask) -> list[Mask]:
    return [_of_blocks(_any(op.weight[:-1]), op.sizes)]


@needed.register
def _(op: MatMul, wanted: Mask) -> list[Mask]:
    """Zero times a value that is finite is nothing, in whatever order float64 is added up."""
    if op.x.dtype != torch.float64 or op.weight.dtype != np.float64 or op.x.width is None:
        return [every(op.x)]
    return [_any(op.weight) | ~finite(op.x)]


@needed.register
def _(op: Decided, wanted: Mask) -> list[Mask]:
    return [every(op.x), _any(op.weight)]


@needed.register(Forest)
@needed.register(Leaves)
def _(op: Forest | Leaves, wanted: Mask) -> list[Mask]:
    return [_among(op.x, op.feature[op.feature >= 0])]


@needed.register
def _(op: Finite, wanted: Mask) -> list[Mask]:
    return [wanted | ~finite(op.x)]


@needed.register
def _(op: Between, wanted: Mask) -> list[Mask]:
    outside = ~within(op.of, op.low, op.high)
    return [wanted | outside] * 2 if op.of is op.x else [wanted, outside]


@needed.register
def _(op: AllKnown, wanted: Mask) -> list[Mask]:
    return [wanted | ~op.may_miss]


@needed.register
def _(op: Numbers, wanted: Mask) -> list[Mask]:
    return [wanted | ~_always_numbers(op)]


@needed.register
def _(op: Lookup, wanted: Mask) -> list[Mask]:
    return [wanted | (unread(op) != FREE)]


@needed.register
def _(op: CategoryCodes, wanted: Mask) -> list[Mask]:
    return [every(op.x) if op.strict else wanted]


def _among(x: Op, columns: np.ndarray | int) -> Mask:
    found = np.zeros(column_count(x), bool)
    found[columns] = True
    return found


def _any(weight: np.ndarray) -> Mask:
    """Which rows of a product's weight are not all zero."""
    return np.asarray(weight.any(axis=tuple(range(1, weight.ndim))))


def _of_blocks(wanted: Mask, sizes: Sequence[int]) -> Mask:
    """Which blocks have something that is wanted."""
    found = np.zeros(len(sizes), bool)
    found[np.repeat(np.arange(len(sizes)), sizes)[wanted]] = True
    return found


def finite(op: Op) -> Mask:
    """Which columns are finite whatever the rows, if the op lets them pass."""
    whole = op.dtype is not None and not op.dtype.is_floating_point
    if whole or isinstance(op, OneHot) or (isinstance(op, Finite) and not op.allow_nan):
        return every(op)
    if isinstance(op, Finite):
        return finite(op.x)
    if isinstance(op, Between):
        if op.of is not op.x or op.allow_nan:
            return finite(op.x)
        return finite(op.x) | (np.isfinite(op.low) & np.isfinite(op.high))
    if isinstance(op, Named):
        return finite(op.x)
    if isinstance(op, Select):
        return finite(op.x)[op.columns]
    if isinstance(op, Concat):
        return np.concatenate([finite(x) for x in op.xs])
    if isinstance(op, Cast):
        known = op.x.dtype
        narrower = known == torch.float64 and op.to == torch.float32
        return ~every(op) if narrower else finite(op.x)
    if isinstance(op, Recode):
        return np.isfinite(op.table).all(axis=1)
    if isinstance(op, Numbers):
        kinds = signature(op.x).kinds or ()
        return np.array([k in PLAIN and not k.startswith("float") for k in kinds], bool)
    return ~every(op)


def within(op: Op, low: np.ndarray, high: np.ndarray) -> Mask:
    """Which columns are from `low` to `high` whatever the rows, if the op lets them pass."""
    if isinstance(op, Select):
        wide_low, wide_high = np.full((2, column_count(op.x)), [[np.inf], [-np.inf]])
        np.minimum.at(wide_low, op.columns, low)
        np.maximum.at(wide_high, op.columns, high)
        return within(op.x, wide_low, wide_high)[op.columns]
    if isinstance(op, Concat):
        ends = np.cumsum([column_count(x) for x in op.xs])[:-1]
        parts = zip(op.xs, np.split(low, ends), np.split(high, ends), strict=True)
        return np.concatenate([within(*part) for part in parts])
    if isinstance(op, Finite | Named) or (isinstance(op, Cast) and op.to == torch.float64):
        return within(op.x, low, high)
    if isinstance(op, OneHot) or op.dtype == torch.bool:
        return (low <= 0) & (high >= 1)
    if isinstance(op, Recode):
        inside = (op.table >= low[:, None]) & (op.table <= high[:, None])
        return np.asarray(inside.all(axis=1))
    whole = (low <= -(2.0**64)) & (high >= 2.0**64)
    if op.dtype is not None and not op.dtype.is_floating_point:
        return whole
    return finite(op) & whole if isinstance(op, Numbers) else ~every(op)


def _always_numbers(op: Numbers) -> Mask:
    """Which columns of a table are numbers whatever the rows."""
    to = NUMPY_DTYPES[op.to]
    kinds = signature(op.x).kinds or ("",) * column_count(op)
    return np.array([k in PLAIN and np.can_cast(np.dtype(k), to, "same_kind") for k in kinds])


FREE, LOOKED_AT, LOOKED_UP = 0, 1, 2
_UNREAD = {"str": FREE, "object": LOOKED_AT, "category": LOOKED_AT}


def unread(op: Lookup) -> np.ndarray:
    """What a column takes that nobody reads: nothing, a look at what is in it, or a lookup.

    An encoder that takes unknown values takes any that have a hash, and all strings have one.
    """
    kinds = signature(op.x).kinds or ("",) * op.width
    hashed = [op.may_miss and known.dtype.kind in "OU" for known in op.categories]
    pairs = zip(kinds, hashed, strict=True)
    return np.array([_UNREAD.get(kind, LOOKED_UP) if h else LOOKED_UP for kind, h in pairs])


def refuses(op: Op) -> bool:
    """Whether there are rows that the op refuses, or may refuse."""
    if isinstance(op, Finite | AllKnown):
        return bool(needed(op, ~every(op))[0].any())
    if isinstance(op, Numbers):
        return not _always_numbers(op).all()
    if isinstance(op, Lookup):
        return bool((unread(op) != FREE).any())
    if op.on_host:
        return not isinstance(op, Input | Columns)
    return hasattr(op, "holds")
