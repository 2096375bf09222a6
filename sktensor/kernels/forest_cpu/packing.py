"""What every layout starts from: columns that are read, thresholds as integers, trees measured.

A float's bits, with the lower ones of negatives inverted, are integers of the same order. So
`x <= t` is `key(x) <= key(t)`, with -0.0 as a threshold taken for 0.0. NaN is put above every
number in one copy of its column and below in another, and a node reads the copy that sends NaN
its way: no kernel tests for NaN. Columns of codes, which categorical splits read, come after
these and are made ready in `coded`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..jit import compiled
from .coded import Coded, classes_alone, coded_columns

KEY: dict[Any, Any] = {
    np.dtype(np.float32): np.dtype(np.int32),
    np.dtype(np.float64): np.dtype(np.int64),
}
MOST_LEVELS = 16  # of oblivious trees, whose leaves have numbers of 16 bits


class Canonical(NamedTuple):
    """A forest with the columns it reads, and thresholds as keys."""

    source: np.ndarray  # (n_columns,) int64, the feature that each column is a copy of
    nan_low: np.ndarray  # (n_columns,) bool, whether NaN is below every number there
    column: np.ndarray  # (n_nodes,) int32, column tested, -1 at a leaf
    threshold: np.ndarray  # (n_nodes,) keys
    left: np.ndarray  # (n_nodes,) int64
    right: np.ndarray  # (n_nodes,) int64
    roots: np.ndarray  # (n_trees,) int64
    value: np.ndarray  # (n_nodes,) or (n_nodes, n_outputs)
    output: np.ndarray  # (n_trees,) int64, the output a tree adds to, where value is 1-D
    n_outputs: int
    key: np.dtype
    coded: Coded | None  # the columns that categorical splits read, behind those of `source`


def canonical(
    feature: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    missing_left: np.ndarray,
    value: np.ndarray,
    roots: np.ndarray,
    *sets: np.ndarray,
) -> Canonical:
    """The arrays of a `Forest` op made ready for every layout."""
    split = feature >= 0
    categorical = split & (sets[1] > 0) if sets else np.zeros(len(feature), bool)
    split &= ~categorical
    pair = 2 * feature + missing_left
    used = np.flatnonzero(np.bincount(pair[split]))
    place = np.zeros(used[-1] + 1 if len(used) else 1, np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    column = np.where(split, place[np.where(split, pair, 0)], np.int32(-1))
    key = KEY[threshold.dtype]
    keys = keys_of(threshold)
    coded = None
    if categorical.any():
        coded, which, at = coded_columns(feature, missing_left, categorical, *sets)
        column[categorical] = len(used) + which
        keys[categorical] = at  # in place of a threshold, where the words of its set begin
    left, right = left.astype(np.int64), right.astype(np.int64)
    roots = roots.astype(np.int64)
    output = np.zeros(len(roots), np.int64)
    values = value
    if value.shape[1] == 1:
        values = np.ascontiguousarray(value[:, 0])
    elif len(roots) and _one_output_each(column, left, right, roots, value, output):
        tree = _tree_of(left, right, column, roots)
        values = np.ascontiguousarray(value[np.arange(len(value)), output[np.maximum(tree, 0)]])
    return Canonical(
        used >> 1,
        (used & 1).astype(bool),
        column,
        keys,
        left,
        right,
        roots,
        values,
        output,
        value.shape[1],
        key,
        coded,
    )


def keys_of(threshold: np.ndarray) -> np.ndarray:
    """Floats as integers in the same order; -0.0 as 0.0."""
    key = KEY[threshold.dtype]
    bits = np.ascontiguousarray(threshold + threshold.dtype.type(0)).view(key)
    return bits ^ ((bits >> (8 * key.itemsize - 1)) & np.iinfo(key).max)


def tests_alone(forest: Canonical) -> np.ndarray | None:
    """What nodes compare with, codes with the class that goes left; None where several do."""
    coded = forest.coded
    assert coded is not None
    arrays = (forest.column, forest.threshold, len(forest.source), coded.n_words, coded.words)
    found = classes_alone(*arrays)
    several = (found == -2) & (forest.column >= len(forest.source))
    return None if several.any() else found


def levels(forest: Canonical) -> tuple[list[np.ndarray], list[np.ndarray]] | None:
    """A node of each level of every tree, and its leaves in order; None unless all are oblivious.

    All nodes of a level of such a tree test the same, and all its leaves are on the last one.
    """
    tests: list[list[int]] = [[] for _ in forest.roots]
    leaves: list[np.ndarray] = list(forest.roots[:, None])
    trees, nodes = np.arange(len(forest.roots)), forest.roots[:, None]
    while len(trees):
        column, threshold = forest.column[nodes], forest.threshold[nodes]
        alike = (column == column[:, :1]) & ((threshold == threshold[:, :1]) | (column < 0))
        if not alike.all():
            return None
        for t, row in zip(trees, nodes):
            leaves[t] = row
        split = column[:, 0] >= 0
        trees, nodes = trees[split], nodes[split]
        for t, node in zip(trees, nodes[:, 0]):
            tests[t].append(node)
        below = np.stack([forest.left[nodes], forest.right[nodes]], axis=2)
        nodes = below.reshape(len(trees), 2 * nodes.shape[1])
    return [np.array(t, np.int64) for t in tests], leaves


def shape_of(forest: Canonical) -> dict[str, Any]:
    """The numbers that the choice of a layout looks at."""
    leaves, depth, nodes = measure(forest.column, forest.left, forest.right, forest.roots)
    may_be = forest.coded is None and depth.max(initial=0) <= MOST_LEVELS
    may_be = may_be and bool((leaves == 1 << depth).all())
    return {
        "n_trees": len(forest.roots),
        "n_nodes": int(nodes.sum()),
        "most_leaves": int(leaves.max(initial=1)),
        "most_depth": int(depth.max(initial=0)),
        "most_nodes": int(nodes.max(initial=1)),
        "n_columns": len(forest.source),
        "n_coded": 0 if forest.coded is None else len(forest.coded.source),
        "set_words": 0 if forest.coded is None else int(forest.coded.n_words.max()),
        "alone": forest.coded is not None and tests_alone(forest) is not None,
        "oblivious": may_be and levels(forest) is not None,
    }


@compiled()
def measure(column, left, right, roots):
    """Leaves, depth and nodes of each tree."""
    n_trees = len(roots)
    leaves = np.zeros(n_trees, np.int64)
    depths = np.zeros(n_trees, np.int64)
    nodes = np.zeros(n_trees, np.int64)
    stack = np.empty((len(column) + 1, 2), np.int64)
    for t in range(n_trees):
        stack[0, 0], stack[0, 1] = roots[t], 0
        top = 1
        while top:
            top -= 1
            node, depth = stack[top, 0], stack[top, 1]
            nodes[t] += 1
            if column[node] < 0:
                leaves[t] += 1
                depths[t] = max(depths[t], depth)
            else:
                stack[top, 0], stack[top, 1] = right[node], depth + 1
                stack[top + 1, 0], stack[top + 1, 1] = left[node], depth + 1
                top += 2
    return leaves, depths, nodes


@compiled()
def _tree_of(left, right, column, roots):
    """The tree of each node, -1 for a node in none."""
    tree = np.full(len(column), -1, np.int64)
    stack = np.empty(len(column) + 1, np.int64)
    for t in range(len(roots)):
        stack[0] = roots[t]
        top = 1
        while top:
            top -= 1
            node = stack[top]
            tree[node] = t
            if column[node] >= 0:
                stack[top], stack[top + 1] = right[node], left[node]
                top += 2
    return tree


@compiled()
def _one_output_each(column, left, right, roots, value, output):
    """Whether every tree adds to one output alone, which is then written into `output`.

    A zero added to the other outputs changes nothing there, but for -0.0 + 0.0, which no sum
    that starts at 0.0 meets.
    """
    stack = np.empty(len(column) + 1, np.int64)
    for t in range(len(roots)):
        found = -1
        stack[0] = roots[t]
        top = 1
        while top:
            top -= 1
            node = stack[top]
            if column[node] >= 0:
                stack[top], stack[top + 1] = right[node], left[node]
                top += 2
                continue
            for j in range(value.shape[1]):
                if value[node, j] != 0:
                    if found >= 0 and found != j:
                        return False
                    found = j
        output[t] = max(found, 0)
    return True


def bits_of(rows: np.ndarray) -> np.ndarray:
    """Rows of floats as the integers their bits are."""
    return rows.view(KEY[rows.dtype])


def floats_of(bits: np.ndarray) -> np.ndarray:
    """The rows that `bits_of` was made of."""
    return bits.view(np.float32 if bits.itemsize == 4 else np.float64)


def first_nan(key: np.dtype) -> np.ndarray:
    """The bits of infinity: what is above them, the sign apart, is NaN."""
    return np.array([np.inf], np.float32 if key.itemsize == 4 else np.float64).view(key)


@compiled()
def fill_rows(bits, lo, hi, source, nan_low, infinity, keys):
    """Rows `lo` to `hi` as keys: `keys[row, column]`."""
    top = np.iinfo(keys.dtype).max
    shift = 8 * keys.itemsize - 1
    for r in range(lo, hi):
        for c in range(len(source)):
            b = bits[r, source[c]]
            if (b & top) > infinity[0]:
                keys[r - lo, c] = -top - 1 if nan_low[c] else top
            else:
                keys[r - lo, c] = b ^ ((b >> shift) & top)


@compiled()
def fill_tile(bits, lo, hi, source, nan_low, infinity, tile):
    """Rows `lo` to `hi` as keys, transposed: `tile[column, row]`. Whether there is a NaN."""
    top = np.iinfo(tile.dtype).max
    shift = 8 * tile.itemsize - 1
    has_nan = False
    for r in range(lo, hi):
        for c in range(len(source)):
            b = bits[r, source[c]]
            if (b & top) > infinity[0]:
                tile[c, r - lo] = -top - 1 if nan_low[c] else top
                has_nan = True
            else:
                tile[c, r - lo] = b ^ ((b >> shift) & top)
    return has_nan


@compiled(boundscheck=False)
def add_leaf(values, leaf, out, row, width):
    """`out[row] += values[leaf]`, both without a second axis, of that many values each."""
    width = np.uint64(width)  # whose products are not asked whether they are negative
    begin, at = np.uint64(leaf) * width, np.uint64(row) * width
    for j in range(width):
        out[at + j] += values[begin + j]


def without_nan(forest: Canonical) -> Canonical:
    """The forest for rows without NaN: no feature is there twice, once for each side of NaN."""
    source, which = np.unique(forest.source, return_inverse=True)
    if forest.coded is not None or len(source) == len(forest.source):
        return forest
    column = np.where(forest.column < 0, -1, which[forest.column]).astype(forest.column.dtype)
    return forest._replace(source=source, nan_low=np.zeros(len(source), bool), column=column)
