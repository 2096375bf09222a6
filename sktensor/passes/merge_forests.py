"""Walk the trees of several forests over the same rows as those of one.

forest_1(x), forest_2(x) = merged(x)[:, 0:n], merged(x)[:, n:m], where the trees of each forest add
to outputs of their own, in the order they had. The sums of each are the same to the last bit: a
zero that a tree adds to the outputs of others changes no sum that starts at 0. Rows are the same
but for guards that they pass, all of which the one forest's rows have to.

The rows are made ready once, and kernels are called once: ten small forests are walked three to
seven times as fast, large ones up to a third faster. Where trees add to several outputs, as those
of random forests of classifiers do, they then add zeros to the outputs of others. Large trees, of
which a walk waits for memory, have the time: up to `MOST_OUTPUTS` many rows take as long as before,
and one row half to nine tenths of that. Of small ones eight forests of ten, or forty of one, take
twice as long: the pass declines for more than `FEW_TREES`. It declines too for forests that kernels
read in different layouts; and where the values of the nodes, of which each then has one for every
output, take too much memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from ..graph import Change, surveys, walk
from ..ops import Finite, Forest, Op, Select

MOST_VALUES = 2**22  # of all nodes for all outputs
SMALL_TREES = (32, 64)  # leaves up to which the layout is known from their number
MOST_OUTPUTS, FEW_TREES = 16, 4  # of trees that add to several, and of small ones among them


@surveys
def merge_forests(root: Op) -> Change:
    """How to change the forests of a graph so that those over the same rows are one."""
    alike: dict[tuple[object, ...], list[Forest]] = {}
    for op in walk(root):
        if isinstance(op, Forest) and _in_order(op):
            kind = op.value.dtype.str, _adds_to_one_each(op), _kind(op)
            alike.setdefault((_unguarded(op.x), *kind), []).append(op)
    groups = [_Group(some) for some in alike.values() if len(some) > 1 and _pays(some)]
    place = {op: group for group in groups for op in group.members}
    return lambda old, new: place[old].part(old, new.inputs[0]) if old in place else None


@dataclass
class _Group:
    """Forests over the same rows, and the one that they are made."""

    members: list[Forest]
    merged: Forest | None = None

    def part(self, op: Forest, x: Op) -> Op:
        """One forest's outputs among those of all."""
        if self.merged is None:
            x = _guarded(_unguarded(x), dict.fromkeys(f.x for f in self.members))
            self.merged = _merged(x, self.members)
        ends = list(accumulate(f.width for f in self.members))
        at = self.members.index(op)
        return Select(self.merged, np.arange(ends[at] - op.width, ends[at]))


def _unguarded(x: Op) -> Op:
    """What comes before guards that look at nothing else."""
    while isinstance(x, Finite):
        x = x.x
    return x


def _guarded(x: Op, many: Iterable[Op]) -> Op:
    """`x` behind the guards of all of many."""
    for guard in many:
        while isinstance(guard, Finite):
            x, guard = Finite(x, guard.allow_nan), guard.x
    return x


def _in_order(op: Forest) -> bool:
    """Whether the nodes of each tree come after its root."""
    return bool(len(op.roots) and op.roots[0] == 0 and (np.diff(op.roots) > 0).all())


def _adds_to_one_each(op: Forest) -> bool:
    """Whether each tree adds to one output alone."""
    if op.width == 1:
        return True
    return bool((np.logical_or.reduceat(op.value != 0, op.roots).sum(axis=1) <= 1).all())


def _kind(op: Forest) -> object:
    """What forests of one layout have in common."""
    leaves = int(np.add.reduceat(op.feature < 0, op.roots).max())
    small = next((most for most in SMALL_TREES if leaves <= most), None)
    return bool(op.sets), small or op.layout


def _pays(some: list[Forest]) -> bool:
    """Whether one forest of all of them is faster, and takes no memory to speak of."""
    width = sum(f.width for f in some)
    if sum(len(f.feature) for f in some) * width > MOST_VALUES:
        return False
    if _adds_to_one_each(some[0]):
        return True
    large = some[0].layout in ("narrow", "wide")
    return width <= MOST_OUTPUTS and (large or sum(len(f.roots) for f in some) <= FEW_TREES)


def _merged(x: Op, members: list[Forest]) -> Forest:
    starts = np.cumsum([0, *(len(f.feature) for f in members)])
    ends = np.cumsum([f.width for f in members])
    value = np.zeros((starts[-1], ends[-1]), members[0].value.dtype)
    for f, start, end in zip(members, starts, ends, strict=False):
        value[start : start + len(f.value), end - f.width : end] = f.value

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(f, name) for f in members])

    def moved(name: str) -> np.ndarray:
        pairs = zip((getattr(f, name) for f in members), starts, strict=False)
        return np.concatenate([np.where(nodes >= 0, nodes + start, -1) for nodes, start in pairs])

    return Forest(
        x,
        joined("feature"),
        joined("threshold"),
        moved("left"),
        moved("right"),
        joined("missing_left"),
        value,
        moved("roots"),
        _sets(members),
    )


def _sets(members: list[Forest]) -> tuple[np.ndarray, ...]:
    """The sets of codes of all of them, their words one after the other."""
    if not members[0].sets:
        return ()
    begin, size, words = zip(*(f.sets for f in members), strict=True)
    first = np.cumsum([0, *map(len, words)])
    # A node without a set begins at 0, whatever lies there.
    moved = [np.where(n > 0, b + at, 0) for b, n, at in zip(begin, size, first, strict=False)]
    return np.concatenate(moved), np.concatenate(size), np.concatenate(words)
