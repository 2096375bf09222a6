"""Ops on a handful of rows, in NumPy: there a torch op costs several times what it computes.

`few(op)` is a function of arrays, one for each input of the op, that says what `forward` says of
tensors. Every op has one: that of an op, or of dtypes, not listed here calls `forward`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, sqrt
from operator import attrgetter
from typing import Any

import numpy as np
import torch
from scipy import special
from torch import Tensor

from ..kernels import fill_numba, guards_numba
from ..table import NUMPY_DTYPES
from .arithmetic import Arith, Map, MatMul, Quadratic, RowSum
from .base import Guard, Op, Retreat, parts
from .centers import CenterDistances
from .columns import Between, Cast, Column, Concat, Finite, Named, Provided, Select
from .curves import Interpolate
from .elementwise import Above, Elementwise, Logistic, exp, one_where_zero, relu
from .encode import Fill, GatherSum, Missing, Recode
from .forest import Forest
from .likelihoods import SquaredDistances, Trusted
from .outputs import ArgMax, Decided, Labels, LogSoftmax, Shares, Softmax, Take
from .rows import by_row, is_best_by, row_argmax

WORTH_A_KERNEL = 16  # rows, or calls with fewer, from which on one may be loaded
TINY = 1e-290  # sums of squares down to which none of them counts that is too small for a float
MOST_EXP = 256  # columns up to which NumPy has exponentials of many rows
FEWEST = 64  # rows up to which a guard's loop takes less time than NumPy's calls

Few = Callable[..., Any]

ARITHMETIC: dict[Any, Any] = {
    torch.add: np.add,
    torch.sub: np.subtract,
    torch.mul: np.multiply,
    torch.div: np.true_divide,
    torch.maximum: np.maximum,
    torch.minimum: np.minimum,
}
FUNCTIONS: dict[Any, Any] = {
    torch.sigmoid: special.expit,
    torch.exp: np.exp,
    torch.log: np.log,
    torch.abs: np.abs,
    torch.square: np.square,
    torch.neg: np.negative,
    torch.tanh: np.tanh,
    torch.ones_like: np.ones_like,
    relu: lambda x: np.maximum(x, 0),
    one_where_zero: lambda x: np.where(x == 0, x.dtype.type(1), x),
}


def few(op: Op) -> Few:
    """The op as a function of the arrays it reads."""
    made = twin(op)
    if made is not None:
        return made
    return _guarded(op) if isinstance(op, Guard) else _by_torch(op.forward, op)


def twin(op: Op) -> Few | None:
    """The same, where NumPy alone says it."""
    make = TWINS.get(type(op))
    return None if make is None else make(op)


def _by_torch(function: Callable[..., Any], op: Op) -> Few:
    """`function` of the op's fields as tensors, the arrays among them made tensors once."""
    fixed: list[Any] = []
    places: list[tuple[int, int | None]] = []  # of the inputs, among fields that may be tuples
    for at, value in enumerate(op.arguments):
        several = isinstance(value, tuple) and any(isinstance(v, Op | np.ndarray) for v in value)
        fixed.append([_constant(v) for v in value] if several else _constant(value))
        for place, part in enumerate(parts(value)):
            if isinstance(part, Op):
                places.append((at, place if several else None))

    def call(*arrays: Any) -> Any:
        arguments = [list(v) if type(v) is list else v for v in fixed]
        for (at, place), array in zip(places, arrays):
            if place is None:
                arguments[at] = _tensor(array)
            else:
                arguments[at][place] = _tensor(array)
        return function(*arguments).numpy()

    return call


def _constant(value: Any) -> Any:
    return _tensor(value) if isinstance(value, np.ndarray) else value


def _tensor(array: np.ndarray) -> Tensor:
    if not array.flags.writeable or min(array.strides, default=0) < 0:
        array = array.copy()
    return torch.from_numpy(array)


def _guarded(op: Guard) -> Few:
    holds = _by_torch(op.holds, op)

    def check(x: Any, *others: Any) -> Any:
        if not holds(x, *others):
            raise Retreat("rows that a guard keeps from being answered here")
        return x

    return check


def _soon(x: Op) -> Callable[[np.ndarray], bool]:
    """Whether an array of the op's rows may go to a kernel, to be asked once at each call.

    One is loaded after some calls, compiled for floats that lie row by row and may be written into.
    """
    fits = x.width is not None and x.dtype is not None and x.dtype.is_floating_point
    calls = iter(range(WORTH_A_KERNEL))

    def ready(rows: np.ndarray) -> bool:
        return fits and next(calls, None) is None and rows.flags.carray and len(rows) <= FEWEST

    return ready


