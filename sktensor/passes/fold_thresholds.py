"""Let a forest read what its columns were computed from.

forest(f(x), t) = forest(x, s), where column by column `f(x) <= t` just where `x <= s`, or, where f
falls, just where not: then left and right change places. Where f puts a value in the place of a
missing one, its test says which side a missing value goes to. Where an indicator is tested, its
code is, and the indicators are not made.

f is whatever maps each column by itself and keeps an order: scalers, casts, clips, bins, imputers,
through selections and concatenations. s is found by asking f itself (`ops.thresholds`), so the
rounding of every step counts as it did. What f's guards refuse is refused of x.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from weakref import WeakKeyDictionary

import numpy as np
import torch

from ..graph import walk
from ..ops import (
    Between,
    Cast,
    Concat,
    Finite,
    Forest,
    Leaves,
    OneHot,
    Op,
    Select,
    cast,
    column_count,
)
from ..ops.column_maps import cost
from ..ops.order import bounds, number, rank
from ..ops.paths import FLOATS, Path, lets_nan_pass, limits, paths
from ..ops.thresholds import Tests
from ..table import NUMPY_DTYPES

WIDER_COST = 3.0  # nanoseconds that a tree takes longer to compare float64 instead of float32


def fold_thresholds(op: Op) -> Op | None:
    """`op`, a forest, reading what lies before the maps of its columns."""
    if not isinstance(op, Forest | Leaves) or op.x.dtype not in FLOATS:
        return None
    known = _FOLDED.setdefault(op.x, [])
    same = (f for a, b, f in known if a is op.feature and b is op.threshold)
    folded = next(same, None) or _fold(op)
    if folded is None:
        return None
    known.append((op.feature, op.threshold, folded))
    return replace(op, **folded)


# Forests and their leaves share arrays, and go on sharing them.
_FOLDED: WeakKeyDictionary[Op, list[tuple[np.ndarray, np.ndarray, dict]]] = WeakKeyDictionary()


def _saved(ways: Iterable[Path]) -> float:
    """About how many nanoseconds a row takes on its ways, but for indicators: no float is wider."""
    numbers = (path for path in ways if not isinstance(path.base, OneHot))
    return sum(cost(step) * len(columns) for path in numbers for step, columns in path.maps)


def _fold(op: Forest | Leaves) -> dict | None:
    """The fields that change, if any do."""
    assert op.x.dtype is not None
    # A forest in float64 is slower than most maps are.
    worth = WIDER_COST * len(op.roots)
    if op.x.dtype == torch.float32 and _saved(paths(op.x)) > worth:
        return _folded_to(op, torch.float64, worth) or _folded_to(op, op.x.dtype)
    return _folded_to(op, op.x.dtype)


def _folded_to(
    op: Forest | Leaves, widest: torch.dtype, worth: float = 0.0, coded: bool = True
) -> dict | None:
    """The fields of a forest of floats no wider than that, if as much is saved as it is worth."""
    all_ways = paths(_cast_apart(op.x) if coded else op.x)
    if _is_plain(all_ways, widest):
        return None
    split, in_set = np.flatnonzero(op.feature >= 0), _in_set(op)
    distinct, which = _distinct(op.feature[split], op.threshold[split], op.missing_left[split])
    coded = coded and any(isinstance(path.base, OneHot) for path in all_ways)
    found = [_folded(path.narrowed(widest, coded), distinct) for path in all_ways]
    ways = [path for path, _, _ in found]
    bases = list(dict.fromkeys(path.base for path in ways))
    if any(b.width is None or b.dtype is None for b in bases) or _saved(ways) < worth:
        return None
    dense = (b for b in bases if not isinstance(b, OneHot))
    if coded and any(isinstance(x, OneHot) for b in dense for x in walk(b)):
        return _folded_to(op, widest, worth, coded=False)  # they are made for others anyway
    reads = _read_for(bases) if coded else bases
    x = reads[0] if len(reads) == 1 else Concat(tuple(reads))
    assert x.dtype is not None
    only_casts = all(isinstance(step, Cast) for path in ways for step, _ in path.maps)
    chosen = len(bases) == 1 and any((path.at != path.out).any() for path in ways)
    narrower = x.dtype.itemsize < widest.itemsize or reads != bases
    if only_casts and not chosen and not narrower:
        return None
    changing = [p for p in ways if p.changes_values or (coded and isinstance(p.base, OneHot))]
    if any(np.isin(op.feature[in_set], p.out).any() for p in changing):
        return None
    starts = dict(zip(bases, np.cumsum([0, *map(column_count, reads)]), strict=False))
    codes = np.full(len(op.feature), -1)
    new = {name: getattr(op, name).copy() for name in ("feature", "missing_left")}
    new["threshold"] = np.zeros(len(op.feature), NUMPY_DTYPES[x.dtype])
    turned = np.zeros(len(op.feature), bool)
    for path, rows, tests in found:
        place = np.full(len(distinct[0]), -1)
        place[rows] = np.arange(len(rows))
        mine = place[which]
        nodes, mine = split[mine >= 0], mine[mine >= 0]
        column = path.at[tests.column[mine]]
        if coded and isinstance(path.base, OneHot):
            tests, by_code = _of_codes(tests)
            column, code = path.base.place(column)
            codes[nodes] = np.where(by_code[mine], code, -1)
        new["feature"][nodes] = starts[path.base] + column
        new["threshold"][nodes] = tests.threshold[mine]
        new["missing_left"][nodes] = tests.missing[mine] ^ tests.turned[mine]
        turned[nodes] = tests.turned[mine]
    new["missing_left"][in_set] = op.missing_left[in_set]
    turned[in_set] = False
    new["left"] = np.where(turned, op.right, op.left)
    new["right"] = np.where(turned, op.left, op.right)
    guards = dict.fromkeys(guard for path in ways for guard in path.guards)
    allowed = [
        _allowed(path.narrowed(widest, coded).after_any(bases), guard)
        for guard in guards
        for path in paths(guard)
    ]
    sets = _with_codes(op.sets, codes)
    return {**new, "sets": sets, "x": _guarded(x, allowed)}


def _is_plain(ways: list[Path], widest: torch.dtype) -> bool:
    """Whether one op's columns are read as they are, which is seen without sorting the tests."""
    if len(ways) != 1 or ways[0].base.dtype not in FLOATS or isinstance(ways[0].base, OneHot):
        return False
    way = ways[0].narrowed(widest)
    as_wide = way.base.dtype is not None and way.base.dtype.itemsize >= widest.itemsize
    return as_wide and not way.maps and np.array_equal(way.at, way.out)


