"""What a stage on a card reads, block by block, as narrow as it lies on the host.

A cast to a wider dtype is made on the card, so that fewer bytes go there. Both sides cast integers
and floats alike, to the last bit.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np
import torch
from scipy.sparse import issparse
from torch import Tensor

from .cards import Feed, Part
from .ops import Lookup, Numbers, Op
from .table import NUMPY_DTYPES, TORCH_DTYPES, Table

NARROW = frozenset(map(np.dtype, ("bool", "int8", "uint8", "int16", "int32", "float32")))


def feed_of(op: Op, results: dict[Op, Any], device: torch.device) -> Feed:
    """An op's result as what a card reads."""
    if isinstance(op, Numbers) and op not in results:
        return TableFeed(op, results[op.x])
    x = results[op]
    if isinstance(x, Tensor):
        if x.device == device:
            return Resident(x)
        x = x.cpu().numpy()
    if issparse(x):
        return SparseFeed(x)
    if isinstance(op, Lookup):
        return CodesFeed(x, max(map(len, op.categories), default=0))
    return ArrayFeed(x)


class Resident:
    """Rows that are on the card."""

    def __init__(self, x: Tensor):
        self.resident: Tensor | None = x
        self.parts: list[Part] = [(tuple(x.shape[1:]), x.dtype)]

    def fill(self, lo: int, hi: int, into: list[Tensor]) -> None:
        raise AssertionError("nothing is copied")

    def join(self, sent: list[Tensor]) -> Tensor:
        return sent[0]


class ArrayFeed:
    """Rows of an array, of its own dtype."""

    resident: Tensor | None = None

    def __init__(self, rows: np.ndarray):
        self._rows = rows
        self.parts: list[Part] = [(rows.shape[1:], TORCH_DTYPES[rows.dtype])]

    def fill(self, lo: int, hi: int, into: list[Tensor]) -> None:
        rows = self._rows[lo:hi]
        if rows.flags.writeable and all(s >= 0 and s % rows.itemsize == 0 for s in rows.strides):
            into[0].copy_(torch.from_numpy(rows))  # by several threads
        else:
            np.copyto(into[0].numpy(), rows)

    def join(self, sent: list[Tensor]) -> Tensor:
        return sent[0]


class CodesFeed:
    """Codes up to `most`, in as few bytes as hold them."""

    resident: Tensor | None = None

    def __init__(self, codes: np.ndarray, most: int):
        self._codes = codes
        dtype = np.min_scalar_type(-max(1, most))  # a signed one, for -1
        self.parts: list[Part] = [(codes.shape[1:], TORCH_DTYPES[dtype])]

    def fill(self, lo: int, hi: int, into: list[Tensor]) -> None:
        np.copyto(into[0].numpy(), self._codes[lo:hi], casting="same_kind")

    def join(self, sent: list[Tensor]) -> Tensor:
        return sent[0].to(torch.int64)


class SparseFeed:
    """Rows of a sparse matrix, made dense block by block."""

    resident: Tensor | None = None

    def __init__(self, rows: Any):
        self._rows = rows.tocsr()
        self.parts: list[Part] = [(rows.shape[1:], TORCH_DTYPES[rows.dtype])]

    def fill(self, lo: int, hi: int, into: list[Tensor]) -> None:
        np.copyto(into[0].numpy(), self._rows[lo:hi].toarray())

    def join(self, sent: list[Tensor]) -> Tensor:
        return sent[0]


class TableFeed:
    """A table's columns as one array of numbers: those of one narrow dtype go together."""

    resident: Tensor | None = None

    def __init__(self, op: Numbers, table: Table):
        self._op, self._table = op, table
        wide = NUMPY_DTYPES[op.to]
        dtypes = [_narrow(table.column(j), wide) for j in range(op.width)]
        kinds = list(dict.fromkeys(dtypes))
        self._groups = {d: [j for j, e in enumerate(dtypes) if e == d] for d in kinds}
        self.parts: list[Part] = [((len(self._groups[d]),), TORCH_DTYPES[d]) for d in kinds]
        self._runs = list(_runs(dtypes, kinds))

    def fill(self, lo: int, hi: int, into: list[Tensor]) -> None:
        for (dtype, columns), out in zip(self._groups.items(), into):
            rows = out.numpy()
            if dtype == NUMPY_DTYPES[self._op.to]:
                rows[...] = self._op.block(self._table.select(columns), lo, hi)
            else:
                for k, j in enumerate(columns):
                    rows[:, k] = self._table.column(j)[lo:hi]

    def join(self, sent: list[Tensor]) -> Tensor:
        cast = [part.to(self._op.to) for part in sent]
        if len(cast) == 1:
            return cast[0]
        return torch.cat([cast[g][:, lo:hi] for g, lo, hi in self._runs], dim=1)


def _narrow(column: Any, wide: np.dtype) -> np.dtype:
    """The dtype that a column is copied in."""
    dtype = column.dtype if isinstance(column, np.ndarray) else wide
    narrower = dtype in NARROW and dtype.itemsize < wide.itemsize
    return dtype if narrower and np.can_cast(dtype, wide, "same_kind") else wide


def _runs(dtypes: list[np.dtype], groups: list[np.dtype]) -> Any:
    """Columns side by side that lie so in their group: its number, and from where to where."""
    begin = dict.fromkeys(groups, 0)
    for dtype, run in groupby(dtypes):
        lo = begin[dtype]
        begin[dtype] += len(list(run))
        yield groups.index(dtype), lo, begin[dtype]
