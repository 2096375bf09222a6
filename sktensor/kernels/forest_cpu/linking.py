"""Nodes of linked trees put in their places: 8 bytes each, or 16.

Two children lie side by side, so that one link serves both: the next node is `link + (x > t)`.
A leaf links to nothing and holds the position of its value; leaves that hold the same share it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..jit import compiled
from .coded import Coded, are_short, short_sets
from .packing import Canonical, first_nan, tests_alone

LINK_BITS, COLUMN_BITS = 21, 11
MOST_NODES = (1 << LINK_BITS) - 2  # the last link marks a leaf
MOST_COLUMNS = 1 << COLUMN_BITS
LAST_LINK = np.uint64((1 << LINK_BITS) - 1)
LAST_WIDE_LINK = np.uint64(0xFFFFFFFF)


class Linked(NamedTuple):
    source: np.ndarray
    nan_low: np.ndarray
    infinity: np.ndarray
    node: np.ndarray  # (n_nodes,) or (n_nodes, 2) uint64
    first: np.ndarray  # (n_trees,) uint64, root of each tree
    leaf: np.ndarray  # (n_distinct_leaves[, n_outputs])
    output: np.ndarray  # (n_trees,) uint32, empty where a leaf has a value for every output
    coded: Coded | None
    alone: bool  # whether categorical splits have one class in place of a set


def pack_narrow(forest: Canonical) -> Linked:
    """Nodes of 8 bytes: a threshold of 32 bits over a column of 11 and a link of 21.

    In place of a threshold categorical splits have the one class that goes left.
    """
    tests = forest.threshold.astype(np.int64) if forest.coded is None else tests_alone(forest)
    if tests is None:
        raise ValueError("a set of several classes")
    return _pack(forest, tests, 1, forest.coded is not None)


def pack_wide(forest: Canonical, keep_sets: bool = False) -> Linked:
    """Nodes of 16 bytes: a threshold of 64 bits, then a column and a link of 32 each."""
    alone = None if forest.coded is None or keep_sets else tests_alone(forest)
    return _pack(forest, _tests(forest) if alone is None else alone, 2, alone is not None)


def _pack(forest: Canonical, tests: np.ndarray, words: int, alone: bool) -> Linked:
    n_nodes, n_leaves, first = _count(forest.column, forest.left, forest.right, forest.roots)
    node = np.empty((n_nodes, words), np.uint64)
    leaf = np.empty((n_leaves, *forest.value.shape[1:]), forest.value.dtype)
    n_distinct = _link(
        forest.column,
        tests,
        forest.left,
        forest.right,
        forest.roots,
        forest.value.reshape(len(forest.value), -1),
        node,
        leaf.reshape(len(leaf), -1),
        np.full(1 << max(1, 2 * n_leaves - 1).bit_length(), -1, np.int64),
    )
    return Linked(
        forest.source,
        forest.nan_low,
        first_nan(forest.key),
        node[:, 0].copy() if words == 1 else node,
        first.astype(np.uint64),
        leaf[:n_distinct].copy(),
        forest.output.astype(np.uint32) if leaf.ndim == 1 else np.zeros(0, np.uint32),
        forest.coded,
        alone,
    )


def _tests(forest: Canonical) -> np.ndarray:
    """What a node compares with: its threshold, or its set if that is short."""
    tests, coded = forest.threshold.astype(np.int64), forest.coded
    if coded is not None and are_short(coded):
        nodes = np.flatnonzero(forest.column >= len(forest.source))
        which = forest.column[nodes] - len(forest.source)
        tests[nodes] = short_sets(coded, which, tests[nodes])
    return tests


@compiled()
def _count(column, left, right, roots):
    """Nodes, leaves, and where each tree begins."""
    n_nodes, n_leaves = 0, 0
    first = np.zeros(len(roots), np.int64)
    stack = np.empty(len(column) + 1, np.int64)
    for t in range(len(roots)):
        first[t] = n_nodes
        stack[0] = roots[t]
        top = 1
        while top:
            top -= 1
            node = stack[top]
            n_nodes += 1
            if column[node] < 0:
                n_leaves += 1
            else:
                stack[top], stack[top + 1] = right[node], left[node]
                top += 2
    return n_nodes, n_leaves, first


@compiled()
def _link(column, threshold, left, right, roots, value, out, leaf, table):
    """Children side by side, a left child's descendants before its sibling's.

    Leaves that hold the same are one: those of trees grown to the end are nearly all pure.
    """
    narrow = out.shape[1] == 1
    stack = np.empty((len(column) + 1, 2), np.int64)
    begin, n = 0, 0
    for root in roots:
        stack[0, 0], stack[0, 1] = root, 0
        top, free = 1, 1
        while top:
            top -= 1
            node, at = stack[top, 0], stack[top, 1]
            if column[node] < 0:
                found = _distinct(value[node], leaf, n, table)
                n = max(n, found + 1)
                if narrow:
                    out[begin + at, 0] = (np.uint64(found) << np.uint64(32)) | LAST_LINK
                else:
                    out[begin + at, 0] = np.uint64(found)
                    out[begin + at, 1] = LAST_WIDE_LINK
                continue
            if narrow:
                high = np.uint64(np.uint32(threshold[node])) << np.uint64(32)
                low = (np.uint64(column[node]) << np.uint64(21)) | np.uint64(free)
                out[begin + at, 0] = high | low
            else:
                out[begin + at, 0] = np.uint64(threshold[node])
                out[begin + at, 1] = (np.uint64(column[node]) << np.uint64(32)) | np.uint64(free)
            stack[top, 0], stack[top, 1] = right[node], free + 1
            stack[top + 1, 0], stack[top + 1, 1] = left[node], free
            top += 2
            free += 2
        begin += free
    return n


@compiled()
def _distinct(values, leaf, n, table):
    """The position in `leaf` of these values, put there at `n` if they are new."""
    mixed = np.uint64(0)
    for j in range(len(values)):
        mixed = (mixed ^ np.uint64(hash(values[j]))) * np.uint64(0x9E3779B97F4A7C15)
    slots = np.uint64(len(table) - 1)
    slot = (mixed >> np.uint64(20)) & slots
    while table[slot] >= 0:
        same = True
        for j in range(len(values)):
            same = same and leaf[table[slot], j] == values[j]
        if same:
            return table[slot]
        slot = (slot + np.uint64(1)) & slots
    table[slot] = n
    for j in range(len(values)):
        leaf[n, j] = values[j]
    return n
