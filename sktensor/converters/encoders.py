"""Converters for `sklearn.preprocessing`: categories, of strings or of numbers."""

from __future__ import annotations

import warnings
from copy import copy
from typing import Any

import numpy as np
import torch
from scipy import sparse as sp
from sklearn import config_context
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from ..ops import (
    AllKnown,
    Columns,
    Concat,
    Finite,
    Lookup,
    OneHot,
    Op,
    Recode,
    Search,
    Select,
    cast,
    is_table,
    signature,
)
from ..ops.lookup import bears_unknown, comparable
from ..table import NULLABLE_NUMBERS, NUMPY_DTYPES, TORCH_DTYPES, UNKNOWN
from .registry import Unsupported, converts
from .responses import transformer
from .validation import as_numbers, check_names, settled

NUMBERS = "biuf"
# Kinds of columns that are looked up on the host, whatever is in them.
LOOKED_UP = frozenset(["object", "str", "category", "Float32", "float16", "uint64", UNKNOWN])
ARROW = ("string[", "large_string[", "int", "uint", "float", "double", "halffloat", "bool")
DICTIONARIES = ("dictionary<values=string,", "dictionary<values=large_string,")


@converts(OneHotEncoder)
def one_hot_encoder(est, x):
    dtype = TORCH_DTYPES.get(np.dtype(est.dtype))
    if dtype is None:
        raise Unsupported(f"dtype {est.dtype}")
    warns = est.handle_unknown == "warn" or est.drop is not None
    codes = positions(est, x, may_miss=not warns and est.handle_unknown != "error")
    sizes = tuple(int(n) for n in est._n_features_outs)
    table = _column_table(est, sizes)
    if (table != np.arange(-1, table.shape[1] - 1)).any():
        codes = Recode(codes, table)
    return transformer(OneHot(codes, sizes, dtype, est.sparse_output))


def _column_table(est: Any, sizes: tuple[int, ...]) -> np.ndarray:
    """Which of its column's indicators each category lights, -1 for none; that of unknown first."""
    answer = _of_categories(est)
    longest = max(map(len, est.categories_))
    table = np.tile(np.arange(-1, longest), (len(sizes), 1))
    ends = np.cumsum(sizes)
    for j, (categories, end, size) in enumerate(zip(est.categories_, ends, sizes, strict=True)):
        lit = answer[: len(categories), end - size : end].tocoo()
        table[j, 1 : 1 + len(categories)] = -1
        table[j, 1 + lit.row] = lit.col
        table[j, 0] = _unknown_column(est, j, table[j, 1:])
    return table


def _unknown_column(est: Any, j: int, columns: np.ndarray) -> int:
    """The column that an unknown value lights: that of the infrequent ones, or none."""
    rare = est._infrequent_indices[j] if est._infrequent_enabled else None
    if rare is None or est.handle_unknown != "infrequent_if_exist":
        return -1
    return int(columns[rare[0]])


@converts(OrdinalEncoder)
def ordinal_encoder(est, x):
    strict = est.handle_unknown == "error"
    codes = positions(est, x, may_miss=not strict)
    dtype = np.dtype(est.dtype)
    if dtype not in TORCH_DTYPES:
        raise Unsupported(f"dtype {est.dtype}")
    answer = _of_categories(est)
    table = np.zeros((len(est.categories_), 1 + len(answer)), dtype)
    table[:, 1:] = answer.T
    if not strict:
        table[:, 0] = _in_dtype(est.unknown_value, dtype)
    return transformer(Recode(codes, table))


def _in_dtype(value: Any, dtype: np.dtype) -> Any:
    """The value as one of the dtype, if it is one."""
    if dtype.kind in "iu" and not np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
        raise Unsupported(f"unknown_value={value} is no {dtype}")
    return value


@converts(TargetEncoder)
def target_encoder(est, x):
    codes = positions(est, x, may_miss=True)
    means = np.atleast_1d(est.target_mean_)
    n_classes = len(est.classes_) if est.target_type_ == "multiclass" else 1
    if n_classes > 1:
        codes = Select(codes, np.repeat(np.arange(len(est.categories_)), n_classes))
    table = np.zeros((len(est.encodings_), 1 + max(map(len, est.encodings_))))
    for j, encoding in enumerate(est.encodings_):
        table[j, 0] = means[j % n_classes]
        table[j, 1 : 1 + len(encoding)] = encoding
    return transformer(Recode(codes, table))


def _of_categories(est: Any) -> Any:
    """What the encoder itself makes of its categories: row i has every column's i-th, or its last.

    So infrequent, dropped and missing categories are whatever they are in this scikit-learn.
    """
    longest = max(map(len, est.categories_))
    rows = np.empty((longest, len(est.categories_)), object)
    for j, categories in enumerate(est.categories_):
        rows[:, j] = categories[np.minimum(np.arange(longest), len(categories) - 1)]
    est = copy(est)
    est._sklearn_output_config = {}
    if hasattr(est, "sparse_output"):
        est.sparse_output = True  # thousands of categories make a large square
    with warnings.catch_warnings(), config_context(transform_output="default"):
        warnings.simplefilter("ignore")
        answer = type(est).transform.__wrapped__(est, rows)
    return answer.tocsr() if sp.issparse(answer) else np.asarray(answer)