def _cast_apart(x: Op) -> Op:
    """The same where indicators that are cast together with numbers are cast on their own."""
    if isinstance(x, Finite):
        inner = _cast_apart(x.x)
        return x if inner is x.x else replace(x, x=inner)
    together = x.x if isinstance(x, Cast) else None
    if not isinstance(together, Concat) or not any(isinstance(op, OneHot) for op in walk(together)):
        return x
    return Concat(tuple(cast(cast(part, together.dtype), x.dtype) for part in together.xs))


def _read_for(bases: list[Op]) -> list[Op]:
    """What a forest reads for each base: of indicators, the codes, in the dtype of all others."""
    dtypes = [b.dtype for b in bases if not isinstance(b, OneHot) and b.dtype is not None]
    dtype = reduce(torch.promote_types, dtypes, torch.float32)
    return [Cast(b.x, dtype) if isinstance(b, OneHot) else b for b in bases]


def _of_codes(tests: Tests) -> tuple[Tests, np.ndarray]:
    """Tests of indicators as tests whether it is their code, and which of them are such.

    Those that an indicator passes or fails whatever it is are tests of numbers, which all pass.
    No code is missing; a set is of one class if a missing one is said not to be in it.
    """
    zero, one = ((v <= tests.threshold) != tests.turned for v in (0, 1))
    always = number(np.full(len(zero), bounds(np.dtype(np.float64))[1]), np.dtype(np.float64))
    turned = np.where(zero == one, ~zero, zero)
    return Tests(tests.column, always, turned, turned), zero != one


def _with_codes(sets: tuple[np.ndarray, ...], codes: np.ndarray) -> tuple[np.ndarray, ...]:
    """The sets of a forest, and those of a code alone at the nodes that have one."""
    nodes = np.flatnonzero(codes >= 0)
    if not len(nodes):
        return sets
    begin, size, words = sets or (*np.zeros((2, len(codes)), np.int64), np.zeros(0, np.int32))
    begin, size = begin.copy(), size.copy()
    alone, which = np.unique(codes[nodes], return_inverse=True)
    n_words = alone // 32 + 1
    end = np.cumsum(n_words)
    more = np.zeros(end[-1], np.uint32)
    more[end - 1] = np.uint32(1) << (alone % 32).astype(np.uint32)
    begin[nodes], size[nodes] = (len(words) + end - n_words)[which], n_words[which]
    return begin, size, np.concatenate([words, more.view(np.int32)])


def _folded(path: Path, distinct: list[np.ndarray]) -> tuple[Path, np.ndarray, Tests]:
    """As much of the path as can be folded, and which tests are of its columns, as of its base."""
    rows, tests = _tests_of(path, *distinct)
    back = path.back(tests)
    if isinstance(back, int):
        return _folded(path.begun(back + 1), distinct)
    return path, rows, back


