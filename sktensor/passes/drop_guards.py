"""Look once, at the end of a chain, whether values are finite.

finite(f(finite(x))) = finite(f(x)) where f, value by value or as a product, makes no finite value
of one that is not. The outer guard may then look at NaN too, which the inner one let pass.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ..ops import Arith, Cast, Finite, MatMul, Op

KEEPS = (torch.add, torch.sub, torch.mul, torch.div)


def drop_guards(op: Op) -> Op | None:
    """`op` without the guards that it makes superfluous, if it is a guard itself."""
    if not isinstance(op, Finite):
        return None
    x = _without(op.x, op.allow_nan)
    return None if x is op.x else replace(op, x=x)


def _without(op: Op, allow_nan: bool) -> Op:
    """`op` with no guard on the way to what it reads, as far as infinities come through."""
    if isinstance(op, Finite) and (op.allow_nan or not allow_nan):
        return _without(op.x, allow_nan)
    if not (isinstance(op, Cast) and op.to.is_floating_point) and not _keeps(op, allow_nan):
        return op
    return op.with_inputs(lambda x: _without(x, allow_nan))


def _keeps(op: Op, allow_nan: bool) -> bool:
    """Whether an infinity in a row stays one, or at least turns to a NaN that is looked for."""
    if isinstance(op, MatMul):
        return not allow_nan and bool(np.isfinite(op.weight).all())
    if not isinstance(op, Arith) or op.fn not in KEEPS or not isinstance(op.x, Op):
        return False
    if isinstance(op.y, Op):
        return False
    y = np.asarray(op.y)
    if op.fn in (torch.mul, torch.div):
        return bool((np.isfinite(y) & (y != 0)).all())
    return bool(np.isfinite(y).all())
