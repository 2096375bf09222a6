"""Gather rows of a product's weight instead of building indicator columns.

concat(x, one_hot(c)) @ concat(W, V) = x @ W + sum over columns j of V[start_j + c_j], where a code
of -1 adds nothing. The length of a row is that of concat(x, sqrt(number of codes)), which is all
that a decision by the product needs to know of the indicator columns.

What lies between the product and the concatenation works column by column: indicators pass a
guard, a selection leaves zeros in V where it takes a column away, and one scaled by s scales its
row of V, since s * 0 is 0 and s * 1 is s. Codes for which V has nothing but zeros are not read.
Dense columns that are taken away leave none among the codes where a step may refuse their rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
import torch

from ..graph import walk
from ..ops import (
    Arith,
    Cast,
    Concat,
    Decided,
    Finite,
    GatherSum,
    KnownCodes,
    MatMul,
    OneHot,
    Op,
    Select,
    cast,
    column_count,
)
from ..ops.projection import refuses
from ..table import NUMPY_DTYPES


def fold_one_hot(op: Op) -> Op | None:
    """`op`, a product or a decision by one, without the indicator columns among its rows."""
    if isinstance(op, MatMul):
        split = _split(op.x)
        return None if split is None else _product(split, op)
    if isinstance(op, Decided):
        split = _split(op.rows)
        return None if split is None else _decision(split, op)
    return None


@dataclass(frozen=True)
class _Piece:
    """Columns that belong together: dense ones, or the indicators of codes."""

    op: Op
    at: np.ndarray  # which of the rows' columns each of its own is, -1 for one taken away
    ones: np.ndarray  # what its indicators show

    @property
    def indicates(self) -> bool:
        return isinstance(self.op, OneHot)

    def changed(self, change: Callable[[Op], Op]) -> _Piece:
        """The same with `change` made to what is dense."""
        return self if self.indicates else replace(self, op=change(self.op))

    def weight(self, weight: np.ndarray) -> np.ndarray:
        """Its rows of the product's weight."""
        if not self.indicates:
            return weight[self.at]
        used = self.ones * (self.at >= 0)
        return weight[self.at] * used.reshape(-1, *[1] * (weight.ndim - 1))


@dataclass(frozen=True)
class _Split:
    """Rows taken apart: what stays dense, and codes."""

    dense: tuple[_Piece, ...]
    coded: tuple[_Piece, ...]
    rows: Op | None  # the dense columns as one array
    codes: Op
    sizes: tuple[int, ...]
    some: dict[bytes, Op]  # columns of the codes, by which they are

    def read(self, weight: np.ndarray) -> _Read:
        """The codes that have a part in a product, and the rows of its weight for them."""
        rows = _weight(self.coded, weight).astype(np.float64)
        used = np.array([b.any() for b in np.split(rows, np.cumsum(self.sizes)[:-1])])
        used[0] |= not used.any()
        if used.all():
            return _Read(self.codes, self.sizes, rows)
        chosen = np.flatnonzero(used)
        codes = self.some.setdefault(chosen.tobytes(), Select(self.codes, chosen))
        sizes = tuple(self.sizes[j] for j in chosen)
        return _Read(codes, sizes, rows[np.repeat(used, self.sizes)])


@dataclass(frozen=True)
class _Read:
    """Codes, and the rows of a product's weight that they stand for."""

    codes: Op
    sizes: tuple[int, ...]
    weight: np.ndarray


_SPLITS: WeakKeyDictionary[Op, _Split | None] = WeakKeyDictionary()  # for product and decision


def _split(rows: Op) -> _Split | None:
    if rows not in _SPLITS:
        _SPLITS[rows] = _apart(rows)
    return _SPLITS[rows]


def _apart(rows: Op) -> _Split | None:
    pieces = _pieces(rows)
    coded = tuple(p for p in pieces if p.indicates)
    if not coded or rows.dtype != torch.float64:
        return None
    dense = tuple(p for p in pieces if not p.indicates and len(p.at))
    none = [cast(p.op, torch.int64) for p in pieces if not len(p.at) and _may_refuse(p.op)]
    one_hots = [p.op for p in coded if isinstance(p.op, OneHot)]
    codes = (*none, *(one_hot.x for one_hot in one_hots))
    sizes = tuple(n for one_hot in one_hots for n in one_hot.sizes)
    together = None
    if dense:
        alone = len(dense) == 1 and dense[0].op.width is not None
        together = dense[0].op if alone else Concat(tuple(p.op for p in dense))
        together = cast(together, torch.float64)
    return _Split(dense, coded, together, codes[0] if len(codes) == 1 else Concat(codes), sizes, {})