def positions(est: Any, x: Op, may_miss: bool) -> Op:
    """The codes of every column's values among the encoder's categories, -1 for unknown ones.

    A strict encoder's may miss none: its native method raises, or warns.
    """
    categories = est.categories_
    if x.width is None or x.width != len(categories) or x.sparse:
        raise Unsupported("input of another width, or sparse")
    if any(len(c) == 0 or c.dtype.kind not in "OU" + NUMBERS for c in categories):
        raise Unsupported("categories that are neither strings nor numbers")
    check_names(est, x)
    if not is_table(x):
        return _search(settled(x), categories, None, may_miss)
    kinds = signature(x).kinds or ()
    if signature(x).container == "polars":
        # One array for scikit-learn: of numbers, or else of objects.
        if all(map(_is_plain, kinds)):
            return _search(settled(as_numbers(x, "numeric")), categories, None, may_miss)
        return Lookup(x, tuple(categories), may_miss)
    columns: dict[str, list[int]] = {"whole": [], "float": [], "object": []}
    for j, (kind, known) in enumerate(zip(kinds, categories, strict=True)):
        columns[_way(kind, known)].append(j)
    parts: list[Op] = []
    for way, dtype in (("whole", torch.int64), ("float", torch.float64)):
        if chosen := columns[way]:
            numbers = settled(as_numbers(_some(x, chosen), dtype))
            dtypes = [_numpy_dtype(kinds[j]) for j in chosen]
            parts.append(_search(numbers, [categories[j] for j in chosen], dtypes, may_miss))
    if chosen := columns["object"]:
        known = tuple(categories[j] for j in chosen)
        parts.append(Lookup(_some(x, chosen), known, may_miss))
    return _in_order(parts, [j for chosen in columns.values() for j in chosen])


def _some(x: Op, columns: list[int]) -> Op:
    return x if len(columns) == x.width else Columns(x, tuple(columns))


def _in_order(parts: list[Op], columns: list[int]) -> Op:
    """The parts side by side, their columns where they belong."""
    joined = parts[0] if len(parts) == 1 else Concat(tuple(parts))
    if columns == sorted(columns):
        return joined
    return Select(joined, np.argsort(columns))


def _way(kind: str, categories: np.ndarray) -> str:
    """How a column is looked up; Unsupported where kinds do not match."""
    number = kind in NULLABLE_NUMBERS or _is_plain(kind)
    if number and categories.dtype.kind in NUMBERS and kind != "uint64":
        return "float" if kind in NULLABLE_NUMBERS or kind.startswith("float") else "whole"
    if number and kind != "bool":
        raise Unsupported("numbers against categories that are objects")
    arrow = kind.endswith("[pyarrow]") and kind.startswith(ARROW + DICTIONARIES)
    if kind in LOOKED_UP or kind == "bool" or arrow:
        return "object"
    raise Unsupported(f"a column of {kind}")


def _is_plain(kind: str) -> bool:
    return kind in PLAIN


PLAIN = frozenset(dtype.name for dtype in TORCH_DTYPES)


def _numpy_dtype(kind: str) -> np.dtype:
    """The dtype that scikit-learn sees in a column of numbers."""
    return np.dtype(np.float64 if kind in NULLABLE_NUMBERS else kind)


def _search(
    x: Op, categories: list[np.ndarray], dtypes: list[np.dtype] | None, may_miss: bool
) -> Op:
    """Codes of numbers, compared in the dtype that NumPy would compare them in.

    `dtypes` are those of the columns before they became one array.
    """
    if x.dtype is None or any(c.dtype.kind not in NUMBERS for c in categories):
        raise Unsupported("numbers against categories that are objects")
    dtypes = dtypes or [NUMPY_DTYPES[x.dtype]] * len(categories)
    common = [comparable(d, c.dtype) for d, c in zip(dtypes, categories, strict=True)]
    if any(c is None or c.name == "uint64" for c in common):
        raise Unsupported("64-bit unsigned integers")
    if x.dtype.is_floating_point:
        x = Finite(x, allow_nan=True)
    parts, order = [], []
    for dtype in (torch.int64, torch.float64):
        # Any other dtype's values are among those of one of these two.
        of_it = [c.kind == "f" for c in common if c is not None]
        chosen = [j for j, f in enumerate(of_it) if f == dtype.is_floating_point]
        if chosen:
            part = x if len(chosen) == len(categories) else Select(x, np.array(chosen))
            parts.append(_sorted_search(part, [categories[j] for j in chosen], dtype))
            order += chosen
    codes = _in_order(parts, order)
    pairs = zip(dtypes, categories, strict=True)
    misses = np.array([may_miss and bears_unknown(d, c) for d, c in pairs])
    return codes if misses.all() else AllKnown(codes, misses)


def _sorted_search(x: Op, categories: list[np.ndarray], dtype: torch.dtype) -> Op:
    filler = np.inf if dtype.is_floating_point else np.iinfo(np.int64).max
    widest = max(map(len, categories))
    table = np.full((len(categories), widest), filler, NUMPY_DTYPES[dtype])
    knows_nan = np.array([c.dtype.kind == "f" and bool(np.isnan(c[-1])) for c in categories])
    sizes = np.array([len(c) for c in categories]) - knows_nan
    for row, known, size in zip(table, categories, sizes, strict=True):
        row[:size] = known[:size]
    return Search(cast(x, dtype), table, sizes.astype(np.int64), knows_nan)
