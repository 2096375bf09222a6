"""Make a quadratic form of a product with products of two columns.

concat(1, x, x_i x_j for i <= j) @ w = c + sum over i of x_i (b_i + sum over j of x_j A_ji): the
products of columns are never built, which takes several times as long as adding them up.

The terms are the same, and so are the magnitudes that rounding goes by: a sum of n + 1 of them in
two steps is within 2 n + 3 roundings of the exact one, in one step within as many as there are
products. Their squares add up to at most (1 + |x|^2)^2, which is all that a decision by the sum
needs to know of them. What would have overflowed, as a product that nothing is taken of may, is
refused beforehand. Float32 never takes part, since there the products themselves are rounded.
"""

from __future__ import annotations

from dataclasses import replace
from weakref import WeakKeyDictionary

import numpy as np
import torch

from ..ops import (
    Between,
    Column,
    Concat,
    Decided,
    Finite,
    Map,
    MatMul,
    Op,
    Products,
    Quadratic,
    RowSum,
    Select,
    column_count,
    no_larger,
)

LARGEST = 2.0**166  # in rows, some 1e50: products of two, and those with weights, stay finite
LARGEST_WEIGHT = 1e100
MOST_OUTPUTS = 16  # beyond which the weights of products are worth building their columns

NONE = -1  # instead of a column: the other factor alone

Factors = np.ndarray  # (width, 2) the columns of the rows whose product each column is


def fold_polynomial(op: Op) -> Op | None:
    """`op`, a product or a decision by one, of the rows whose products its own are."""
    if isinstance(op, MatMul):
        return _product(op)
    if isinstance(op, Decided):
        return _decision(op)
    return None


# What is under products of columns, and of which: for the product and for the decision.
_FOUND: WeakKeyDictionary[Op, tuple[Op, Factors] | None] = WeakKeyDictionary()


def _found(op: Op) -> tuple[Op, Factors] | None:
    if op not in _FOUND:
        found = _factors(op)
        if found is not None and len(np.unique(found[1], axis=0)) < len(found[1]):
            found = None  # of columns that come twice lengths say less
        _FOUND[op] = found
    return _FOUND[op]


def _factors(op: Op) -> tuple[Op, Factors] | None:
    """The rows of which every column is a product of two columns, one column, or 1."""
    if op.dtype != torch.float64:
        return None
    if isinstance(op, Products):
        return (op.x, _of_products(op)) if op.degree == 2 else None
    if isinstance(op, Finite):
        return None if op.allow_nan else _factors(op.x)
    if isinstance(op, Between):
        return _factors(op.x) if op.of is op.x and _are_far(op) else None
    if isinstance(op, Select):
        found = _factors(op.x)
        return None if found is None else (found[0], found[1][op.columns])
    return _side_by_side(op) if isinstance(op, Concat) else None


def _of_products(op: Products) -> Factors:
    n = column_count(op.x)
    alone = np.stack([np.arange(n), np.full(n, NONE)], axis=1)
    pairs = np.stack(np.triu_indices(n, int(op.distinct)), axis=1)
    return np.concatenate([alone, pairs])


def _side_by_side(op: Concat) -> tuple[Op, Factors] | None:
    """Products of the columns of one array, and ones."""
    base, columns = None, []
    for x in op.xs:
        if isinstance(x, Map) and x.fn is torch.ones_like:
            columns.append(np.full((column_count(x), 2), NONE))
            continue
        found = _factors(x)
        if found is None or base not in (None, found[0]):
            return None
        base = found[0]
        columns.append(found[1])
    return None if base is None else (base, np.concatenate(columns))


def _are_far(op: Between) -> bool:
    """Whether the products of rows that are folded are within the bounds."""
    return not op.allow_nan and bool(min(op.high.min(), -op.low.max()) >= LARGEST**2)


def _product(op: MatMul) -> Op | None:
    found = _found(op.x)
    if found is None or op.weight.dtype != np.float64:
        return None
    rows, factors = found
    flat, weight = op.weight.ndim == 1, op.weight.reshape(len(op.weight), -1)
    n, n_outputs = column_count(rows), weight.shape[1]
    largest = len(weight) * np.abs(weight).max(initial=0.0)
    if n_outputs > MOST_OUTPUTS or not largest < LARGEST_WEIGHT:
        return None
    # The last place in each direction is that of no column.
    all_of_it = np.zeros((n + 1, n_outputs, n + 1))
    all_of_it[factors[:, 1], :, factors[:, 0]] = weight
    square = np.ascontiguousarray(all_of_it[:n, :, :n]).reshape(n, -1)
    linear, constant = all_of_it[n, :, :n].reshape(-1), all_of_it[n, :, n].copy()
    form: Op = Quadratic(no_larger(rows, LARGEST), square, linear)
    if constant.any():
        form = form + constant
    return Column(form, 0) if flat else form


def _decision(op: Decided) -> Op | None:
    """The decision by the bound on the rows' lengths, as one column."""
    found = _found(op.rows)
    if found is None or op.weight.dtype != np.float64:
        return None
    rows = no_larger(found[0], LARGEST)
    lengths = np.sqrt((op.weight**2).sum(axis=0, keepdims=True))
    bound = RowSum(rows * rows) + np.ones(1)
    return replace(op, rows=bound, weight=lengths, terms=max(op.terms, len(op.weight)))
