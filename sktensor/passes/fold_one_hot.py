"""Gather rows of a product's weight instead of building indicator columns.

concat(x, one_hot(c)) @ concat(W, V) = x @ W + sum over columns j of V[start_j + c_j], where a code
of -1 adds nothing. The length of a row is that of concat(x, sqrt(number of codes)), which is all
that a decision by the product needs to know of the indicator columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ..ops import Cast, Concat, Decided, GatherSum, KnownCodes, MatMul, OneHot, Op, column_count


def fold_one_hot(op: Op) -> Op | None:
    """`op`, a product or a decision by one, without the indicator columns among its rows."""
    if isinstance(op, MatMul):
        split = _split(op.x, op.weight)
        return None if split is None else _product(split, op)
    if isinstance(op, Decided):
        split = _split(op.rows, op.weight)
        return None if split is None else _decision(split, op)
    return None


@dataclass(frozen=True)
class _Split:
    """Rows taken apart: what stays dense, and codes; the weight's rows along with them."""

    dense: tuple[Op, ...]
    dense_weight: np.ndarray
    codes: tuple[OneHot, ...]
    code_weight: np.ndarray
    dtype: torch.dtype


def _split(rows: Op, weight: np.ndarray) -> _Split | None:
    dtype = rows.dtype
    while isinstance(rows, Cast) and rows.to.is_floating_point:
        rows = rows.x
    parts = rows.xs if isinstance(rows, Concat) else (rows,)
    plain = [_plain(p) for p in parts]
    if not any(isinstance(p, OneHot) for p in plain) or dtype != torch.float64:
        return None
    ends = np.cumsum([column_count(p) for p in parts])
    spans = [np.arange(e - column_count(p), e) for p, e in zip(parts, ends, strict=True)]
    coded = [isinstance(p, OneHot) for p in plain]
    rest = [s for s, c in zip(spans, coded, strict=True) if not c]
    return _Split(
        tuple(p for p, c in zip(parts, coded, strict=True) if not c),
        weight[np.concatenate(rest)] if rest else weight[:0],
        tuple(p for p in plain if isinstance(p, OneHot)),
        weight[np.concatenate([s for s, c in zip(spans, coded, strict=True) if c])],
        torch.float64,
    )


def _plain(part: Op) -> Op:
    """The indicator columns under casts, which keep their zeros and ones."""
    inner = part
    while isinstance(inner, Cast):
        inner = inner.x
    return inner if isinstance(inner, OneHot) else part


def _rows(dense: tuple[Op, ...]) -> Op:
    rows = dense[0] if len(dense) == 1 and dense[0].width is not None else Concat(dense)
    return rows if rows.dtype == torch.float64 else Cast(rows, torch.float64)


def _codes(split: _Split) -> tuple[Op, tuple[int, ...]]:
    codes = tuple(one_hot.x for one_hot in split.codes)
    sizes = tuple(n for one_hot in split.codes for n in one_hot.sizes)
    return (codes[0] if len(codes) == 1 else Concat(codes)), sizes


def _product(split: _Split, op: MatMul) -> Op:
    codes, sizes = _codes(split)
    weight = np.asarray(split.code_weight, np.float64)
    nothing = np.zeros((1, *weight.shape[1:]))
    gathered = GatherSum(codes, sizes, np.concatenate([weight, nothing]))
    if not split.dense:
        return gathered
    dense = MatMul(_rows(split.dense), np.ascontiguousarray(split.dense_weight))
    return dense + gathered


def _decision(split: _Split, op: Decided) -> Op:
    codes, sizes = _codes(split)
    rows = Concat((*split.dense, KnownCodes(codes)))
    # |V[c_1]| + ... <= sqrt(number known) * sqrt(number of columns) * the largest |V|.
    most = np.abs(split.code_weight).max(axis=0, keepdims=True) * np.sqrt(len(sizes))
    weight = np.concatenate([split.dense_weight, most])
    terms = len(split.dense_weight) + len(sizes)
    return replace(op, rows=rows, weight=weight, terms=terms)