def _in_set(op: Forest | Leaves) -> np.ndarray:
    """The nodes that test whether a code is in a set."""
    return np.flatnonzero(op.sets[1]) if op.sets else np.zeros(0, np.int64)


def _distinct(*keys: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """The distinct rows of some columns, and which of them each row is."""
    order = np.lexsort(keys)
    rows = [key[order] for key in keys]
    first = np.ones(len(order), bool)
    first[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in rows])
    which = np.empty(len(order), np.int64)
    which[order] = np.cumsum(first) - 1
    return [key[first] for key in rows], which


def _tests_of(
    path: Path, feature: np.ndarray, threshold: np.ndarray, missing_left: np.ndarray
) -> tuple[np.ndarray, Tests]:
    """Which of the tests are of the path's columns, and these."""
    place = np.full(int(max(feature.max(initial=0), path.out.max(initial=0))) + 1, -1)
    place[path.out] = np.arange(len(path.out))
    rows = np.flatnonzero(place[feature] >= 0)
    no = np.zeros(len(rows), bool)
    return rows, Tests(place[feature[rows]], threshold[rows], no, missing_left[rows])


@dataclass(frozen=True)
class _Bounds:
    """What guards allow of columns of an op: numbers from `low` to `high`, and NaN."""

    base: Op
    at: np.ndarray
    low: np.ndarray  # ranks
    high: np.ndarray
    allow_nan: np.ndarray


def _allowed(path: Path, guard: Op, most_of_it: bool = False) -> _Bounds:
    """What a guard, the end of the path, allows of what the path begins with.

    Or most of it, where it cannot be said to the last float: as where powers overflow.
    """
    assert guard.dtype is not None
    dtype = NUMPY_DTYPES[guard.dtype]
    columns = path.steps[-1][1] if path.steps else path.at
    before = replace(path, steps=path.steps[:-1])
    start = before.domains
    low, high = start[0].low.copy(), start[0].high.copy()
    least, most = limits(guard, columns, dtype)
    if most_of_it:
        far = rank(np.array([np.finfo(dtype).max / 8]).astype(dtype))
        least, most = np.maximum(least, -far), np.minimum(most, far)
    # What is at most the highest it allows, and not at most what lies before the lowest.
    open_below = least == bounds(dtype)[0]
    for limit, some, wanted in (
        (most, np.arange(len(least)), True),
        (least - 1, np.flatnonzero(~open_below), False),
    ):
        no = np.zeros(len(some), bool)
        tests = before.back(Tests(some, number(limit[some], dtype), no, no))
        if isinstance(tests, int):
            return _allowed(path.begun(len(path.steps)) if most_of_it else path, guard, True)
        tests = tests if wanted else replace(tests, turned=~tests.turned)
        low[some], high[some] = tests.of_numbers(low[some], high[some])
    nan = start[-1].nan
    within = (nan >= number(least, dtype)) & (nan <= number(most, dtype))
    passes = np.where(np.isnan(nan), lets_nan_pass(guard), within)
    return _Bounds(path.base, path.at, low, high, passes)


def _guarded(x: Op, allowed: list[_Bounds]) -> Op:
    """`x` where the guards let the rows pass."""
    for base in dict.fromkeys(b.base for b in allowed):
        assert base.dtype is not None
        dtype, n = NUMPY_DTYPES[base.dtype], column_count(base)
        low_most, high_most = bounds(dtype)
        low, high, nan = np.full(n, low_most), np.full(n, high_most), np.ones(n, bool)
        for b in allowed:
            if b.base is base:
                np.maximum.at(low, b.at, b.low)
                np.minimum.at(high, b.at, b.high)
                np.logical_and.at(nan, b.at, b.allow_nan)
        x = reduce(
            lambda x, allow: _guard(x, base, low, high, np.flatnonzero(nan == allow), allow),
            (True, False),
            x,
        )
    return x


def _guard(
    x: Op, base: Op, low: np.ndarray, high: np.ndarray, some: np.ndarray, allow_nan: bool
) -> Op:
    """`x` where some columns of `base` are within their bounds."""
    assert base.dtype is not None
    dtype = NUMPY_DTYPES[base.dtype]
    lowest, highest = bounds(dtype)
    low, high = low[some], high[some]
    indicators = isinstance(base, OneHot) and (low <= 0).all()
    if indicators and (high >= rank(np.ones(1, dtype))).all():
        return x  # 0 and 1 pass
    if not len(some) or (allow_nan and (low == lowest).all() and (high == highest).all()):
        return x
    of = base if len(some) == column_count(base) else Select(base, some)
    if of is x and (low == lowest + 1).all() and (high == highest - 1).all():
        return Finite(x, allow_nan)
    return Between(x, of, number(low, dtype), number(high, dtype), allow_nan)
