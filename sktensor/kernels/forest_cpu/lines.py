"""Perfect trees for few rows: three levels to a line of the cache, sixteen trees side by side.

A row that comes alone finds no tree in the nearest cache, so what counts is how many lines it
reads, and how many of them at once. Word i of a line has its children in words 2 i and 2 i + 1;
under the last three levels of a line there are eight more. A tree's first line has the levels that
are left over where their number is no multiple of three.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..jit import compiled
from .packing import fill_rows
from .perfect import LINE, TILE, Perfect

LEVELS = 3  # of a line of eight words
TREES = 16  # side by side
COLUMN = np.uint64(TILE.bit_length() - 1 + 32)  # where a node of `Perfect` has its column
ONE, TWO, EIGHT, HALF = np.uint64(1), np.uint64(2), np.uint64(8), np.uint64(32)


class Lines(NamedTuple):
    source: np.ndarray
    nan_low: np.ndarray
    infinity: np.ndarray
    node: np.ndarray  # (n_trees * n_lines * 8,) uint64: the column over the threshold
    n_lines: np.uint64  # of a tree
    first_levels: int  # of a tree's first line
    levels: int  # of a tree
    leaf: np.ndarray  # (n_trees * 2 ** levels * 1 or n_outputs,), that of `Perfect`
    output: np.ndarray


def pack(trees: Perfect) -> Lines:
    """The nodes of perfect trees put into lines; the leaves stay where they are."""
    n_trees, n_leaves = trees.node.shape
    levels = n_leaves.bit_length() - 1
    first_levels = (levels - 1) % LEVELS + 1
    bands = range(first_levels, levels, LEVELS)
    n_lines = 1 + sum(1 << level for level in bands)
    space = np.zeros(n_trees * n_lines * 8 + 8, np.uint64)
    begin = -space.ctypes.data % LINE // 8  # so that no line of ours lies across two of the cache
    node = space[begin : begin + n_trees * n_lines * 8]
    of_tree = node.reshape(n_trees, n_lines, 8)
    line = 0
    for top, n in [(0, first_levels), *((level, LEVELS) for level in bands)]:
        for level in range(n):
            i, wide = 1 << (top + level), 1 << level
            here = trees.node[:, i : 2 * i].reshape(n_trees, 1 << top, wide)
            of_tree[:, line : line + (1 << top), wide : 2 * wide] = here
        line += 1 << top
    low = np.uint64(0xFFFFFFFF)
    node[:] = (node >> COLUMN << HALF) | (node & low)
    return Lines(
        trees.source,
        trees.nan_low,
        trees.infinity,
        node,
        np.uint64(n_lines),
        first_levels,
        levels,
        trees.leaf.reshape(-1),
        trees.output,
    )


def run(bits: np.ndarray, packed: Lines, out: np.ndarray) -> None:
    """Add to `out` what every row's leaves hold."""
    _sums(bits, *packed, out)


@compiled(boundscheck=False)
def _child(nodes, begin, i, keys, row):
    """The word in its line, or under it, that a row goes on to."""
    word = nodes[begin + i]
    return i + i + np.uint64(keys[row + (word >> HALF)] > np.int32(np.uint32(word)))


