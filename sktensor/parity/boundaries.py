"""Rows put where a compiled answer jumps: at thresholds, edges, categories and missing values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..graph import evaluate, walk
from ..kernels.forest_torch import step
from ..ops import Bins, Forest, Input, Interpolate, Leaves, Lookup, Native, Op, Search
from .sources import source
from .tables import column, dtype_of, keys, numbers, put, take

UNSEEN = "a category never seen"
WALKED_ROWS = 500  # rows that look for a way to every node
MOST_BEHIND_NATIVE = 50  # thresholds looked for through a native step, which is asked each time
MOST_CATEGORIES = 200  # of one column
STEPS = 64  # to tell two floats apart by halving


@dataclass(frozen=True)
class Rows:
    """Rows of one kind, in the container of the table they were made from."""

    name: str
    table: Any
    at: np.ndarray  # which rows of what was given they are, or were


def made_rows(roots: Iterable[Op], table: Any, most: int, rng: np.random.Generator) -> list[Rows]:
    """Rows at the boundaries of the graphs, at most about as many as `most` of each kind."""
    ops = list(dict.fromkeys(op for root in roots for op in walk(root)))
    makers = {
        "thresholds": lambda: _at_thresholds(ops, table, most, rng),
        "categories": lambda: _with_categories(ops, table, most, rng),
        "missing": lambda: _with_missing(table, rng),
    }
    found = []
    for name, make in makers.items():
        rows = make()
        if rows is not None:
            found.append(Rows(name, *rows))
    return found


@dataclass(frozen=True)
class _Threshold:
    """A value that column `j` of an op's result is compared with."""

    op: Op
    j: int
    value: float
    row: int  # of the table: one that gets as far as this comparison
    column: int  # of the table


