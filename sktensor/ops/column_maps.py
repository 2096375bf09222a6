"""Which ops map each column by itself and keep an order, and what they make of a value.

Sums, quotients, clips, casts and the like are rounded correctly, so rounding keeps the order too.
Other functions are known to be within some floats of a rising one, which leaves to be proved that
they rise where it matters (`thresholds`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from .arithmetic import Arith, Map
from .base import Op, column_count
from .columns import Cast
from .curves import Bins, Bounded, BoxCox, Interpolate, YeoJohnson
from .elementwise import UFUNCS, ndtri, sqrt
from .encode import Fill, Missing

RISING = (torch.add, torch.sub, torch.mul, torch.div, torch.maximum, torch.minimum)
# Rounded correctly, or not at all.
RISING_MAPS: tuple[Any, ...] = (sqrt, torch.floor, torch.ceil, torch.trunc, torch.round)
RISING_MAPS += (UFUNCS[np.sign],)
FALLING_MAPS = (torch.neg,)
# By how many floats a rising function may be off: NumPy's tests allow it 4, Cephes states 6.
OFF: dict[Any, float] = {
    UFUNCS[f]: 4.0
    for f in (np.log, np.log2, np.log10, np.log1p, np.exp, np.exp2, np.expm1, np.arctan, np.tanh)
}
OFF |= {UFUNCS[np.arcsinh]: 4.0, ndtri: 16.0}
# Where functions are defined that are not everywhere: from the first number after, or from it on.
DEFINED: dict[Any, tuple[float, bool]] = {
    sqrt: (0.0, True),
    UFUNCS[np.log1p]: (-1.0, False),
    **{UFUNCS[f]: (0.0, False) for f in (np.log, np.log2, np.log10)},
}

# About how many nanoseconds a value takes.
COSTS: dict[type[Op], float] = {
    Bins: 25,
    Interpolate: 50,
    Bounded: 150,
    BoxCox: 50,
    YeoJohnson: 100,
}


def cost(op: Op) -> float:
    """About how many nanoseconds an op takes for a value."""
    return COSTS.get(type(op), 10.0 if isinstance(op, Map) and op.fn in OFF else 0.5)


def maps_columns(op: Op) -> bool:
    """Whether each of the op's columns is a monotone function of the same column of what it reads.

    But for rounding, as `slack` and `pieces` say.
    """
    if isinstance(op, Fill | Missing):
        return op.marker is None or op.marker != op.marker
    if isinstance(op, Bins | BoxCox | YeoJohnson):
        return True
    if isinstance(op, Interpolate):
        return bool((np.diff(op.points) >= 0).all() and (np.diff(op.values) >= 0).all())
    if isinstance(op, Bounded):
        return _rises(op.result, op.x) == 1
    if isinstance(op, Cast):
        return _floating(op.to)
    if isinstance(op, Map):
        return op.fn in RISING_MAPS or op.fn in FALLING_MAPS or op.fn in OFF
    if not isinstance(op, Arith) or op.fn not in RISING or not _floating(op.dtype):
        return False
    operand, constant = (op.x, op.y) if isinstance(op.x, Op) else (op.y, op.x)
    if isinstance(constant, Op) or (op.fn is torch.div and operand is op.y):
        return False
    values = np.asarray(constant)
    if op.fn is torch.div and not values.all():
        return False
    same = values.size == 1 or values.shape[-1] == values.size == column_count(operand)
    return same and values.dtype.kind in "iuf" and bool(np.isfinite(values).all())


def _rises(op: Op, x: Op) -> int:
    """1 where a result rises with x, -1 where it falls, 0 where that is not known."""
    if op is x:
        return 1
    if isinstance(op, Arith) and op.fn is torch.sub and isinstance(op.x, Op):
        both = (_rises(op.x, x), -_rises(op.y, x)) if isinstance(op.y, Op) else (0,)
        return both[0] if len(set(both)) == 1 else 0
    if not maps_columns(op) or isinstance(op, Bounded | BoxCox | YeoJohnson):
        return 0
    if isinstance(op, Map) and op.fn in OFF:
        return 0
    signs = falls(op, np.arange(column_count(op)))
    inner = _rises(read_by(op), x)
    return 0 if len(set(signs.tolist())) != 1 else -inner if signs[0] else inner


def read_by(op: Op) -> Op:
    """What a column map reads."""
    return op.x if isinstance(op.x, Op) else op.y  # type: ignore[attr-defined]


def _floating(dtype: torch.dtype | None) -> bool:
    return dtype is not None and dtype.is_floating_point


def image(op: Op, columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What the op makes of values, each of one of its columns: its own arithmetic."""
    x = torch.from_numpy(np.ascontiguousarray(values))
    with np.errstate(all="ignore"):
        return _image(op, columns, x).numpy()


