"""Make one product of a chain of scalings, shifts and products.

((x * a + c) @ V + d) @ W = x @ (a V W) + (c V + d) @ W. The rows are read once, and neither scaled
nor projected ones are ever built.

It is another order of the same sums, in float64: their terms are larger where columns lie far from
0 for their spread. So the pass declines where the shifts, through the weights, add up to more than
a few times the spread that the weights give the result. Whatever the rows, a decision by the
result knows both sums' rounding. What the chain would have made infinite is refused beforehand,
since nothing is computed there any more. Float32 never takes part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
import torch

from ..ops import (
    Arith,
    Between,
    Concat,
    Decided,
    Finite,
    MatMul,
    Op,
    Select,
    column_count,
    no_larger,
)

MOST_SHIFT = 64.0  # of the length of the weights
WORTH_LEAVING_OUT = 4  # how many sums must be spared a column of zeros for it to be left out
LARGEST = 1e100  # in rows and in what they are multiplied by: products of two stay finite


def fold_affine(op: Op) -> Op | None:
    """`op`, a product or a decision by one, of what its rows were made of."""
    if isinstance(op, MatMul):
        return _product(op)
    if isinstance(op, Decided):
        return _decision(op)
    if _adds(op):
        return _one_sum(op)
    return None


@dataclass(frozen=True)
class _Form:
    """`base @ weight + constant`, and the magnitudes that were added up on the way.

    A weight of one dimension is a diagonal.
    """

    base: Op
    weight: np.ndarray  # (base.width,) or (base.width, n)
    constant: np.ndarray  # (n,)
    reach: np.ndarray  # like weight: what magnitudes are multiplied by, from product to product
    shift: np.ndarray  # (n,) the magnitudes of what goes into the constant
    centre: np.ndarray  # (base.width,) how far columns are moved before the first product
    rest: np.ndarray  # (n,) the magnitudes of what is added after it

    def moved(self, by: np.ndarray) -> _Form:
        size, centre, rest = np.abs(by), self.centre, self.rest
        if self.weight.ndim == 1:
            centre = centre + np.abs(by / self.weight)
        else:
            rest = rest + size
        constant, shift = self.constant + by, self.shift + size
        return replace(self, constant=constant, shift=shift, centre=centre, rest=rest)

    def scaled(self, by: np.ndarray) -> _Form:
        size = np.abs(by)
        return replace(
            self,
            weight=self.weight * by,
            constant=self.constant * by,
            reach=self.reach * size,
            shift=self.shift * size,
            rest=self.rest * size,
        )

    def times(self, weight: np.ndarray) -> _Form:
        size = np.abs(weight)
        one = self.weight.ndim == 1
        return replace(
            self,
            weight=self.weight[:, None] * weight if one else self.weight @ weight,
            constant=self.constant @ weight,
            reach=self.reach[:, None] * size if one else self.reach @ size,
            shift=self.shift @ size,
            rest=self.rest @ size,
        )

    @property
    def is_nothing(self) -> bool:
        return self.weight.ndim == 1 and bool((self.weight == 1).all() and not self.shift.any())


# What the sums that this pass has made were before, and what it has made of concatenations.
_FORMS: WeakKeyDictionary[Op, _Form] = WeakKeyDictionary()


def _form(op: Op) -> _Form:
    """What `op` computes of what it was made of, as far as that can be said so."""
    if op not in _FORMS:
        form = _found(op)
        if not isinstance(op, Concat) or form.base is op:
            return form
        _FORMS[op] = form
    return _FORMS[op]


def _found(op: Op) -> _Form:
    if isinstance(op, Finite) and op.dtype == torch.float64:
        return _form(op.x)
    if isinstance(op, MatMul) and op.weight.ndim == 2 and _in_float64(op.x, op.weight):
        return _form(op.x).times(op.weight)
    if isinstance(op, Concat) and all(_is_rows(x) for x in op.xs):
        return _side_by_side(op)
    if isinstance(op, Arith) and isinstance(op.x, Op) and isinstance(op.y, np.ndarray):
        y = op.y.reshape(-1)
        if op.y.ndim <= 2 and _in_float64(op.x, y) and y.size in (1, column_count(op.x)):
            if op.fn in (torch.add, torch.sub):
                return _form(op.x).moved(y if op.fn is torch.add else -y)
            if op.fn in (torch.mul, torch.div) and y.all():
                return _form(op.x).scaled(y if op.fn is torch.mul else 1 / y)
    return _nothing(op)


def _nothing(op: Op) -> _Form:
    ones, zeros = np.ones(column_count(op)), np.zeros(column_count(op))
    return _Form(op, ones, zeros, ones, zeros, zeros, zeros)


def _side_by_side(op: Concat) -> _Form:
    """Scaled columns beside each other; what is a product already stays one."""
    forms = [f if f.weight.ndim == 1 else _nothing(x) for x, f in zip(op.xs, map(_form, op.xs))]
    if all(f.is_nothing for f in forms):
        return _nothing(op)
    names = ("weight", "constant", "reach", "shift", "centre", "rest")
    joined = (np.concatenate([getattr(f, name) for f in forms]) for name in names)
    return _Form(Concat(tuple(f.base for f in forms)), *joined)


def _is_rows(op: Op) -> bool:
    return op.dtype == torch.float64 and op.width is not None


def _in_float64(x: Op, constant: np.ndarray) -> bool:
    return _is_rows(x) and constant.dtype == np.float64 and bool(np.isfinite(constant).all())


def _product(op: MatMul) -> Op | None:
    if not _in_float64(op.x, op.weight):
        return None
    flat, own = op.weight.ndim == 1, op.weight.reshape(len(op.weight), -1)
    before = _form(op.x)
    form = before.times(own)
    wider = before.weight.ndim == 2 and form.weight.size > before.weight.size + own.size
    if before.is_nothing or wider or not _settled(form, own):
        return None if isinstance(op.x, Select) else _without_zeros(op)
    weight = np.ascontiguousarray(form.weight[:, 0] if flat else form.weight)
    product: Op = MatMul(no_larger(form.base, LARGEST), weight)
    product = _without_zeros(product) or product
    if form.shift.any():
        product = product + (form.constant[:1] if flat else form.constant)
    _FORMS[product] = form
    return product


def _without_zeros(op: Op) -> Op | None:
    """A product that leaves out columns of which nothing is taken; they may not be infinite."""
    assert isinstance(op, MatMul)
    used = np.flatnonzero(op.weight.any(axis=tuple(range(1, op.weight.ndim))))
    few = 0 < 2 * len(used) <= len(op.weight)
    if op.width is None or op.width < WORTH_LEAVING_OUT or not few:
        return None
    rows = op.x if isinstance(op.x, Between) else no_larger(op.x, LARGEST)
    return MatMul(Select(rows, used), op.weight[used])


def _settled(form: _Form, weight: np.ndarray) -> bool:
    """Whether the sums are about as large as before, and nowhere near overflow."""
    parts = (form.weight, form.reach, form.shift, weight)
    small = all(np.abs(part).max(initial=0.0) * max(1, len(part)) < LARGEST for part in parts)
    moved = form.centre @ np.abs(form.weight) + form.rest
    lengths = np.sqrt((weight**2).sum(axis=0))
    return small and bool((moved <= MOST_SHIFT * lengths).all())


def _decision(op: Decided) -> Op | None:
    """The decision by the rounding of the folded sums, as well as of those before."""
    if not _in_float64(op.rows, op.weight):
        return None
    before = _form(op.rows)
    weight = op.weight.reshape(len(op.weight), -1)
    form = before.times(weight)
    if before.is_nothing or not _settled(form, weight):
        return None
    return replace(
        op,
        rows=no_larger(form.base, LARGEST),
        weight=form.reach,
        terms=max(op.terms, len(op.weight)) + len(form.reach) + 4,
        shift=op.shift + float(form.shift.max(initial=0.0)),
    )


def _adds(op: Op) -> bool:
    return isinstance(op, Arith) and op.fn is torch.add and isinstance(op.y, np.ndarray)


def _one_sum(op: Op) -> Op | None:
    """`(x + a) + b` as `x + (a + b)`, where this pass has made `x + a`."""
    assert isinstance(op, Arith)
    inner, y = op.x, op.y.reshape(-1)
    if inner not in _FORMS or not _adds(inner) or y.dtype != np.float64:
        return None
    if y.size not in (1, inner.y.size):
        return None
    total = inner.x + (inner.y + y)
    _FORMS[total] = _FORMS[inner].moved(y)
    return total
