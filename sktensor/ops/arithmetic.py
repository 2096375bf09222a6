"""Ops that compute value by value, and products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..table import TORCH_DTYPES
from .base import Op
from .columns import Cast
from .elementwise import EXACT, Elementwise
from .rows import row_sum


@dataclass(frozen=True, eq=False)
class Arith(Op):
    """`fn(x, y)` in the operands' common dtype; an array of one row holds a value per column.

    A plain number takes the dtype of the other operand, as in NumPy.
    """

    fn: Callable[[Any, Any], Tensor]
    x: Any
    y: Any

    # Kept, since a sum of many terms would ask each of its sums for all below, again and again.
    @cached_property
    def width(self) -> int | None:
        widths = [v.width for v in (self.x, self.y) if isinstance(v, Op)]
        arrays = [v.shape[-1] for v in (self.x, self.y) if isinstance(v, np.ndarray)]
        known = [w for w in widths if w is not None] or (arrays if None not in widths else [])
        return max([*known, *[a for a in arrays if known]], default=None)

    @cached_property
    def dtype(self) -> torch.dtype:
        dtypes = [_dtype(v) for v in (self.x, self.y) if isinstance(v, Op | np.ndarray)]
        return dtypes[0] if len(dtypes) == 1 else torch.promote_types(*dtypes)

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            value = getattr(self, name)
            if isinstance(value, np.ndarray) and value.ndim == 0:
                object.__setattr__(self, name, value.reshape(1))
            elif isinstance(value, np.generic):
                object.__setattr__(self, name, np.asarray(value).reshape(1))

    def forward(self, fn: Callable[[Any, Any], Tensor], x: Any, y: Any) -> Tensor:
        if not torch.is_tensor(x):
            x = torch.full((), x, dtype=y.dtype, device=y.device)
        elif fn is torch.div and x.device.type != "cpu" and isinstance(y, int | float):
            # By a number of the host a card multiplies by its reciprocal, which rounds twice.
            y = torch.full((), y, dtype=x.dtype, device=x.device)
        return fn(x, y)

    def __str__(self) -> str:
        return f"Arith({getattr(self.fn, '__name__', self.fn)})"


@dataclass(frozen=True, eq=False)
class Map(Op):
    """`fn(x)`, value by value (`result` says which dtype comes out, None for that of x)."""

    x: Op
    fn: Callable[[Tensor], Tensor]
    result: torch.dtype | None = None

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype | None:
        return self.result or self.x.dtype

    @property
    def exact(self) -> bool:
        return isinstance(self.fn, Elementwise) or self.fn in EXACT

    def forward(self, x: Tensor, fn: Callable[[Tensor], Tensor], result: Any) -> Tensor:
        return fn(x)

    def __str__(self) -> str:
        return f"Map({getattr(self.fn, '__name__', self.fn)})"


@dataclass(frozen=True, eq=False)
class RowSum(Op):
    """The sum of every row's values, or the largest of them, as one column."""

    x: Op
    how: str = "sum"

    @property
    def width(self) -> int:
        return 1

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    @property
    def exact(self) -> bool:
        return self.how == "max"

    def forward(self, x: Tensor, how: str) -> Tensor:
        return x.amax(dim=1, keepdim=True) if how == "max" else row_sum(x)


@dataclass(frozen=True, eq=False)
class MatMul(Op):
    """`x @ weight` in their common dtype."""

    x: Op
    weight: np.ndarray  # (x.width, n) or (x.width,)

    @property
    def width(self) -> int | None:
        return self.weight.shape[1] if self.weight.ndim == 2 else None

    @property
    def dtype(self) -> torch.dtype:
        return torch.promote_types(_dtype(self.x), _dtype(self.weight))

    @property
    def exact(self) -> bool:
        return False

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        if x.dtype != weight.dtype:
            common = torch.promote_types(x.dtype, weight.dtype)
            x, weight = x.to(common), weight.to(common)
        return x @ weight


@dataclass(frozen=True, eq=False)
class Quadratic(Op):
    """Sums of products of two columns and of columns: `sum over i of x_i (b_i + sum x_j A_ji)`.

    One such sum for each of the outputs, whose columns in `square` and values in `linear` lie
    beside each other.
    """

    x: Op
    square: np.ndarray = field(repr=False)  # (x.width, n * x.width)
    linear: np.ndarray = field(repr=False)  # (n * x.width,)

    @property
    def width(self) -> int:
        return len(self.linear) // len(self.square)

    @property
    def dtype(self) -> torch.dtype:
        return TORCH_DTYPES[self.square.dtype]

    @property
    def exact(self) -> bool:
        return False

    def forward(self, x: Tensor, square: Tensor, linear: Tensor) -> Tensor:
        slopes = torch.addmm(linear, x, square).view(x.shape[0], self.width, len(square))
        return (slopes * x[:, None]).sum(dim=2)


def _dtype(value: Op | np.ndarray) -> torch.dtype:
    dtype = value.dtype if isinstance(value, Op) else TORCH_DTYPES[value.dtype]
    assert isinstance(dtype, torch.dtype), "arithmetic on a table"
    return dtype


def cast(x: Op, dtype: torch.dtype | None) -> Op:
    """`x` in another dtype, or itself where it has that already."""
    return x if dtype is None or x.dtype == dtype else Cast(x, dtype)