def _at_thresholds(
    ops: list[Op], table: Any, most: int, rng: np.random.Generator
) -> tuple[Any, np.ndarray] | None:
    """Rows at the last value on one side of a threshold, the first on the other, and beyond."""
    found = []
    for op in ops:
        if isinstance(op, Forest | Leaves | Bins | Interpolate):
            found += _sampled(list(_thresholds(op, table, rng)), max(1, most // 4), rng)
    parts: list[tuple[np.ndarray, np.ndarray, list[Any]]] = []
    for read in dict.fromkeys(t.op for t in found):
        slow = any(isinstance(op, Native) for op in walk(read))
        mine = [t for t in found if t.op is read]
        mine = _sampled(mine, min(len(mine), MOST_BEHIND_NATIVE if slow else most // 4), rng)
        by_dtype: dict[np.dtype, list[_Threshold]] = {}
        for threshold in mine:
            dtype = dtype_of(table, threshold.column)
            if dtype is not None:
                by_dtype.setdefault(dtype, []).append(threshold)
        for dtype, alike in by_dtype.items():
            at, columns, values = _beside(read, alike, table, dtype)
            parts.append((at, columns, values.tolist()))
    at = np.concatenate([np.zeros(0, np.int64), *(p[0] for p in parts)])
    if not len(at):
        return None
    columns = np.concatenate([p[1] for p in parts])
    cells = [cell for p in parts for cell in p[2]]
    return put(take(table, at), columns, cells), at


def _sampled(items: list[Any], most: int, rng: np.random.Generator) -> list[Any]:
    if len(items) <= most:
        return items
    return [items[i] for i in np.sort(rng.choice(len(items), most, replace=False))]


def _thresholds(op: Any, table: Any, rng: np.random.Generator) -> Iterator[_Threshold]:
    """The thresholds of an op whose columns are each made of one column of the table."""
    n = len(table)
    if isinstance(op, Bins | Interpolate):
        points = op.edges if isinstance(op, Bins) else op.points
        for j in range(len(points)):
            made_of = source(op.x, j)
            if made_of is not None:
                for value in np.unique(points[j][np.isfinite(points[j])]).tolist():
                    yield _Threshold(op.x, j, value, int(rng.integers(n)), made_of)
        return
    visitors = _visitors(op, table)
    seen = set()
    columns: dict[int, int | None] = {}
    at_threshold = (op.feature >= 0) & (visitors >= 0)
    if op.sets:
        at_threshold &= op.sets[1] == 0
    for node in rng.permutation(np.flatnonzero(at_threshold)).tolist():
        j, value = int(op.feature[node]), op.threshold[node].item()
        if j not in columns:
            columns[j] = source(op.x, j)
        made_of = columns[j]
        if made_of is not None and np.isfinite(value) and (j, value) not in seen:
            seen.add((j, value))
            yield _Threshold(op.x, j, value, int(visitors[node]), made_of)


def _visitors(op: Any, table: Any) -> np.ndarray:
    """For every node of a forest a row that comes by, -1 where none of the first ones does."""
    some = np.arange(min(len(table), WALKED_ROWS))
    x = torch.from_numpy(np.ascontiguousarray(evaluate(op.x, take(table, some))))
    tensors = [torch.from_numpy(np.array(a)) for a in op.arrays]
    feature, threshold, left, right, missing_left = tensors[:5]
    sets = tensors[len(tensors) - len(op.sets) :]
    visitors = np.full(len(op.feature), -1, np.int64)
    node = torch.from_numpy(op.roots).expand(len(some), -1)
    while True:
        visitors[node.numpy().ravel()] = np.repeat(some, node.shape[1])
        if not (feature[node] >= 0).any():
            return visitors
        node = step(x, node, feature, threshold, left, right, missing_left, sets)


def _beside(
    read: Op, thresholds: list[_Threshold], table: Any, dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows, columns and values between which a comparison changes, found by halving.

    Whatever lies between the table and the comparison need only rise, or fall, with the column.
    """
    at = np.array([t.row for t in thresholds])
    columns = np.array([t.column for t in thresholds])
    j = np.array([t.j for t in thresholds])
    values = np.array([t.value for t in thresholds])
    base, rows = take(table, at), np.arange(len(at))

    def is_left(where: np.ndarray) -> np.ndarray:
        x = evaluate(read, put(base, columns, numbers(where, dtype).tolist()))
        x = x[:, None] if x.ndim == 1 else x
        return x[rows, j] <= values

    # Beyond the values there are, a logarithm, say, may have no value to compare.
    low, high, lower, higher = _ends(thresholds, table, dtype)
    within = is_left(low) != is_left(high)
    low, high = np.where(within, low, lower), np.where(within, high, higher)
    first = is_left(low)
    changes = first != is_left(high)
    for _ in range(STEPS):
        middle = (low & high) + ((low ^ high) >> 1)
        same = is_left(middle) == first
        low, high = np.where(same, middle, low), np.where(same, high, middle)
        if (high - low <= 1).all():
            break
    changes &= high - low <= 1
    found = np.stack([low - 1, low, high, high + 1])[:, changes]
    n = len(found)
    return (
        np.tile(at[changes], n),
        np.tile(columns[changes], n),
        numbers(found.ravel(), dtype),
    )


def _ends(thresholds: list[_Threshold], table: Any, dtype: np.dtype) -> np.ndarray:
    """Keys of the least and largest values of each threshold's column, and of some beyond."""
    ends = {}
    for c in {t.column for t in thresholds}:
        cells = np.asarray(column(table, c), dtype=np.float64)
        cells = cells[np.isfinite(cells)]
        lo, hi = (float(cells.min()), float(cells.max())) if len(cells) else (-1.0, 1.0)
        margin = hi - lo + 1
        values = np.array([lo, hi, lo - margin, hi + margin])
        if dtype.kind != "f":
            limits = np.iinfo(dtype)
            values = values.clip(limits.min / 2, limits.max / 2)
        ends[c] = keys(values.astype(dtype))
    return np.array([ends[t.column] for t in thresholds]).T


def _with_categories(
    ops: list[Op], table: Any, most: int, rng: np.random.Generator
) -> tuple[Any, np.ndarray] | None:
    """Rows with every category, and one that is none, column by column."""
    cells: dict[tuple[int, Any], Any] = {}
    for op in ops:
        for at_column, value in _categories(op):
            cells.setdefault((at_column, repr(value)), value)
    if not cells:
        return None
    chosen = _sampled(list(cells.items()), most, rng)
    chosen = [(c, v) for (c, _), v in chosen if _fits(table, c, v)]
    if not chosen:
        return None
    at = rng.integers(len(table), size=len(chosen))
    columns = np.array([c for c, _ in chosen])
    return put(take(table, at), columns, [v for _, v in chosen]), at


def _categories(op: Op) -> Iterator[tuple[int, Any]]:
    """Columns of the table and values that are categories of theirs, or none."""
    if isinstance(op, Lookup):
        for i, known in enumerate(op.categories):
            made_of = source(op.x, i)
            if made_of is not None:
                values = known.tolist()[:MOST_CATEGORIES]
                text = any(isinstance(v, str) for v in values)
                for value in (*values, UNSEEN if text else 1e6, None, float("nan")):
                    yield made_of, value
    if isinstance(op, Forest | Leaves) and op.sets:
        for node in np.flatnonzero(op.sets[1] > 0).tolist():
            made_of = source(op.x, int(op.feature[node]))
            if made_of is not None:
                for code in range(min(32 * int(op.sets[1][node]), MOST_CATEGORIES)):
                    yield made_of, float(code)
                yield from ((made_of, odd) for odd in (-1.0, -0.5, 0.5, 1e6, float("nan")))
    if isinstance(op, Search):
        for i, size in enumerate(op.sizes.tolist()):
            made_of = source(op.x, i)
            if made_of is not None:
                values = op.categories[i, : min(size, MOST_CATEGORIES)]
                around = [values]
                if values.dtype.kind == "f":
                    around += [np.nextafter(values, np.inf), np.nextafter(values, -np.inf)]
                else:
                    around += [values + 1, values - 1]
                for value in np.unique(np.concatenate(around)).tolist():
                    yield made_of, value


def _fits(table: Any, column: int, value: Any) -> bool:
    """Whether the column can hold the value."""
    try:
        rows = take(table, np.array([0]))
        changed = put(rows, np.array([column]), [value])
        return type(changed) is type(rows)
    except Exception:  # each library refuses with errors of its own
        return False


def _with_missing(table: Any, rng: np.random.Generator) -> tuple[Any, np.ndarray] | None:
    """Rows with NaN, an infinity, zeros of both signs or None in one column each."""
    if isinstance(table, Input) or not hasattr(table, "shape") or len(table.shape) != 2:
        return None
    width = table.shape[1]
    chosen = range(width) if width <= 64 else np.sort(rng.choice(width, 64, replace=False)).tolist()
    found = []
    for c in chosen:
        dtype = dtype_of(table, c)
        if dtype is not None and dtype.kind in "iu":
            values: tuple[Any, ...] = (0,)
        elif dtype is not None:
            values = (float("nan"), float("inf"), -0.0, 0.0)
        else:
            values = (None, float("nan"))
        found += [(c, v) for v in values if _fits(table, c, v)]
    if not found:
        return None
    at = rng.integers(len(table), size=len(found))
    columns = np.array([c for c, _ in found])
    return put(take(table, at), columns, [v for _, v in found]), at