def _image(op: Op, columns: np.ndarray, x: torch.Tensor) -> torch.Tensor:
    if isinstance(op, Bounded):
        result = _inside(op.result, op.x, columns, x)
        low, high = of_columns(op.low, columns), of_columns(op.high, columns)
        return op.forward(x, result, low, high, op.slack)
    if isinstance(op, Arith):
        sides = [x if isinstance(side, Op) else of_columns(side, columns) for side in (op.x, op.y)]
        return op.forward(op.fn, *sides)
    if isinstance(op, Fill):
        return op.forward(x, op.marker, of_columns(op.values, columns))
    if isinstance(op, Bins | Interpolate):
        return _column_by_column(op, columns, x)
    if isinstance(op, BoxCox | YeoJohnson):
        return op.forward(x, of_columns(op.lambdas, columns), *op.arguments[2:])
    return op.forward(x, *op.arguments[1:])


def _column_by_column(op: Op, columns: np.ndarray, x: torch.Tensor) -> torch.Tensor:
    out = torch.empty(len(x), dtype=op.dtype, device="cpu")
    for column in np.unique(columns):
        at = torch.from_numpy(np.flatnonzero(columns == column))
        constants = (torch.from_numpy(a[column : column + 1]) for a in op.arrays)
        out[at] = op.forward(x[at, None], *constants)[:, 0]
    return out


def _inside(op: Op, source: Op, columns: np.ndarray, x: torch.Tensor) -> torch.Tensor:
    """What an op made of nothing but `source` makes of its values x."""
    if op is source:
        return x
    if isinstance(op, Arith) and isinstance(op.x, Op) and isinstance(op.y, Op):
        sides = (_inside(side, source, columns, x) for side in (op.x, op.y))
        return op.forward(op.fn, *sides)
    return _image(op, columns, _inside(read_by(op), source, columns, x))


def of_columns(constant: Any, columns: np.ndarray) -> Any:
    if not isinstance(constant, np.ndarray):
        return constant
    flat = constant.reshape(-1)
    return torch.from_numpy(flat[columns] if flat.size > 1 else flat)


def falls(op: Op, columns: np.ndarray) -> np.ndarray:
    """Which of the columns fall where what they read rises."""
    if isinstance(op, Map):
        return np.full(len(columns), op.fn in FALLING_MAPS)
    if not isinstance(op, Arith):
        return np.zeros(len(columns), bool)
    if op.fn is torch.sub and not isinstance(op.x, Op):
        return np.ones(len(columns), bool)
    if op.fn in (torch.mul, torch.div):
        constant = np.asarray(op.y if isinstance(op.x, Op) else op.x).reshape(-1)
        values = constant[columns] if constant.size > 1 else np.full(len(columns), constant[0])
        return np.signbit(values)
    return np.zeros(len(columns), bool)


def slack(op: Op, columns: np.ndarray, t: np.ndarray) -> np.ndarray | None:
    """How far from t two results may be, of x and of y > x, that are out of order around it.

    None of an op that keeps the order by itself, or in pieces.
    """
    if isinstance(op, Map) and op.fn in OFF:
        eps, size = np.finfo(t.dtype).eps, np.abs(t.astype(np.float64))
        return 2 * OFF[op.fn] * eps * size
    if isinstance(op, BoxCox | YeoJohnson):
        return _power_slack(op, columns, t)
    return None


def _power_slack(op: BoxCox | YeoJohnson, columns: np.ndarray, t: np.ndarray) -> np.ndarray:
    """What logarithms, exponentials and powers of a few floats off leave of `(x ** p - 1) / p`.

    An exponent z off by 4 eps z makes e ** z - 1 as much off, for its size, or less where z < 0.
    """
    eps, size = np.finfo(t.dtype).eps, np.abs(t.astype(np.float64))
    p = op.lambdas[columns].astype(np.float64)
    if isinstance(op, YeoJohnson):
        p = np.where(t >= 0, p, 2 - p)
        signed = size * p
    else:
        signed = t.astype(np.float64) * p
    with np.errstate(all="ignore"):
        z = np.nan_to_num(np.log1p(np.maximum(signed, -0.5)), posinf=1e3).clip(min=0)
        off = 16 * eps * size * (2 + z)
        if isinstance(op, YeoJohnson) and op.by_power:
            off += np.where(p == 0, 0.0, 16 * eps * (1 + np.abs(signed)) / np.abs(p))
    return off


def joints(op: Op, column: int) -> np.ndarray | None:
    """Values around which another piece of the op begins, each piece keeping the order by itself.

    None of an op that is one piece.
    """
    if isinstance(op, Interpolate):
        return op.points[column]
    if isinstance(op, Bounded):
        edges = np.array([op.low[column], op.high[column]], np.float64)
        inner = _inner_joints(op.result, op.x, column)
        return np.concatenate([edges - op.slack, edges + op.slack, *inner])
    return None


def _inner_joints(op: Op, source: Op, column: int) -> list[np.ndarray]:
    if op is source:
        return []
    found = []
    own = joints(op, column)
    if own is not None:
        # These are of what the op reads: the source, or the source turned round.
        found += [own, -own]
    return found + [j for x in op.inputs for j in _inner_joints(x, source, column)]