def _finite(op: Finite) -> Few:
    """A sum that is finite has no value that is not; one that is not may just have overflowed."""
    total, allow_nan = np.add.reduce, op.allow_nan
    soon, finite = _soon(op.x), guards_numba.finite

    def check(x: np.ndarray) -> np.ndarray:
        if soon(x):
            holds = finite(x, allow_nan)
        else:
            holds = isfinite(total(x, None)) or (allow_nan and not np.isinf(x).any())
        if not holds:
            raise Retreat("a value that is not finite")
        return x

    return check


def _provided(op: Provided) -> Few | None:
    holds = getattr(op.condition, "few", None)
    if holds is None:
        return None

    def check(x: np.ndarray, of: np.ndarray) -> np.ndarray:
        if not holds(of):
            raise Retreat("rows that a guard keeps from being answered here")
        return x

    return check


def _between(op: Between) -> Few:
    low, high, allow_nan, nearest = op.low, op.high, op.allow_nan, op.nearest
    least, most = np.minimum.reduce, np.maximum.reduce
    soon, within = _soon(op.of), guards_numba.within

    def check(x: np.ndarray, of: np.ndarray) -> np.ndarray:
        if soon(of):
            if within(of, nearest):
                return x
        elif of.size and least(of, None) >= -nearest and most(of, None) <= nearest:
            return x
        inside = (of >= low) & (of <= high)
        if not inside.all() and not (allow_nan and (inside | np.isnan(of)).all()):
            raise Retreat("a value that is out of bounds")
        return x

    return check


def _arith(op: Arith) -> Few | None:
    ufunc = ARITHMETIC.get(op.fn) or getattr(op.fn, "few", None)
    values = (op.x, op.y)
    dtypes = {v.dtype for v in values if isinstance(v, Op)}
    arrays = {v.dtype for v in values if isinstance(v, np.ndarray)}
    if ufunc is None or dtypes != {op.dtype} or not op.dtype.is_floating_point:
        return None
    if not arrays <= {NUMPY_DTYPES[op.dtype]}:
        return None
    x, y = (v if isinstance(v, Op) else np.asarray(v, NUMPY_DTYPES[op.dtype]) for v in values)
    if isinstance(x, Op):
        return ufunc if isinstance(y, Op) else lambda a: ufunc(a, y)
    return lambda b: ufunc(x, b)


def _map(op: Map) -> Few | None:
    if isinstance(op.fn, Above):
        limit = op.fn.limit
        return lambda x: x > limit
    if isinstance(op.fn, Elementwise):
        return op.fn.ufunc
    dtype = op.x.dtype
    if op.fn is exp:  # NumPy's has one thread: of many columns torch's blocks are faster
        return np.exp if (op.width or 1) <= MOST_EXP else None
    if isinstance(op.fn, Logistic):
        return None if dtype is None else _logistic(op.fn.slope, NUMPY_DTYPES[dtype])
    return FUNCTIONS.get(op.fn) if dtype is not None and dtype.is_floating_point else None


def _logistic(slope: float, dtype: Any) -> Few:
    """`1 / (1 + exp(-slope x))` of arrays alone, for which NumPy takes half as long."""
    one, falls = np.ones((), dtype), np.asarray(-slope, dtype)
    exp, inverse = np.exp, np.reciprocal
    if slope == 1:
        return lambda x: inverse(exp(-x) + one)
    return lambda x: inverse(exp(falls * x) + one)


def _matmul(op: MatMul) -> Few | None:
    weight = op.weight
    if weight.dtype != NUMPY_DTYPES.get(op.x.dtype):  # type: ignore[arg-type]
        return None
    return lambda x: x.dot(weight)


def _row_sum(op: RowSum) -> Few:
    ufunc = np.maximum if op.how == "max" else np.add
    return lambda x: by_row(ufunc, x)


def _quadratic(op: Quadratic) -> Few:
    square, linear, shape = op.square, op.linear, (-1, op.width, len(op.square))

    def quadratic(x: np.ndarray) -> np.ndarray:
        return np.add.reduce((x.dot(square) + linear).reshape(shape) * x[:, None], 2)

    return quadratic


def _cast(op: Cast) -> Few | None:
    """NumPy and torch agree on every cast but those of floats to integers that cannot hold them."""
    before, bounded = op.x.dtype, isinstance(op.x, Between)  # by what is far from the largest
    if before is None or (before.is_floating_point and not op.to.is_floating_point and not bounded):
        return None
    dtype = NUMPY_DTYPES[op.to]
    return lambda x: x.astype(dtype)


