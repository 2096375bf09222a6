"""What a row takes of memory and of time, as far as a graph says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from .ops import (
    UFUNCS,
    CenterDistances,
    FillFromNearest,
    Forest,
    Interpolate,
    Leaves,
    Map,
    MatMul,
    Nearest,
    Op,
    Quadratic,
    SquaredDistances,
    column_count,
)


def bytes_of(op: Op) -> int:
    """Bytes of a row of the result; a cell of a table as 8."""
    return column_count(op) * (8 if op.dtype is None else op.dtype.itemsize)


def widest(ops: Iterable[Op]) -> int:
    """What a row takes where it is widest."""
    return max([1, *map(bytes_of, ops)])


def alive(inputs: Sequence[Op], ops: Sequence[Op], outputs: Collection[Op]) -> int:
    """What a row takes where most results are needed at once, and what an op takes beside them.

    That is taken to be as much as its result, and for forests two keys a column. Inputs are there
    twice: those of the next block are copied meanwhile.
    """
    last = {x: i for i, op in enumerate(ops) for x in op.inputs}
    sizes = {op: bytes_of(op) for op in (*inputs, *ops)}
    kept = {*inputs, *outputs}
    most = now = 0
    for i, op in enumerate(ops):
        beside = 2 * sizes[op.x] if isinstance(op, Forest | Leaves) else sizes[op]
        now += sizes[op]
        most = max(most, now + beside)
        now -= sum(sizes[x] for x in set(op.inputs) if last[x] == i and x not in kept)
    return max(1, most + 2 * sum(sizes[x] for x in inputs))


def cost(op: Op) -> float:
    """About how many nanoseconds a row takes one thread of a CPU."""
    if isinstance(op, Forest):
        nodes = len(op.feature) / max(1, len(op.roots))
        return 0.35 * nodes**0.4 * len(op.roots)  # as measured, from 15 nodes a tree to 10,000
    if isinstance(op, MatMul):
        return 0.1 * op.weight.size
    if isinstance(op, Quadratic):
        return 0.1 * op.square.size
    if isinstance(op, FillFromNearest):
        return 0.5 * op.columns.size
    if isinstance(op, Nearest):
        return 0.1 * op.rows.size + 0.5 * len(op.rows)
    if isinstance(op, CenterDistances):
        return 0.2 * op.centers.size
    if isinstance(op, SquaredDistances):
        return 0.2 * op.shift.size
    if isinstance(op, Map) and op.fn is UFUNCS[np.cos]:
        return 5.0 * column_count(op)
    if isinstance(op, Interpolate):
        return 40.0 * column_count(op)  # as measured of NumPy's
    return 0.5 * column_count(op)
