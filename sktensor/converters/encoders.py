"""Converters for `sklearn.preprocessing`: categories, of strings or of numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from sklearn import config_context
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from ..ops import (
    Cast,
    Columns,
    Concat,
    Finite,
    Lookup,
    OneHot,
    Op,
    Provided,
    Recode,
    Search,
    Select,
    is_table,
    signature,
)
from ..table import NULLABLE_NUMBERS, TORCH_DTYPES, UNKNOWN
from .registry import Unsupported, converts
from .responses import transformer
from .validation import as_numbers, check_names

NUMBERS = "biuf"


@converts(OneHotEncoder)
def one_hot_encoder(est, x):
    warns = est.handle_unknown == "warn" or est.drop is not None
    codes = positions(est, x, strict=warns or est.handle_unknown == "error")
    sizes = tuple(int(n) for n in est._n_features_outs)
    answer = _of_categories(est)
    ends = np.cumsum(sizes)
    table = np.full((len(sizes), 1 + max(map(len, est.categories_))), -1, np.int64)
    for j, (categories, end, size) in enumerate(zip(est.categories_, ends, sizes, strict=True)):
        block = answer[: len(categories), end - size : end]
        lit = np.asarray(block.any(axis=1))
        table[j, 1 : 1 + len(categories)] = np.where(lit, block.argmax(axis=1), -1) if size else -1
        table[j, 0] = _unknown_column(est, j, table[j, 1:])
    dtype = TORCH_DTYPES.get(np.dtype(est.dtype))
    if dtype is None:
        raise Unsupported(f"dtype {est.dtype}")
    return transformer(OneHot(Recode(codes, table), sizes, dtype, est.sparse_output))


def _unknown_column(est: Any, j: int, columns: np.ndarray) -> int:
    """The column that an unknown value lights: that of the infrequent ones, or none."""
    rare = getattr(est, "infrequent_categories_", None)
    if rare is None or rare[j] is None or est.handle_unknown != "infrequent_if_exist":
        return -1
    return int(columns[np.flatnonzero(np.isin(est.categories_[j], rare[j][:1]))[0]])


@converts(OrdinalEncoder)
def ordinal_encoder(est, x):
    strict = est.handle_unknown == "error"
    codes = positions(est, x, strict)
    dtype = np.dtype(est.dtype)
    if dtype not in TORCH_DTYPES:
        raise Unsupported(f"dtype {est.dtype}")
    answer = _of_categories(est)
    table = np.zeros((len(est.categories_), 1 + len(answer)), dtype)
    table[:, 1:] = answer.T
    if not strict:
        table[:, 0] = est.unknown_value
    return transformer(Recode(codes, table))


@converts(TargetEncoder)
def target_encoder(est, x):
    codes = positions(est, x, strict=False)
    means = np.atleast_1d(est.target_mean_)
    n_classes = len(est.classes_) if est.target_type_ == "multiclass" else 1
    if n_classes > 1:
        codes = Select(codes, np.repeat(np.arange(len(est.categories_)), n_classes))
    table = np.zeros((len(est.encodings_), 1 + max(map(len, est.encodings_))))
    for j, encoding in enumerate(est.encodings_):
        table[j, 0] = means[j % n_classes]
        table[j, 1 : 1 + len(encoding)] = encoding
    return transformer(Recode(codes, table))


def _of_categories(est: Any) -> np.ndarray:
    """What the encoder itself makes of its categories: row i has every column's i-th, or its last.

    So infrequent, dropped and missing categories are whatever they are in this scikit-learn.
    """
    longest = max(map(len, est.categories_))
    rows = np.empty((longest, len(est.categories_)), object)
    for j, categories in enumerate(est.categories_):
        rows[:, j] = categories[np.minimum(np.arange(longest), len(categories) - 1)]
    with warnings.catch_warnings(), config_context(transform_output="default"):
        warnings.simplefilter("ignore")
        answer = type(est).transform.__wrapped__(est, rows)
    return answer.toarray() if hasattr(answer, "toarray") else np.asarray(answer)


def positions(est: Any, x: Op, strict: bool) -> Op:
    """The codes of every column's values among the encoder's categories."""
    if x.width is None or x.width != len(est.categories_) or x.sparse:
        raise Unsupported("input of another width, or sparse")
    if any(len(c) == 0 for c in est.categories_):
        raise Unsupported("a column without categories")
    check_names(est, x)
    if not is_table(x):
        return _search(x, list(est.categories_), strict)
    numbers: list[int] = []
    others: list[int] = []
    for j, (kind, categories) in enumerate(
        zip(signature(x).kinds or (), est.categories_, strict=True)
    ):
        (numbers if _is_number(kind, categories) else others).append(j)
    parts: list[Op] = []
    if numbers:
        part = x if not others else Columns(x, tuple(numbers))
        parts.append(_search(as_numbers(part, _dtype(part)), _some(est, numbers), strict))
    if others:
        part = x if not numbers else Columns(x, tuple(others))
        parts.append(Lookup(part, tuple(_some(est, others)), strict))
    if len(parts) == 1:
        return parts[0]
    return Select(Concat(tuple(parts)), np.argsort(numbers + others))


def _some(est: Any, columns: list[int]) -> list[np.ndarray]:
    return [est.categories_[j] for j in columns]


def _dtype(x: Op) -> torch.dtype | str:
    """Numbers of several kinds are compared as float64."""
    kinds = set(signature(x).kinds or ())
    return "numeric" if len(kinds) == 1 and not kinds & NULLABLE_NUMBERS else torch.float64


def _is_number(kind: str, categories: np.ndarray) -> bool:
    """Whether a column is looked up as numbers; Unsupported where kinds do not match."""
    numeric = categories.dtype.kind in NUMBERS
    if kind == UNKNOWN:
        return numeric
    if kind in ("object", "str"):
        if numeric:
            raise Unsupported("objects against categories that are numbers")
        return False
    if kind == "category":
        return False
    if not numeric:
        raise Unsupported("numbers against categories that are objects")
    return True


def _search(x: Op, categories: list[np.ndarray], strict: bool) -> Op:
    """Codes of numbers."""
    if x.dtype is None or any(c.dtype.kind not in NUMBERS for c in categories):
        raise Unsupported("numbers against categories that are objects")
    if x.dtype == torch.uint64 or any(c.dtype == np.uint64 for c in categories):
        raise Unsupported("64-bit unsigned integers")
    floating = x.dtype.is_floating_point
    if floating:
        x = Finite(x, allow_nan=True)
    whole = not floating and all(c.dtype.kind in "biu" for c in categories)
    dtype = np.dtype(np.int64 if whole else np.float64)
    filler = np.iinfo(np.int64).max if whole else np.inf
    table = np.full((len(categories), max(map(len, categories))), filler, dtype)
    knows_nan = np.array([c.dtype.kind == "f" and bool(np.isnan(c[-1])) for c in categories])
    sizes = np.array([len(c) for c in categories]) - knows_nan
    for row, known, size in zip(table, categories, sizes, strict=True):
        row[:size] = known[:size]
    codes: Op = Search(Cast(x, TORCH_DTYPES[dtype]), table, sizes.astype(np.int64), knows_nan)
    return Provided(codes, codes, _known) if strict else codes


def _known(codes: torch.Tensor) -> torch.Tensor:
    return codes >= 0
