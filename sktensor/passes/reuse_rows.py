"""Judge a decision by the very rows that its scores are the product of.

decided(f(rows @ weight), rows') = decided(f(rows @ weight), rows), where rows' are rows but for
guards: the product has lost those to a guard on its result. Else both would be computed.
"""

from __future__ import annotations

from dataclasses import replace

from ..graph import walk
from ..ops import Decided, Guard, MatMul, Op


def reuse_rows(op: Op) -> Op | None:
    """`op` reading what the product reads, if it is a decision by that product."""
    if not isinstance(op, Decided):
        return None
    products = (x for x in walk(op.x) if isinstance(x, MatMul) and x.weight is op.weight)
    product = next(products, None)
    if product is None or product.x is op.rows or not _same(product.x, op.rows):
        return None
    return replace(op, rows=product.x)


def _same(rows: Op, guarded: Op) -> bool:
    """Whether the graphs are the same but for guards."""
    while isinstance(rows, Guard):
        rows = rows.x
    while isinstance(guarded, Guard):
        guarded = guarded.x
    if rows is guarded:
        return True
    inputs = rows.inputs, guarded.inputs
    if type(rows) is not type(guarded) or len(inputs[0]) != len(inputs[1]) or not rows.inputs:
        return False
    rest = [[v for v in op.arguments if not isinstance(v, Op | tuple)] for op in (rows, guarded)]
    return all(a is b for a, b in zip(*rest, strict=True)) and all(map(_same, *inputs))
