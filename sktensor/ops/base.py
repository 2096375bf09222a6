"""What every op is: a frozen dataclass whose fields are its inputs and constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch

MOST_DOUBTFUL = 0.5  # of all rows, beyond which the native method answers them together


class Retreat(Exception):
    """Raised while a program runs on input it was not made for: the native method answers."""


@dataclass(frozen=True, eq=False)
class Op:
    """One step of the computation.

    Fields that are ops, or tuples with ops in them, are its inputs; fields that are arrays, or
    tuples of arrays, its constants. `forward` takes the fields in their order, ops replaced by
    their results and, on the device, arrays by tensors. Every op works row by row.
    """

    @property
    def width(self) -> int | None:
        """How many columns the result has; None for one value a row."""
        raise NotImplementedError

    @property
    def dtype(self) -> torch.dtype | None:
        """The result's dtype; None for what is no tensor: tables, labels that are strings."""
        raise NotImplementedError

    @property
    def on_host(self) -> bool:
        """Whether the result stays with Python and NumPy instead of going to the device."""
        return False

    @property
    def sparse(self) -> bool:
        """Whether the native result is a sparse matrix here; ours is where it `stays_sparse`."""
        return False

    @property
    def stays_sparse(self) -> bool:
        """Whether the result is a sparse matrix here too, which nobody may make dense."""
        return False

    @property
    def takes_sparse(self) -> bool:
        """Whether `forward` takes what is a sparse matrix as it is."""
        return False

    @property
    def packs_constants(self) -> bool:
        """Whether `forward` itself puts them on a card, in a layout of its own."""
        return False

    @property
    def exact(self) -> bool:
        """Whether the result is NumPy's to the last bit, where what it reads is."""
        return True

    @property
    def names(self) -> tuple[Any, ...] | None:
        """The columns' names where the native estimator passes a DataFrame on.

        Validation makes an array of it, and none of what comes after has names.
        """
        return None

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The fields' values, in order."""
        return tuple(getattr(self, f.name) for f in fields(self))

    @property
    def inputs(self) -> tuple[Op, ...]:
        return tuple(op for value in self.arguments for op in parts(value) if isinstance(op, Op))

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        return tuple(
            array
            for value in self.arguments
            for array in parts(value)
            if isinstance(array, np.ndarray)
        )

    def forward(self, *arguments: Any) -> Any:
        """The result from the fields' values."""
        raise NotImplementedError

    def with_inputs(self, change: Callable[[Op], Op]) -> Op:
        """This op reading `change(x)` wherever it read `x`."""
        new = {f.name: _change(getattr(self, f.name), change) for f in fields(self) if f.init}
        return self if all(new[k] is getattr(self, k) for k in new) else replace(self, **new)

    def __add__(self, y: Any) -> Op:
        return _arith(torch.add, self, y)

    def __radd__(self, y: Any) -> Op:
        return _arith(torch.add, y, self)

    def __sub__(self, y: Any) -> Op:
        return _arith(torch.sub, self, y)

    def __rsub__(self, y: Any) -> Op:
        return _arith(torch.sub, y, self)

    def __mul__(self, y: Any) -> Op:
        return _arith(torch.mul, self, y)

    def __rmul__(self, y: Any) -> Op:
        return _arith(torch.mul, y, self)

    def __truediv__(self, y: Any) -> Op:
        return _arith(torch.div, self, y)

    def __rtruediv__(self, y: Any) -> Op:
        return _arith(torch.div, y, self)

    def __neg__(self) -> Op:
        return _arith(torch.mul, self, -1)

    # NumPy must leave `array - op` to the op instead of taking the op for an object.
    __array_ufunc__ = None

    def __str__(self) -> str:
        return type(self).__name__


@dataclass(frozen=True, eq=False)
class Guard(Op):
    """An op that passes its first field on, where it holds; else the native method answers."""

    x: Op

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    @property
    def sparse(self) -> bool:
        return self.x.sparse

    def forward(self, x: torch.Tensor, *_: Any) -> torch.Tensor:
        return x

    def holds(self, x: torch.Tensor, *arguments: Any) -> torch.Tensor:
        """Whether it holds for these rows, from the fields' values: a tensor of one boolean."""
        raise NotImplementedError

    def holds_by_row(self, x: torch.Tensor, *arguments: Any) -> torch.Tensor:
        """Whether it holds for each row, where a row may be answered natively by itself."""
        return self.holds(x, *arguments).reshape(())


def _arith(fn: Callable[[Any, Any], torch.Tensor], x: Any, y: Any) -> Op:
    from .arithmetic import Arith

    return Arith(fn, x, y)


def parts(value: Any) -> tuple[Any, ...]:
    """The items of a tuple, or the value alone."""
    return value if isinstance(value, tuple) else (value,)


def _change(value: Any, change: Callable[[Op], Op]) -> Any:
    if isinstance(value, Op):
        return change(value)
    if isinstance(value, tuple) and any(isinstance(v, Op) for v in value):
        new = tuple(change(v) if isinstance(v, Op) else v for v in value)
        return value if all(a is b for a, b in zip(new, value, strict=True)) else new
    return value


def column_count(op: Op) -> int:
    """Its columns, one for a result of one value a row."""
    return 1 if op.width is None else op.width
