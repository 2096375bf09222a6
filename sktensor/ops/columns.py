"""Ops that choose, join and cast columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .base import Guard, Op, column_count

UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)


@dataclass(frozen=True, eq=False)
class Select(Op):
    """Some columns of an array, in the order given."""

    x: Op
    columns: np.ndarray  # (width,) int64

    @property
    def width(self) -> int:
        return len(self.columns)

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    @property
    def sparse(self) -> bool:
        return self.x.sparse

    @property
    def names(self) -> tuple[Any, ...] | None:
        names = self.x.names
        return None if names is None else tuple(names[i] for i in self.columns)

    def forward(self, x: Any, columns: Any) -> Any:
        if not isinstance(x, Tensor):
            return x[:, columns]
        # torch.compile cannot enter the lock that a cached property has up to Python 3.11.
        if torch.compiler.is_compiling() or self._bounds is None:
            return _selected(x, columns)
        # As an index would, this gives an array of its own, but several times as fast.
        return x[:, slice(*self._bounds)].clone(memory_format=torch.contiguous_format)

    @cached_property
    def _bounds(self) -> tuple[int, int] | None:
        """The first column and the one after the last, where they follow each other."""
        first = int(self.columns[0]) if len(self.columns) else 0
        if first < 0 or not np.array_equal(self.columns, np.arange(first, first + self.width)):
            return None
        return first, first + self.width


def _selected(x: Tensor, columns: Tensor) -> Tensor:
    # This knows unsigned integers in torch 2.6 too, and takes a third of the time for float32.
    if x.dtype in UNSIGNED or (x.dtype == torch.float32 and x.is_contiguous()):
        return x.index_select(1, columns)
    return x[:, columns]


@dataclass(frozen=True, eq=False)
class Column(Op):
    """One column as one value a row."""

    x: Op
    index: int

    @property
    def width(self) -> None:
        return None

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    def forward(self, x: Tensor, index: int) -> Tensor:
        return x[:, index]


@dataclass(frozen=True, eq=False)
class Concat(Op):
    """Arrays side by side, in their common dtype."""

    xs: tuple[Op, ...]
    sparse_result: bool = False

    @property
    def width(self) -> int:
        return sum(column_count(x) for x in self.xs)

    @property
    def dtype(self) -> torch.dtype:
        return reduce(torch.promote_types, (x.dtype for x in self.xs if x.dtype is not None))

    @property
    def sparse(self) -> bool:
        return self.sparse_result

    def forward(self, xs: list[Tensor], sparse_result: bool) -> Tensor:
        return torch.cat([x if x.ndim == 2 else x[:, None] for x in xs], dim=1)


@dataclass(frozen=True, eq=False)
class Cast(Op):
    """Another dtype."""

    x: Op
    to: torch.dtype

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype:
        return self.to

    @property
    def sparse(self) -> bool:
        return self.x.sparse

    def forward(self, x: Tensor, to: torch.dtype) -> Tensor:
        return x.to(to)


@dataclass(frozen=True, eq=False)
class Finite(Guard):
    """The same, where no value is infinite, or NaN unless allowed."""

    allow_nan: bool = False

    def holds(self, x: Tensor, *_: Any) -> Tensor:
        """The sum is finite unless a value is not, or unless it overflows.

        The latter sends rows to the native method that could have stayed; nothing worse.
        """
        return (x.nansum() if self.allow_nan else x.sum()).isfinite()


@dataclass(frozen=True, eq=False)
class Between(Guard):
    """The same, where all values of another op are between their columns' bounds, or NaN."""

    of: Op
    low: np.ndarray  # (of.width,)
    high: np.ndarray  # (of.width,)
    allow_nan: bool = False

    def holds(self, x: Tensor, *arguments: Any) -> Tensor:
        of, low, high, allow_nan = arguments
        # On a card a look at a value waits for all that was launched before.
        if not torch.compiler.is_compiling() and of.device.type == "cpu":
            # One look at all where bounds are far: by their sum, if they may be NaN.
            if allow_nan or not of.numel() or not of.is_floating_point():
                loosely = of.abs().nansum() <= self.nearest
            else:
                least, most = torch.aminmax(of)
                loosely = torch.maximum(-least, most) <= self.nearest
            if loosely:
                return loosely
        inside = (of >= low) & (of <= high)
        return (inside | of.isnan()).all() if allow_nan else inside.all()

    @cached_property
    def nearest(self) -> float:
        """The magnitude up to which no value is out of bounds."""
        return float(min(self.high.min(initial=np.inf), -self.low.max(initial=-np.inf)))


@dataclass(frozen=True, eq=False)
class Defined(Guard):
    """The same, a function of another op, where it is finite or what it is a function of is NaN."""

    of: Op

    def holds(self, x: Tensor, *arguments: Any) -> Tensor:
        return (x.isfinite() | arguments[0].isnan()).all()


def no_larger(x: Op, most: float) -> Op:
    """The rows, where no value's magnitude is above `most`: one guard for all who ask."""
    name = f"_no_larger_than_{most}"
    known: Op | None = x.__dict__.get(name)
    if known is None:
        limits = np.full(column_count(x), most)
        known = Between(x, x, -limits, limits)
        object.__setattr__(x, name, known)
    return known


@dataclass(frozen=True, eq=False)
class Provided(Guard):
    """The same, where `condition` is true of every value of another op.

    `alone` says that the native method answers a row to the last bit whatever the others are, so
    that it need answer only those where this does not hold.
    """

    of: Op
    condition: Callable[[Tensor], Tensor]
    alone: bool = False

    def holds(self, x: Tensor, *arguments: Any) -> Tensor:
        of, condition, _ = arguments
        return condition(of).all()

    def holds_by_row(self, x: Tensor, *arguments: Any) -> Tensor:
        of, condition, alone = arguments
        if not alone:
            return self.holds(x, *arguments)
        return condition(of).reshape(len(of), -1).all(dim=1)

    def __str__(self) -> str:
        return f"Provided({getattr(self.condition, '__name__', self.condition)})"


@dataclass(frozen=True, eq=False)
class Named(Op):
    """The same, its columns named: the estimator passes on a DataFrame (`set_output`)."""

    x: Op
    estimator: Any
    labels: tuple[Any, ...]
    keeps_index: bool

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    @property
    def names(self) -> tuple[Any, ...]:
        return self.labels

    def forward(self, x: Tensor, *_: Any) -> Tensor:
        return x


def unnamed(x: Op) -> Op:
    """The array that an estimator makes of a DataFrame made on the way."""
    if isinstance(x, Select) and x.names is not None:
        return replace(x, x=unnamed(x.x))
    return x.x if isinstance(x, Named) else x
