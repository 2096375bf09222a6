"""Read no column that nothing is made of, back to those of the table.

f(x)[columns] = f'(x[needed]), where f' is f with the constants of those columns. Columns are
needed that end in an answer with more than zero times a finite value, and those that a step may
refuse: what scikit-learn looks at is looked at, be it NaN in a column that no tree tests, or a
category never seen in one that is selected away. Strings that an encoder would ignore are not
even looked up; other objects are only looked at.

Sums in float64 are of fewer terms then, in whatever order; of float32 none is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from ..graph import Change, surveys, walk
from ..ops import (
    AllKnown,
    Between,
    CategoryCodes,
    Column,
    Columns,
    Concat,
    Decided,
    Finite,
    Forest,
    GatherSum,
    Leaves,
    Lookable,
    Lookup,
    MatMul,
    Named,
    Numbers,
    OneHot,
    Op,
    Select,
    cast,
    is_table,
)
from ..ops.projection import (
    LOOKED_AT,
    LOOKED_UP,
    Mask,
    every,
    maps_columns_alone,
    needed,
    refuses,
    unread,
)

FEWER = 0.75  # of the columns, from which on not computing the rest is worth choosing


@surveys
def drop_unused(root: Op) -> Change:
    """How to change the ops of a graph so that they read what is needed."""
    graph = _Graph(root)
    return lambda old, new: graph.narrowed(old, new) if old in graph.wanted else old


class _Graph:
    """What is needed of each op of a graph, and what is kept: masks over its columns as it was."""

    def __init__(self, root: Op):
        order = list(walk(root))
        self.refusing: dict[Op, bool] = {}
        for op in order:
            self.refusing[op] = refuses(op) or any(self.refusing[x] for x in op.inputs)
        self.wanted = {root: every(root)}
        self.kept: dict[Op, Mask] = {}
        self._taken: dict[tuple[int, bytes, int], tuple[np.ndarray, np.ndarray]] = {}
        for op in reversed(order):
            if op in self.wanted:
                self._want_inputs(op)

    def _want_inputs(self, op: Op) -> None:
        for x, mask in zip(op.inputs, needed(op, self.wanted[op]), strict=True):
            if not mask.any():
                if self.leaves_out(op, x, mask):
                    continue
                mask = np.arange(len(mask)) == 0  # an op has at least one column
            self.wanted[x] = self.wanted[x] | mask if x in self.wanted else mask

    def leaves_out(self, op: Op, x: Op, mask: Mask) -> bool:
        """Whether an op can do without one of its inputs."""
        return isinstance(op, Concat) and not mask.any() and not self.refusing[x]

    def narrowed(self, old: Op, new: Op) -> Op:
        """The op with the columns that are needed, or more; its inputs are narrowed already."""
        make = _NARROW.get(type(old)) or (_one_by_one if maps_columns_alone(old) else _whole)
        found, self.kept[old] = make(self, old, new, self.wanted[old])
        return found

    def take(self, array: np.ndarray, mask: Mask, axis: int = 0) -> np.ndarray:
        """Items of an array, the same array for the same ones: methods share constants."""
        if mask.all():
            return array
        key = (id(array), mask.tobytes(), axis)
        if key not in self._taken:
            self._taken[key] = array, np.compress(mask, array, axis)
        return self._taken[key][1]

    def renumbered(self, feature: np.ndarray, mask: Mask) -> np.ndarray:
        """The features of a forest as their positions among those kept."""
        if mask.all():
            return feature
        key = (id(feature), mask.tobytes(), -1)
        if key not in self._taken:
            at = np.where(feature >= 0, (np.cumsum(mask) - 1)[np.maximum(feature, 0)], -1)
            self._taken[key] = feature, at
        return self._taken[key][1]


Narrowed = tuple[Op, Mask]


def _whole(graph: _Graph, old: Op, new: Op, wanted: Mask) -> Narrowed:
    return new, every(old)


def _chosen(x: Op, kept: Mask, wanted: Mask | np.ndarray) -> Op:
    """Some columns of what `x` was, of which some are kept."""
    wanted = np.flatnonzero(wanted) if wanted.dtype == bool else wanted
    at = (np.cumsum(kept) - 1)[wanted]
    if np.array_equal(at, np.arange(kept.sum())):
        return x
    return Columns(x, tuple(at.tolist())) if is_table(x) else Select(x, at)


def _one_by_one(graph: _Graph, old: Op, new: Op, wanted: Mask) -> Narrowed:
    """Column by column: those kept of what it reads, or fewer where that saves much."""
    masks = [graph.kept[x] for x in old.inputs]
    kept = masks[0]
    fewer = wanted.sum() <= FEWER * kept.sum() and old.width is not None
    if fewer or any((mask != kept).any() for mask in masks):
        place = {n: _chosen(n, mask, wanted) for n, mask in zip(new.inputs, masks, strict=True)}
        new, kept = new.with_inputs(place.__getitem__), wanted
    if kept.all():
        return new, kept
    changed: dict[str, Any] = {}
    for f in fields(new):
        value = getattr(new, f.name)
        if isinstance(value, np.ndarray):
            axis = value.ndim - 1 if f.name in ("x", "y") else 0
            if value.shape[axis] == len(kept):
                changed[f.name] = graph.take(value, kept, axis)
    return replace(new, **changed), kept


def _select(graph: _Graph, old: Any, new: Any, wanted: Mask) -> Narrowed:
    kept = graph.kept[old.x]
    if kept.all() and wanted.all():
        return new, wanted
    return _chosen(new.x, kept, np.array(old.columns)[wanted]), wanted


def _column(graph: _Graph, old: Any, new: Any, wanted: Mask) -> Narrowed:
    at = int(graph.kept[old.x][: old.index].sum())
    return (new if at == old.index else Column(new.x, at)), wanted


def _named(graph: _Graph, old: Any, new: Any, wanted: Mask) -> Narrowed:
    kept = graph.kept[old.x]
    labels = tuple(label for label, left in zip(old.labels, kept, strict=True) if left)
    return (new if kept.all() else replace(new, labels=labels)), kept


def _concat(graph: _Graph, old: Any, new: Any, wanted: Mask) -> Narrowed:
    """Without the parts that nobody needs; each of the others in the dtype that all had."""
    found, masks = [], []
    for x, now, mask in zip(old.xs, new.xs, needed(old, wanted), strict=True):
        out = graph.leaves_out(old, x, mask)
        masks.append(~every(x) if out else graph.kept[x])
        found += [] if out else [now]
    kept = np.concatenate(masks)
    if kept.all():
        return new, kept
    if len(found) == 1 and found[0].width is not None and not old.sparse_result:
        return cast(found[0], old.dtype), kept
    joined = replace(new, xs=tuple(found))
    if joined.dtype != old.dtype:
        joined = replace(new, xs=tuple(cast(x, old.dtype) for x in found))
    return joined, kept


def _one_hot(graph: _Graph, old: Any, new: Any, wanted: Mask) -> Narrowed:
    kept = graph.kept[old.x]
    sizes = tuple(n for n, left in zip(old.sizes, kept, strict=True) if left)
    return (new if kept.all() else replace(new, sizes=sizes)), np.repeat(kept, old.sizes)


def _gathered(graph: _Graph, old: Any, new: Any, wanted: Mask) -> Narrowed:
    kept = graph.kept[old.x]
    if kept.all():
        return new, wanted
    sizes = tuple(n for n, left in zip(old.sizes, kept, strict=True) if left)
    rows = np.append(np.repeat(kept, old.sizes), True)  # the last is that of no code
    return replace(new, sizes=sizes, weight=graph.take(old.weight, rows)), wanted


def _product(graph: _Graph, old: Any, new: Any, wanted: Mask) -> Narrowed:
    kept = graph.kept[old.x]
    return (new if kept.all() else replace(new, weight=graph.take(old.weight, kept))), every(old)


def _decided(graph: _Graph, old: Any, new: Any, wanted: Mask) -> Narrowed:
    kept = graph.kept[old.rows]
    return (new if kept.all() else replace(new, weight=graph.take(old.weight, kept))), every(old)


def _forest(graph: _Graph, old: Any, new: Any, wanted: Mask) -> Narrowed:
    feature = graph.renumbered(old.feature, graph.kept[old.x])
    return (new if feature is old.feature else replace(new, feature=feature)), every(old)


def _guard(graph: _Graph, old: Any, new: Any, wanted: Mask) -> Narrowed:
    """A guard, and its constants of a value for each column that it looks at."""
    kept = graph.kept[old.x]
    looks_at = graph.kept[old.of] if isinstance(old, Between) else kept
    if looks_at.all():
        return new, kept
    names = {Between: ("low", "high"), AllKnown: ("may_miss",)}.get(type(old), ())
    return replace(new, **{n: graph.take(getattr(old, n), looks_at) for n in names}), kept


def _numbers(graph: _Graph, old: Any, new: Any, wanted: Mask) -> Narrowed:
    (some,) = needed(old, wanted)
    x = _chosen(new.x, graph.kept[old.x], some)
    return (new if x is new.x else replace(new, x=x)), some


def _codes(graph: _Graph, old: Any, new: Any, wanted: Mask) -> Narrowed:
    (some,) = needed(old, wanted)
    if some.all():
        return new, some
    known = tuple(c for c, left in zip(old.categories, some, strict=True) if left)
    return replace(new, x=_chosen(new.x, graph.kept[old.x], some), categories=known), some


def _lookup(graph: _Graph, old: Any, new: Any, wanted: Mask) -> Narrowed:
    """Of the columns that nobody reads, only those that have to be looked up are."""
    how, kept = unread(old), graph.kept[old.x]
    some = wanted | (how == LOOKED_UP)
    if some.all():
        return new, some
    x = _chosen(new.x, kept, some)
    at = ~some & (how == LOOKED_AT)
    if at.any():
        others = tuple(old.categories[j] for j in np.flatnonzero(at))
        x = Lookable(x, _chosen(new.x, kept, at), others)
    known = tuple(old.categories[j] for j in np.flatnonzero(some))
    return Lookup(x, known, old.may_miss), some


_NARROW: dict[type[Op], Callable[[_Graph, Any, Any, Mask], Narrowed]] = {
    Select: _select,
    Columns: _select,
    Column: _column,
    Named: _named,
    Concat: _concat,
    OneHot: _one_hot,
    GatherSum: _gathered,
    MatMul: _product,
    Decided: _decided,
    Forest: _forest,
    Leaves: _forest,
    Finite: _guard,
    Between: _guard,
    AllKnown: _guard,
    Numbers: _numbers,
    CategoryCodes: _codes,
    Lookup: _lookup,
}
