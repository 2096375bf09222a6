"""Deep and ragged trees: a walk over linked nodes of 8 bytes, or of 16.

Two children lie side by side, so that one link serves both: the next node is `link + (x > t)`.
A leaf links to nothing and holds the position of its value. Eight rows walk a tree together, or
one row eight trees, so that each waits for memory while the others go on.

Categorical splits are in wide nodes only: they read the last columns, and have their set in place
of a threshold, or where its words begin if it has more than two.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..jit import compiled
from .coded import Coded, are_short, fill_classes, short_sets
from .packing import Canonical, fill_rows, first_nan, floats_of

BLOCK = 4096  # rows that a tree is kept in the cache for
LINK_BITS, COLUMN_BITS = 21, 11
MOST_NODES = (1 << LINK_BITS) - 2  # the last link marks a leaf
MOST_COLUMNS = 1 << COLUMN_BITS
LAST_LINK = np.uint64((1 << LINK_BITS) - 1)
LAST_WIDE_LINK = np.uint64(0xFFFFFFFF)
TWO, THREE, FOUR = np.uint64(2), np.uint64(3), np.uint64(4)


class Linked(NamedTuple):
    source: np.ndarray
    nan_low: np.ndarray
    infinity: np.ndarray
    node: np.ndarray  # (n_nodes,) or (n_nodes, 2) uint64
    first: np.ndarray  # (n_trees,) uint64, root of each tree
    leaf: np.ndarray  # (n_distinct_leaves[, n_outputs])
    output: np.ndarray  # (n_trees,) uint32, empty where a leaf has a value for every output
    coded: Coded | None


def pack_narrow(forest: Canonical) -> Linked:
    """Nodes of 8 bytes: a threshold of 32 bits over a column of 11 and a link of 21."""
    return _pack(forest, 1)


def pack_wide(forest: Canonical) -> Linked:
    """Nodes of 16 bytes: a threshold of 64 bits, then a column and a link of 32 each."""
    return _pack(forest, 2)


def _pack(forest: Canonical, words: int) -> Linked:
    n_nodes, n_leaves, first = _count(forest.column, forest.left, forest.right, forest.roots)
    node = np.empty((n_nodes, words), np.uint64)
    leaf = np.empty((n_leaves, *forest.value.shape[1:]), forest.value.dtype)
    n_distinct = _link(
        forest.column,
        _tests(forest),
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


def run(bits: np.ndarray, packed: Linked, out: np.ndarray) -> None:
    """Add to `out` what every row's leaves hold: a tree outside, rows inside."""
    rows: Any = _rows_narrow if packed.node.ndim == 1 else _rows_wide
    size = min(BLOCK, len(bits))
    keys = np.zeros((size + 7, _width(packed)), bits.dtype)
    for lo in range(0, len(bits), size):
        hi = min(lo + size, len(bits))
        _fill(bits, lo, hi, packed, keys)
        rows(keys.ravel(), np.uint64(keys.shape[1]), hi - lo, *_arrays(packed), out[lo:hi])


def few(bits: np.ndarray, packed: Linked, out: np.ndarray) -> None:
    """The same for a handful of rows: a row outside, trees inside."""
    trees: Any = _trees_narrow if packed.node.ndim == 1 else _trees_wide
    keys = np.zeros((len(bits), _width(packed)), bits.dtype)
    _fill(bits, 0, len(bits), packed, keys)
    trees(keys.ravel(), np.uint64(keys.shape[1]), len(bits), *_arrays(packed), out)


def _width(packed: Linked) -> int:
    return len(packed.source) + (0 if packed.coded is None else len(packed.coded.source))


def _fill(bits: np.ndarray, lo: int, hi: int, packed: Linked, keys: np.ndarray) -> None:
    """Rows `lo` to `hi` as keys, and the classes of their codes behind them."""
    fill_rows(bits, lo, hi, packed.source, packed.nan_low, packed.infinity, keys)
    if packed.coded is not None:
        fill_classes(floats_of(bits), lo, hi, packed.coded, len(packed.source), keys)


def _arrays(packed: Linked) -> tuple[Any, ...]:
    leaf = packed.leaf.reshape(len(packed.leaf), -1)
    arrays = (packed.node.reshape(-1), packed.first, leaf, packed.output)
    if packed.node.ndim == 1:
        return arrays
    # None stands for no categorical splits: Numba compiles a kernel without them.
    if packed.coded is None:
        return (*arrays, None, None)
    words = None if are_short(packed.coded) else packed.coded.words
    return (*arrays, words, np.uint64(len(packed.source)))


