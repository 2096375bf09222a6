"""Sparse answers, put together from codes and columns, and never from a wide dense array."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy import sparse as sp

from ..table import NUMPY_DTYPES, sparse_class
from .arithmetic import Arith, cast
from .base import Op, column_count
from .columns import Cast, Concat
from .encode import OneHot
from .host import Csr


@dataclass(frozen=True, eq=False)
class CsrParts(Op):
    """Arrays side by side as one sparse matrix, some of them as codes of their indicators."""

    xs: tuple[Op, ...]
    sizes: tuple[tuple[int, ...], ...]  # of each part's indicators; none where it is an array
    ones: tuple[float, ...]  # what its indicators show
    result: torch.dtype = field(default=torch.float64)

    @property
    def width(self) -> int:
        return sum(map(_part_width, self.xs, self.sizes))

    @property
    def dtype(self) -> torch.dtype:
        return self.result

    @property
    def sparse(self) -> bool:
        return True

    @property
    def on_host(self) -> bool:
        return True

    def forward(self, xs: list[Any], *_: Any) -> Any:
        xs = [x if x.ndim == 2 else x[:, None] for x in xs]
        widths = list(map(_part_width, self.xs, self.sizes))
        parts = list(zip(xs, self.sizes, self.ones, widths, strict=True))
        if not any(map(sp.issparse, xs)):
            return self._together(parts)
        each = [p[0] if sp.issparse(p[0]) else self._together([p]) for p in parts]
        stacked = sp.hstack(each).tocsr()
        return sparse_class()(stacked.astype(NUMPY_DTYPES[self.result], copy=False))

    def _together(self, parts: list[tuple[Any, tuple[int, ...], float, int]]) -> Any:
        """One row after the other, each with a cell for every code and every number in it."""
        n, cells = parts[0][0].shape[0], sum(x.shape[1] for x, *_ in parts)
        width = sum(part[3] for part in parts)
        kind = np.int32 if max(n * cells, width) < 2**31 else np.int64
        indices = np.empty((n, cells), kind)
        data = np.empty((n, cells), NUMPY_DTYPES[self.result])
        kept = np.ones((n, cells), bool)
        cell = column = 0
        for x, sizes, one, part_width in parts:
            here = np.s_[:, cell : cell + x.shape[1]]
            if sizes:
                starts = column + np.cumsum([0, *sizes[:-1]])
                np.add(x, starts, out=indices[here], casting="unsafe")
                data[here] = one
                np.greater_equal(x, 0, out=kept[here])
            else:
                indices[here] = np.arange(column, column + part_width)
                data[here] = x
                np.not_equal(x, 0, out=kept[here])
            cell, column = cell + x.shape[1], column + part_width
        if kept.all():
            ends = np.arange(0, n * cells + 1, max(cells, 1), dtype=kind)[: n + 1]
            found = (data.reshape(-1), indices.reshape(-1), ends)
        else:
            ends = np.zeros(n + 1, kind)
            np.cumsum(kept.sum(axis=1), out=ends[1:])
            found = (data[kept], indices[kept], ends)
        return sparse_class()(found, shape=(n, width))


def _part_width(x: Op, sizes: tuple[int, ...]) -> int:
    return sum(sizes) if sizes else column_count(x)


def as_csr(op: Op) -> Op:
    """An array as the sparse matrix that the native estimator returns."""
    if isinstance(op, Csr | CsrParts):
        return op
    parts = list(_parts(op))
    if not any(sizes for _, sizes, _ in parts):
        return Csr(op)
    assert op.dtype is not None
    xs, sizes, ones = zip(*parts, strict=True)
    return CsrParts(xs, sizes, ones, op.dtype)


def _parts(op: Op) -> Iterator[tuple[Op, tuple[int, ...], float]]:
    """What makes up an array: ops, their indicators' sizes if they are codes of them, and ones."""
    if isinstance(op, OneHot) and op.sizes:
        yield op.x, op.sizes, 1.0
    elif isinstance(op, Concat):
        for x in op.xs:
            yield from _parts(x)
    elif isinstance(op, Cast):
        for x, sizes, one in _parts(op.x):
            yield (x, sizes, one) if sizes else (cast(x, op.to), sizes, one)
    elif isinstance(op, Arith) and _scales(op):
        assert op.dtype is not None
        for x, sizes, one in _parts(op.x):
            yield (x, sizes, _rounded(op.y * one, op)) if sizes else (x * op.y, sizes, one)
    else:
        yield op, (), 1.0


def _scales(op: Arith) -> bool:
    """Whether it multiplies floats by one plain number."""
    return (
        op.fn is torch.mul
        and isinstance(op.x, Op)
        and isinstance(op.y, float | int)
        and op.x.dtype is not None
        and op.x.dtype.is_floating_point
    )


def _rounded(value: float, op: Op) -> float:
    return float(NUMPY_DTYPES[op.dtype].type(value))  # type: ignore[index]