def _may_refuse(root: Op) -> bool:
    return any(refuses(op) for op in walk(root))


def _pieces(op: Op) -> list[_Piece]:
    """What the columns of an array are made of; one piece where no indicator is among them."""
    found = _inner_pieces(op)
    if found is not None and any(p.indicates for p in found):
        return found
    n = column_count(op)
    return [_Piece(op, np.arange(n), np.ones(n))]


def _inner_pieces(op: Op) -> list[_Piece] | None:
    if isinstance(op, Concat) and op.dtype.is_floating_point:
        pieces, start = [], 0
        for x in op.xs:
            for piece in _pieces(x):
                at = np.where(piece.at < 0, -1, piece.at + start)
                pieces.append(replace(piece.changed(lambda x: cast(x, op.dtype)), at=at))
            start += column_count(x)
        return pieces
    if isinstance(op, Cast) and op.to.is_floating_point:
        dtype = NUMPY_DTYPES[op.to]
        pieces = [p.changed(lambda x: cast(x, op.to)) for p in _pieces(op.x)]
        return [replace(p, ones=p.ones.astype(dtype).astype(np.float64)) for p in pieces]
    if isinstance(op, Finite):
        return [p.changed(lambda x: replace(op, x=x)) for p in _pieces(op.x)]
    if isinstance(op, Select) and len(set(op.columns.tolist())) == len(op.columns):
        return [_selected(p, op) for p in _pieces(op.x)]
    if isinstance(op, Arith) and _scales(op):
        return [_scaled(p, op) for p in _pieces(op.x)]
    return None


def _selected(piece: _Piece, op: Select) -> _Piece:
    order = np.full(column_count(op.x) + 1, -1)  # the last for what was taken away before
    order[op.columns] = np.arange(len(op.columns))
    at = order[piece.at]
    if piece.indicates:
        return replace(piece, at=at)
    kept = np.flatnonzero(at >= 0)
    if len(kept) == len(at):
        return replace(piece, at=at)
    return replace(piece, op=Select(piece.op, kept), at=at[kept], ones=piece.ones[kept])


def _scales(op: Arith) -> bool:
    """Whether it scales floats, by a finite number other than 0 for each column or for all."""
    if op.fn not in (torch.mul, torch.div) or not isinstance(op.x, Op) or isinstance(op.y, Op):
        return False
    dtype, y = op.x.dtype, np.asarray(op.y)
    return (
        dtype is not None
        and dtype.is_floating_point
        and y.ndim <= 1
        and y.size in (1, column_count(op.x))
        and bool((np.isfinite(y) & (y != 0)).all())
    )


def _scaled(piece: _Piece, op: Arith) -> _Piece:
    y = np.asarray(op.y)
    by = y[piece.at] if y.size > 1 else op.y
    if not piece.indicates:
        return replace(piece, op=Arith(op.fn, piece.op, by))
    dtype = NUMPY_DTYPES[op.dtype]
    ones, by = piece.ones.astype(dtype), np.asarray(by, dtype)
    ones = ones * by if op.fn is torch.mul else ones / by
    return replace(piece, ones=ones.astype(np.float64))


def _weight(pieces: tuple[_Piece, ...], weight: np.ndarray) -> np.ndarray:
    return np.concatenate([weight[:0], *(p.weight(weight) for p in pieces)])


def _product(split: _Split, op: MatMul) -> Op:
    read, nothing = split.read(op.weight), np.zeros((1, *op.weight.shape[1:]))
    gathered = GatherSum(read.codes, read.sizes, np.concatenate([read.weight, nothing]))
    if split.rows is None:
        return gathered
    return MatMul(split.rows, np.ascontiguousarray(_weight(split.dense, op.weight))) + gathered


def _decision(split: _Split, op: Decided) -> Op:
    read = split.read(op.weight)
    known = KnownCodes(read.codes)
    rows = known if split.rows is None else Concat((split.rows, known))
    dense = _weight(split.dense, op.weight)
    # |V[c_1]| + ... <= sqrt(number known) * sqrt(number of columns) * the largest |V|.
    coded = np.abs(read.weight)
    most = coded.max(axis=0, keepdims=True, initial=0.0) * np.sqrt(len(read.sizes))
    terms = len(dense) + len(read.sizes)
    return replace(op, rows=rows, weight=np.concatenate([dense, most]), terms=terms)