@compiled(boundscheck=False)
def _narrow(nodes, begin, i, keys, row):
    """The node after node `i`, a leaf staying where it is, and the link of `i`."""
    w = nodes[begin + i]
    link = w & LAST_LINK
    column = (w >> np.uint64(21)) & np.uint64(0x7FF)
    right = keys[row + column] > np.int32(np.uint32(w >> np.uint64(32)))
    after = link + np.uint64(right)
    return (i if link == LAST_LINK else after), link


@compiled(boundscheck=False)
def _wide(nodes, begin, i, keys, row, words, n_plain):
    """The node after node `i`, a leaf staying where it is, and the link of `i`."""
    k = np.uint64(2) * (begin + i)
    w = nodes[k + np.uint64(1)]
    link = w & LAST_WIDE_LINK
    column = w >> np.uint64(32)
    # A leaf's column is 0 and its threshold the position of its value: it stays all the same.
    seen = np.int64(keys[row + column])
    right = seen > np.int64(nodes[k])
    if n_plain is not None:
        # Both tests are made, so that nothing is guessed.
        c, word = np.uint64(seen), nodes[k]
        if words is not None:
            # A leaf has the position of its value there, and no words.
            by_words = (column >= n_plain) & (link != LAST_WIDE_LINK)
            at = (nodes[k] + (c >> np.uint64(5))) if by_words else np.uint64(0)
            word, c = np.uint64(words[at]), c & np.uint64(31)
        outside = (word >> (c & np.uint64(63))) & np.uint64(1) == 0
        right = outside if column >= n_plain else right
    after = link + np.uint64(right)
    return (i if link == LAST_WIDE_LINK else after), link


@compiled(boundscheck=False)
def _rows_narrow(keys, width, n_rows, nodes, first, leaf, output, out):
    """Eight rows at a time down each tree.

    Written out, since Numba keeps the items of an array in memory, only variables in registers;
    without views of arrays, each of which is counted in and out at ten times the cost of a step.
    """
    scalar = len(output) > 0
    for t in range(len(first)):
        begin = first[t]
        for r in range(0, n_rows, 8):
            r0 = np.uint64(r) * width
            r1, r2, r3, r4 = r0 + width, r0 + TWO * width, r0 + THREE * width, r0 + FOUR * width
            r5, r6, r7 = r4 + width, r4 + TWO * width, r4 + THREE * width
            i0 = i1 = i2 = i3 = i4 = i5 = i6 = i7 = np.uint64(0)
            links = np.uint64(0)
            while links != LAST_LINK:
                i0, l0 = _narrow(nodes, begin, i0, keys, r0)
                i1, l1 = _narrow(nodes, begin, i1, keys, r1)
                i2, l2 = _narrow(nodes, begin, i2, keys, r2)
                i3, l3 = _narrow(nodes, begin, i3, keys, r3)
                i4, l4 = _narrow(nodes, begin, i4, keys, r4)
                i5, l5 = _narrow(nodes, begin, i5, keys, r5)
                i6, l6 = _narrow(nodes, begin, i6, keys, r6)
                i7, l7 = _narrow(nodes, begin, i7, keys, r7)
                links = l0 & l1 & l2 & l3 & l4 & l5 & l6 & l7
            ends = (i0, i1, i2, i3, i4, i5, i6, i7)
            for k in range(min(8, n_rows - r)):
                at = nodes[begin + ends[k]] >> np.uint64(32)
                if scalar:
                    out[r + k, output[t]] += leaf[at, 0]
                else:
                    for j in range(out.shape[1]):
                        out[r + k, j] += leaf[at, j]


@compiled(boundscheck=False)
def _trees_narrow(keys, width, n_rows, nodes, first, leaf, output, out):
    """Each row down eight trees at a time."""
    n_trees, scalar = len(first), len(output) > 0
    for r in range(n_rows):
        row = np.uint64(r) * width
        for t in range(0, n_trees, 8):
            last = n_trees - 1
            b0, b1, b2 = first[t], first[min(t + 1, last)], first[min(t + 2, last)]
            b3, b4, b5 = first[min(t + 3, last)], first[min(t + 4, last)], first[min(t + 5, last)]
            b6, b7 = first[min(t + 6, last)], first[min(t + 7, last)]
            i0 = i1 = i2 = i3 = i4 = i5 = i6 = i7 = np.uint64(0)
            links = np.uint64(0)
            while links != LAST_LINK:
                i0, l0 = _narrow(nodes, b0, i0, keys, row)
                i1, l1 = _narrow(nodes, b1, i1, keys, row)
                i2, l2 = _narrow(nodes, b2, i2, keys, row)
                i3, l3 = _narrow(nodes, b3, i3, keys, row)
                i4, l4 = _narrow(nodes, b4, i4, keys, row)
                i5, l5 = _narrow(nodes, b5, i5, keys, row)
                i6, l6 = _narrow(nodes, b6, i6, keys, row)
                i7, l7 = _narrow(nodes, b7, i7, keys, row)
                links = l0 & l1 & l2 & l3 & l4 & l5 & l6 & l7
            ends = (i0, i1, i2, i3, i4, i5, i6, i7)
            for k in range(min(8, n_trees - t)):
                begin = first[t + k]
                at = nodes[begin + ends[k]] >> np.uint64(32)
                if scalar:
                    out[r, output[t + k]] += leaf[at, 0]
                else:
                    for j in range(out.shape[1]):
                        out[r, j] += leaf[at, j]