def _column(op: Column) -> Few:
    index = op.index
    return lambda x: x[:, index]


def _select(op: Select) -> Few:
    columns = op.columns
    return lambda x: x.take(columns, axis=1)


def _concat(op: Concat) -> Few:
    dtype, width = NUMPY_DTYPES[op.dtype], op.width
    ends = np.cumsum([1 if x.width is None else x.width for x in op.xs]).tolist()
    flat = [x.width is None for x in op.xs]
    places = [hi - 1 if one else slice(lo, hi) for lo, hi, one in zip([0, *ends], ends, flat)]

    def join(*xs: np.ndarray) -> np.ndarray:
        out = np.empty((xs[0].shape[0], width), dtype)
        for at, x in zip(places, xs):
            out[:, at] = x
        return out

    return join


def _fill(op: Fill) -> Few | None:
    marker, values = op.marker, op.values
    if marker is None:
        return lambda x: x
    if marker == marker:
        return lambda x: np.where(x == marker, values, x)

    soon = _soon(op.x)

    def fill(x: np.ndarray) -> np.ndarray:
        if soon(x) or (len(x) > WORTH_A_KERNEL and x.flags.c_contiguous):
            return fill_numba.filled(x, values)
        return np.where(np.isnan(x), values, x)

    return fill


def _missing(op: Missing) -> Few | None:
    marker = op.marker
    if marker is None:
        return None
    return np.isnan if marker != marker else lambda x: x == marker


def _recode(op: Recode) -> Few:
    table, columns = op.table, np.arange(op.width or 0)
    return lambda x: table[columns, x + 1]


def _gather_sum(op: GatherSum) -> Few:
    weight, starts = op.weight, np.cumsum([0, *op.sizes[:-1]])
    last = len(weight) - 1
    if op.ordered:
        return op.few
    return lambda x: np.add.reduce(weight[np.where(x >= 0, x + starts, last)], 1)


def _softmax(op: Softmax) -> Few:
    def softmax(x: np.ndarray) -> np.ndarray:
        e = np.exp(x - by_row(np.maximum, x))
        return e / by_row(np.add, e)

    return softmax


def _log_softmax(op: LogSoftmax) -> Few:
    def log_softmax(x: np.ndarray) -> np.ndarray:
        largest = by_row(np.maximum, x)
        return x - (np.log(by_row(np.add, np.exp(x - largest))) + largest)

    return log_softmax


def _shares(op: Shares) -> Few | None:
    return None if op.uniform else lambda x: x / by_row(np.add, x)


def _take(op: Take) -> Few:
    values = op.values
    return lambda x: values[x]


def _decided(op: Decided) -> Few:
    """By the length of all rows together, and by the op itself where that does not tell."""
    strict, least = _guarded(op), np.minimum.reduce
    eps = float(np.finfo(op.weight.dtype).eps)

    def check(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        squares = _sum_of_squares(rows)
        if squares > TINY:
            slack = op.slack(op.longest * sqrt(squares) + op.shift, eps)
            if op.signs or x.ndim == 1:
                clear = least(np.abs(x), None) >= slack
            else:
                clear = is_best_by(x, 2 * slack)
            if clear:
                return x
        return strict(x, rows)

    return check


def _sum_of_squares(x: np.ndarray) -> float:
    """Of all values, in one look; 0 where that would take more."""
    if not x.flags.c_contiguous:
        return 0.0
    values = x.ravel()
    return float(values.dot(values))


_itself: Callable[[Any], Few] = attrgetter("few")
TWINS: dict[type[Op], Callable[[Any], Few | None]] = {
    ArgMax: lambda _: row_argmax,
    Arith: _arith,
    Between: _between,
    Cast: _cast,
    CenterDistances: _itself,
    Column: _column,
    Concat: _concat,
    Decided: _decided,
    Fill: _fill,
    Finite: _finite,
    Forest: _itself,
    GatherSum: _gather_sum,
    Interpolate: _itself,
    Labels: _itself,
    LogSoftmax: _log_softmax,
    Map: _map,
    MatMul: _matmul,
    Missing: _missing,
    Named: lambda _: lambda x: x,
    Provided: _provided,
    Quadratic: _quadratic,
    Recode: _recode,
    RowSum: _row_sum,
    Select: _select,
    Shares: _shares,
    Softmax: _softmax,
    SquaredDistances: _itself,
    Take: _take,
    Trusted: _itself,
}
