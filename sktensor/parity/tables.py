"""Rows of a table with cells of their columns changed, in the table's own container."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.utils import _safe_indexing


def library(table: Any) -> str:
    return type(table).__module__.partition(".")[0]


def take(table: Any, rows: np.ndarray) -> Any:
    """Some rows of whatever a response method takes."""
    if isinstance(table, torch.Tensor):
        return table[torch.from_numpy(rows).to(table.device)]
    return _safe_indexing(table, rows)


def column(table: Any, at: int) -> Any:
    """A column as an array, or as the library's own series."""
    if library(table) == "pandas":
        return table.iloc[:, at]
    return table[:, at]


def row_values(table: Any, at: int, most: int = 12) -> tuple[Any, ...]:
    """The first values of one row."""
    try:
        row = take(table, np.array([at]))
        n = min(row.shape[1], most)
        cells = [np.asarray(column(row, j)).ravel()[0] for j in range(n)]
        return tuple(c.item() if isinstance(c, np.generic) else c for c in cells)
    except Exception:  # whatever rows may be: these are shown, and nothing depends on them
        return ()


def put(table: Any, columns: np.ndarray, cells: Sequence[Any]) -> Any:
    """A copy of the table with `cells[i]` in row `i`, column `columns[i]`."""
    if isinstance(table, np.ndarray | torch.Tensor):
        rows = np.arange(len(table))
        if isinstance(table, torch.Tensor):
            table = table.clone()
            table[rows, columns] = torch.from_numpy(np.asarray(cells)).to(table)
            return table
        table = np.array(table)
        if table.dtype.kind == "U":
            table = table.astype(object)
            table[rows, columns] = np.array([*cells, None], object)[:-1]
            return table.astype(str)
        some = np.array([*cells, None], object)[:-1]
        table[rows, columns] = some if table.dtype == object else some.astype(table.dtype)
        return table
    for at in np.unique(columns).tolist():
        chosen = np.flatnonzero(columns == at).tolist()
        table = _put_column(table, at, chosen, [cells[i] for i in chosen])
    return table


def _put_column(table: Any, at: int, rows: list[int], cells: list[Any]) -> Any:
    series = column(table, at)
    if library(table) == "polars":
        polars = sys.modules["polars"]
        values = series.to_list()
        for i, cell in zip(rows, cells, strict=True):
            values[i] = cell
        changed = polars.Series(series.name, values, dtype=series.dtype, strict=True)
        return table.with_columns(changed)
    pandas = sys.modules["pandas"]
    dtype = series.dtype
    values = np.asarray(series, dtype=object).copy()
    for i, cell in zip(rows, cells, strict=True):
        values[i] = cell
    if isinstance(dtype, pandas.CategoricalDtype):
        known = list(dtype.categories)
        new = [c for c in dict.fromkeys(cells) if c == c and c is not None and c not in known]
        dtype = pandas.CategoricalDtype([*known, *new], dtype.ordered)
    parts = [table.iloc[:, j] for j in range(table.shape[1])]
    parts[at] = pandas.Series(values, index=table.index, name=series.name).astype(dtype)
    changed = pandas.concat(parts, axis=1)
    changed.columns = table.columns
    return changed


def dtype_of(table: Any, at: int) -> np.dtype | None:
    """The dtype of numbers in a column, float64 for objects that are; None for what are none."""
    if isinstance(table, torch.Tensor):
        name = str(table.dtype).partition(".")[2]
        return np.dtype(name) if name != "bfloat16" else None
    series = column(table, at)
    if library(table) == "polars":
        name = str(series.dtype).lower()
    else:
        name = str(series.dtype)
        if name == "object":
            cells = np.asarray(series, dtype=object)[:100]
            numbers = all(type(c) in (int, float) or isinstance(c, np.number) for c in cells)
            return np.dtype(np.float64) if numbers and len(cells) else None
    try:
        dtype = np.dtype(name.lower() if name[:1] in "FIU" else name)
    except TypeError:
        return None
    return dtype if dtype.kind in "fiu" and dtype.name not in ("uint64", "float16") else None


def keys(values: np.ndarray) -> np.ndarray:
    """Numbers as integers in the same order, such that neighbours are one apart."""
    if values.dtype.kind != "f":
        return values.astype(np.int64)
    whole = np.int64 if values.itemsize == 8 else np.int32
    bits = values.view(whole).astype(np.int64)
    return np.where(bits < 0, int(np.iinfo(whole).min) - bits, bits)


def numbers(keys: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The numbers that keys stand for."""
    if dtype.kind != "f":
        limits = np.iinfo(dtype)
        return keys.clip(limits.min, limits.max).astype(dtype)
    whole = np.int64 if dtype.itemsize == 8 else np.int32
    bits = np.where(keys < 0, int(np.iinfo(whole).min) - keys, keys).astype(whole)
    return bits.view(dtype)
