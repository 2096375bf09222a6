"""Which column of the table a column on the way is made of."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..ops import (
    Arith,
    Bins,
    BoxCox,
    Cast,
    Column,
    Columns,
    Concat,
    Fill,
    FillTable,
    Guard,
    Input,
    Interpolate,
    Lookable,
    Lookup,
    Map,
    Missing,
    MissingCells,
    Named,
    Numbers,
    OneHot,
    Op,
    Recode,
    Search,
    Select,
    YeoJohnson,
    column_count,
)

COLUMN_BY_COLUMN = (
    Numbers,
    Cast,
    Guard,
    Map,
    Named,
    Fill,
    Missing,
    MissingCells,
    Lookable,
    Lookup,
    Search,
    Recode,
    Bins,
    Interpolate,
    YeoJohnson,
    BoxCox,
)


def source(op: Op, j: int) -> int | None:
    """The one column of the table that decides column `j` of a result; None for several."""
    while not isinstance(op, Input):
        found = _one_step(op, j)
        if found is None:
            return None
        op, j = found
    return j


def _one_step(op: Op, j: int) -> tuple[Op, int] | None:
    if isinstance(op, COLUMN_BY_COLUMN):
        return op.x, j
    if isinstance(op, Select | Columns):
        return op.x, int(op.columns[j])
    if isinstance(op, Column):
        return op.x, op.index
    if isinstance(op, FillTable):
        return op.x, (*op.columns, *op.indicated)[j]
    if isinstance(op, OneHot):
        return op.x, _part(op.sizes, j)[0]
    if isinstance(op, Concat):
        part, at = _part(tuple(column_count(x) for x in op.xs), j)
        return op.xs[part], at
    if isinstance(op, Arith):
        ops = [v for v in (op.x, op.y) if isinstance(v, Op)]
        return (ops[0], j) if len(ops) == 1 and ops[0].width == op.width else None
    return None


def _part(sizes: tuple[int, ...], j: int) -> tuple[int, int]:
    """Which of the parts position `j` is in, and where in it."""
    starts = np.cumsum([0, *sizes]).tolist()
    for i, (lo, hi) in enumerate(pairwise(starts)):
        if lo <= j < hi:
            return i, j - lo
    raise IndexError(j)