@compiled(boundscheck=False)
def _rows_wide(keys, width, n_rows, nodes, first, leaf, output, words, n_plain, out):
    """Eight rows at a time down each tree.

    Written out, since Numba keeps the items of an array in memory, only variables in registers;
    without views of arrays, each of which is counted in and out at ten times the cost of a step.
    """
    scalar = len(output) > 0
    for t in range(len(first)):
        begin = first[t]
        for r in range(0, n_rows, 8):
            r0 = np.uint64(r) * width
            r1, r2, r3, r4 = r0 + width, r0 + TWO * width, r0 + THREE * width, r0 + FOUR * width
            r5, r6, r7 = r4 + width, r4 + TWO * width, r4 + THREE * width
            i0 = i1 = i2 = i3 = i4 = i5 = i6 = i7 = np.uint64(0)
            links = np.uint64(0)
            while links != LAST_WIDE_LINK:
                i0, l0 = _wide(nodes, begin, i0, keys, r0, words, n_plain)
                i1, l1 = _wide(nodes, begin, i1, keys, r1, words, n_plain)
                i2, l2 = _wide(nodes, begin, i2, keys, r2, words, n_plain)
                i3, l3 = _wide(nodes, begin, i3, keys, r3, words, n_plain)
                i4, l4 = _wide(nodes, begin, i4, keys, r4, words, n_plain)
                i5, l5 = _wide(nodes, begin, i5, keys, r5, words, n_plain)
                i6, l6 = _wide(nodes, begin, i6, keys, r6, words, n_plain)
                i7, l7 = _wide(nodes, begin, i7, keys, r7, words, n_plain)
                links = l0 & l1 & l2 & l3 & l4 & l5 & l6 & l7
            ends = (i0, i1, i2, i3, i4, i5, i6, i7)
            for k in range(min(8, n_rows - r)):
                at = nodes[np.uint64(2) * (begin + ends[k])]
                if scalar:
                    out[r + k, output[t]] += leaf[at, 0]
                else:
                    for j in range(out.shape[1]):
                        out[r + k, j] += leaf[at, j]


@compiled(boundscheck=False)
def _trees_wide(keys, width, n_rows, nodes, first, leaf, output, words, n_plain, out):
    """Each row down eight trees at a time."""
    n_trees, scalar = len(first), len(output) > 0
    for r in range(n_rows):
        row = np.uint64(r) * width
        for t in range(0, n_trees, 8):
            last = n_trees - 1
            b0, b1, b2 = first[t], first[min(t + 1, last)], first[min(t + 2, last)]
            b3, b4, b5 = first[min(t + 3, last)], first[min(t + 4, last)], first[min(t + 5, last)]
            b6, b7 = first[min(t + 6, last)], first[min(t + 7, last)]
            i0 = i1 = i2 = i3 = i4 = i5 = i6 = i7 = np.uint64(0)
            links = np.uint64(0)
            while links != LAST_WIDE_LINK:
                i0, l0 = _wide(nodes, b0, i0, keys, row, words, n_plain)
                i1, l1 = _wide(nodes, b1, i1, keys, row, words, n_plain)
                i2, l2 = _wide(nodes, b2, i2, keys, row, words, n_plain)
                i3, l3 = _wide(nodes, b3, i3, keys, row, words, n_plain)
                i4, l4 = _wide(nodes, b4, i4, keys, row, words, n_plain)
                i5, l5 = _wide(nodes, b5, i5, keys, row, words, n_plain)
                i6, l6 = _wide(nodes, b6, i6, keys, row, words, n_plain)
                i7, l7 = _wide(nodes, b7, i7, keys, row, words, n_plain)
                links = l0 & l1 & l2 & l3 & l4 & l5 & l6 & l7
            ends = (i0, i1, i2, i3, i4, i5, i6, i7)
            for k in range(min(8, n_trees - t)):
                begin = first[t + k]
                at = nodes[np.uint64(2) * (begin + ends[k])]
                if scalar:
                    out[r, output[t + k]] += leaf[at, 0]
                else:
                    for j in range(out.shape[1]):
                        out[r, j] += leaf[at, j]