@compiled(boundscheck=False)
def _sums(bits, source, nan_low, infinity, nodes, n_lines, first_levels, levels, leaf, output, out):
    """`out[row] += leaf[tree, leaf of row]`, tree by tree.

    Sixteen trees are written out, since Numba keeps the items of an array in memory and only
    variables in registers.
    """
    n_trees = len(output)
    size, more = n_lines * EIGHT, (levels - first_levels) // LEVELS
    n_leaves, n_columns = ONE << np.uint64(levels), np.uint64(len(source))
    width = np.uint64(len(leaf)) // (np.uint64(n_trees) * n_leaves)
    table = np.empty((len(bits), len(source)), np.int32)
    fill_rows(bits, 0, len(bits), source, nan_low, infinity, table)
    keys, last = table.ravel(), n_trees - 1
    at = np.empty((len(bits), n_trees + TREES - 1), np.uint64)
    for t in range(0, n_trees, TREES):
        # Where there are no more trees, the last one again.
        t0, t1 = np.uint64(t), np.uint64(min(t + 1, last))
        t2, t3 = np.uint64(min(t + 2, last)), np.uint64(min(t + 3, last))
        t4, t5 = np.uint64(min(t + 4, last)), np.uint64(min(t + 5, last))
        t6, t7 = np.uint64(min(t + 6, last)), np.uint64(min(t + 7, last))
        t8, t9 = np.uint64(min(t + 8, last)), np.uint64(min(t + 9, last))
        t10, t11 = np.uint64(min(t + 10, last)), np.uint64(min(t + 11, last))
        t12, t13 = np.uint64(min(t + 12, last)), np.uint64(min(t + 13, last))
        t14, t15 = np.uint64(min(t + 14, last)), np.uint64(min(t + 15, last))
        for r in range(len(bits)):
            row = np.uint64(r) * n_columns
            b0, b1, b2, b3 = t0 * size, t1 * size, t2 * size, t3 * size
            b4, b5, b6, b7 = t4 * size, t5 * size, t6 * size, t7 * size
            b8, b9, b10, b11 = t8 * size, t9 * size, t10 * size, t11 * size
            b12, b13, b14, b15 = t12 * size, t13 * size, t14 * size, t15 * size
            i0 = i1 = i2 = i3 = i4 = i5 = i6 = i7 = ONE
            i8 = i9 = i10 = i11 = i12 = i13 = i14 = i15 = ONE
            for _ in range(first_levels):
                i0 = _child(nodes, b0, i0, keys, row)
                i1 = _child(nodes, b1, i1, keys, row)
                i2 = _child(nodes, b2, i2, keys, row)
                i3 = _child(nodes, b3, i3, keys, row)
                i4 = _child(nodes, b4, i4, keys, row)
                i5 = _child(nodes, b5, i5, keys, row)
                i6 = _child(nodes, b6, i6, keys, row)
                i7 = _child(nodes, b7, i7, keys, row)
                i8 = _child(nodes, b8, i8, keys, row)
                i9 = _child(nodes, b9, i9, keys, row)
                i10 = _child(nodes, b10, i10, keys, row)
                i11 = _child(nodes, b11, i11, keys, row)
                i12 = _child(nodes, b12, i12, keys, row)
                i13 = _child(nodes, b13, i13, keys, row)
                i14 = _child(nodes, b14, i14, keys, row)
                i15 = _child(nodes, b15, i15, keys, row)
            band, wide = EIGHT, ONE << np.uint64(first_levels)
            p0, p1, p2, p3 = i0 - wide, i1 - wide, i2 - wide, i3 - wide
            p4, p5, p6, p7 = i4 - wide, i5 - wide, i6 - wide, i7 - wide
            p8, p9, p10, p11 = i8 - wide, i9 - wide, i10 - wide, i11 - wide
            p12, p13, p14, p15 = i12 - wide, i13 - wide, i14 - wide, i15 - wide
            for _ in range(more):
                b0 = t0 * size + band + p0 * EIGHT
                b1 = t1 * size + band + p1 * EIGHT
                b2 = t2 * size + band + p2 * EIGHT
                b3 = t3 * size + band + p3 * EIGHT
                b4 = t4 * size + band + p4 * EIGHT
                b5 = t5 * size + band + p5 * EIGHT
                b6 = t6 * size + band + p6 * EIGHT
                b7 = t7 * size + band + p7 * EIGHT
                b8 = t8 * size + band + p8 * EIGHT
                b9 = t9 * size + band + p9 * EIGHT
                b10 = t10 * size + band + p10 * EIGHT
                b11 = t11 * size + band + p11 * EIGHT
                b12 = t12 * size + band + p12 * EIGHT
                b13 = t13 * size + band + p13 * EIGHT
                b14 = t14 * size + band + p14 * EIGHT
                b15 = t15 * size + band + p15 * EIGHT
                i0 = i1 = i2 = i3 = i4 = i5 = i6 = i7 = ONE
                i8 = i9 = i10 = i11 = i12 = i13 = i14 = i15 = ONE
                for _ in range(LEVELS):
                    i0 = _child(nodes, b0, i0, keys, row)
                    i1 = _child(nodes, b1, i1, keys, row)
                    i2 = _child(nodes, b2, i2, keys, row)
                    i3 = _child(nodes, b3, i3, keys, row)
                    i4 = _child(nodes, b4, i4, keys, row)
                    i5 = _child(nodes, b5, i5, keys, row)
                    i6 = _child(nodes, b6, i6, keys, row)
                    i7 = _child(nodes, b7, i7, keys, row)
                    i8 = _child(nodes, b8, i8, keys, row)
                    i9 = _child(nodes, b9, i9, keys, row)
                    i10 = _child(nodes, b10, i10, keys, row)
                    i11 = _child(nodes, b11, i11, keys, row)
                    i12 = _child(nodes, b12, i12, keys, row)
                    i13 = _child(nodes, b13, i13, keys, row)
                    i14 = _child(nodes, b14, i14, keys, row)
                    i15 = _child(nodes, b15, i15, keys, row)
                p0 = p0 * EIGHT + i0 - EIGHT
                p1 = p1 * EIGHT + i1 - EIGHT
                p2 = p2 * EIGHT + i2 - EIGHT
                p3 = p3 * EIGHT + i3 - EIGHT
                p4 = p4 * EIGHT + i4 - EIGHT
                p5 = p5 * EIGHT + i5 - EIGHT
                p6 = p6 * EIGHT + i6 - EIGHT
                p7 = p7 * EIGHT + i7 - EIGHT
                p8 = p8 * EIGHT + i8 - EIGHT
                p9 = p9 * EIGHT + i9 - EIGHT
                p10 = p10 * EIGHT + i10 - EIGHT
                p11 = p11 * EIGHT + i11 - EIGHT
                p12 = p12 * EIGHT + i12 - EIGHT
                p13 = p13 * EIGHT + i13 - EIGHT
                p14 = p14 * EIGHT + i14 - EIGHT
                p15 = p15 * EIGHT + i15 - EIGHT
                band, wide = band + wide * EIGHT, wide * EIGHT
            at[r, t], at[r, t + 1], at[r, t + 2], at[r, t + 3] = p0, p1, p2, p3
            at[r, t + 4], at[r, t + 5], at[r, t + 6], at[r, t + 7] = p4, p5, p6, p7
            at[r, t + 8], at[r, t + 9], at[r, t + 10], at[r, t + 11] = p8, p9, p10, p11
            at[r, t + 12], at[r, t + 13], at[r, t + 14], at[r, t + 15] = p12, p13, p14, p15
    _add(at, n_trees, n_leaves, leaf, width, output, out)


@compiled(boundscheck=False)
def _add(at, n_trees, n_leaves, leaf, width, output, out):
    """Add the leaves, once all are known: so many are read at once, and none is waited for."""
    n_outputs = np.uint64(out.shape[1])
    for r in range(len(out)):
        if width < n_outputs:
            for t in range(n_trees):
                out[r, output[t]] += leaf[np.uint64(t) * n_leaves + at[r, t]]
        elif width == ONE:
            total = out[r, 0]
            for t in range(n_trees):
                total += leaf[np.uint64(t) * n_leaves + at[r, t]]
            out[r, 0] = total
        elif width == TWO:
            first, second = out[r, 0], out[r, 1]
            for t in range(n_trees):
                begin = (np.uint64(t) * n_leaves + at[r, t]) * TWO
                first += leaf[begin]
                second += leaf[begin + ONE]
            out[r, 0], out[r, 1] = first, second
        else:
            for t in range(n_trees):
                begin = (np.uint64(t) * n_leaves + at[r, t]) * width
                for j in range(n_outputs):
                    out[r, j] += leaf[begin + np.uint64(j)]
