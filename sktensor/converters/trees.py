"""Trees as the boosting libraries write them, made one `Forest`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from ..ops import Forest, Leaves, Op
from ..table import NUMPY_DTYPES
from .registry import Unsupported


@contextmanager
def reading() -> Iterator[None]:
    """A model written in a way that is not known runs natively."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise Unsupported(f"a model that cannot be read: {error!r}") from error


@dataclass(frozen=True)
class Tree:
    """The nodes of one tree, its root first; positions in `left` and `right` are its own."""

    feature: np.ndarray  # (n_nodes,), -1 at a leaf
    threshold: np.ndarray  # (n_nodes,), of the dtype of x
    left: np.ndarray  # (n_nodes,)
    right: np.ndarray  # (n_nodes,)
    missing_left: np.ndarray  # (n_nodes,) bool
    value: np.ndarray  # (n_nodes,) of the tree's own output, or (n_nodes, n_outputs)
    output: int = 0
    # The codes that go left at each categorical split, by its node.
    codes: dict[int, np.ndarray] = field(default_factory=dict)


def lone_leaf(value: np.generic, output: int, dtype: np.dtype) -> Tree:
    """A tree that answers `value` whatever the row."""
    none = np.full(1, -1, np.int64)
    no = np.zeros(1, bool)
    return Tree(none, np.zeros(1, dtype), none, none, no, np.asarray(value).reshape(1), output)


def forest(x: Op, trees: Sequence[Tree], n_outputs: int) -> Forest:
    """The sum of `trees`, in their order and in the dtype of their values."""
    starts = _starts(trees)
    value = np.zeros((starts[-1], n_outputs), trees[0].value.dtype)
    for start, tree in zip(starts, trees):
        rows = slice(start, start + len(tree.feature))
        if tree.value.ndim == 2:
            value[rows] = tree.value
        else:
            value[rows, tree.output] = tree.value
    feature, threshold, left, right, missing_left = _joined(trees, starts)
    sets = _sets(trees, starts)
    return Forest(x, feature, threshold, left, right, missing_left, value, starts[:-1], sets)


def leaves(x: Op, trees: Sequence[Tree]) -> Op:
    """The leaf each row ends in, one column a tree: its position in its tree."""
    among_all = leaves_among_all(x, trees)
    return among_all - among_all.roots[None]


def leaves_among_all(x: Op, trees: Sequence[Tree]) -> Leaves:
    """The leaf each row ends in, one column a tree: its position among all nodes."""
    starts = _starts(trees)
    feature, threshold, left, right, missing_left = _joined(trees, starts)
    sets = _sets(trees, starts)
    return Leaves(x, feature, threshold, left, right, missing_left, starts[:-1], sets)


def reached(forest: Forest) -> Op:
    """The leaf of each tree of a forest that each row ends in: its position in its tree."""
    parts = (forest.feature, forest.threshold, forest.left, forest.right, forest.missing_left)
    return Leaves(forest.x, *parts, forest.roots, forest.sets) - forest.roots[None]


def _starts(trees: Sequence[Tree]) -> np.ndarray:
    """Where each tree's nodes begin among all, and where they end."""
    return np.concatenate([[0], np.cumsum([len(t.feature) for t in trees])]).astype(np.int64)


def _joined(trees: Sequence[Tree], starts: np.ndarray) -> list[np.ndarray]:
    """The arrays of a `Forest` but for its values and roots.

    Tree by tree, since what is small enough for a cache is copied much faster.
    """
    n = starts[-1]
    feature, left, right = (np.empty(n, np.int64) for _ in range(3))
    threshold = np.empty(n, np.result_type(*{t.threshold.dtype for t in trees}))
    missing_left = np.empty(n, bool)
    for start, tree in zip(starts, trees):
        size = len(tree.feature)
        rows, leaf = slice(start, start + size), tree.feature < 0
        feature[rows], threshold[rows] = tree.feature, tree.threshold
        missing_left[rows] = tree.missing_left
        for side, joined in ((tree.left, left), (tree.right, right)):
            if np.any(((side <= 0) | (side >= size)) & ~leaf):
                raise Unsupported("a tree with children that it lacks")
            np.add(side, start, out=joined[rows])
            joined[rows][leaf] = -1
    return [feature, threshold, left, right, missing_left]


def _sets(trees: Sequence[Tree], starts: np.ndarray) -> tuple[np.ndarray, ...]:
    """The sets of a `Forest`: code c is bit c % 32 of the word c / 32 after a set's first."""
    nodes = [start + node for start, tree in zip(starts, trees) for node in tree.codes]
    if not nodes:
        return ()
    codes = [np.asarray(c, np.int64) for tree in trees for c in tree.codes.values()]
    if any(len(c) and (c.min() < 0 or c.max() >= MOST_CODES) for c in codes):
        raise Unsupported(f"codes that are not from 0 to {MOST_CODES - 1}")
    size = np.zeros(starts[-1], np.int64)
    size[nodes] = [c.max(initial=0) // 32 + 1 for c in codes]
    begin = np.where(size > 0, np.cumsum(size) - size, 0)
    words = np.zeros(size.sum(), np.uint32)
    joined = np.concatenate(codes)
    word = np.repeat(begin[nodes], [len(c) for c in codes]) + joined // 32
    np.bitwise_or.at(words, word, np.uint32(1) << (joined % 32).astype(np.uint32))
    return begin, size, words.view(np.int32)


# Every code up to here is a float32.
MOST_CODES = 2**24


def below(threshold: np.ndarray, x: Op) -> np.ndarray:
    """The largest floats of the dtype of `x` that are not above `threshold`, a float64.

    For x of that dtype, `x <= t` and `x <= below(t)` are the same.
    """
    assert x.dtype is not None
    dtype = NUMPY_DTYPES[x.dtype]
    with np.errstate(over="ignore"):
        rounded = threshold.astype(dtype)
        next_below = np.nextafter(rounded, dtype.type(-np.inf))
    return np.where(rounded.astype(np.float64) > threshold, next_below, rounded)
