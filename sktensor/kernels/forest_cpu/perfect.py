"""Regular trees made perfect: the top four levels as bitvectors, then a walk without pointers.

Node i has the children 2 i and 2 i + 1; a leaf above the lowest level becomes a chain of nodes
that send every row left. A node is one word, where its column begins in a tile of rows over the
threshold, so that a step is one load, one compare and `i = 2 i + (x > t)`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..jit import compiled
from .bits import prefetch, trailing_zeros
from .packing import Canonical, add_leaf, fill_tile, first_nan, measure, without_nan

TILE = 128  # rows compared at once
BLOCK = 1024  # rows that a tree is kept in the L1 cache for, or twice as many if it is far and
FEW_COLUMNS = 64  # they have no more columns than that
LINE = 64  # bytes of the cache that are read together
FAR = 2**22  # bytes of trees that the nearer caches do not hold
TOP = 4  # levels by bitvector
ONE, TWO, THREE, FOUR = (np.uint64(i) for i in (1, 2, 3, 4))
FEW_OUTPUTS = 12  # so many are added one after the other, more of them row by row


class Perfect(NamedTuple):
    source: np.ndarray
    nan_low: np.ndarray
    infinity: np.ndarray
    node: np.ndarray  # (n_trees, 2 ** depth) uint64, from 1: where the column begins, threshold
    leaf: np.ndarray  # (n_trees, 2 ** depth, n_outputs), of one output where each tree has its own
    output: np.ndarray  # (n_trees,) uint32, the output that the first value of a leaf adds to
    masks: np.ndarray  # (16,) uint16, 0 for every leaf of four levels under the left child
    takes_nan: bool


def pack(forest: Canonical, takes_nan: bool = True) -> Perfect:
    """The layout of a forest of regular trees compared in 32 bits.

    Where rows with NaN need not be taken, half as many columns may do, which the L1 cache holds.
    """
    if not takes_nan:
        plain = without_nan(forest)
        takes_nan, forest = plain is forest, plain
    begin = forest.column.astype(np.uint64) * np.uint64(TILE) << np.uint64(32)
    words = begin | forest.threshold.view(np.uint32)
    node, leaf = placed(forest, words, np.uint64(np.iinfo(np.int32).max), TOP)
    output = forest.output.astype(np.uint32)
    infinity = first_nan(forest.key)
    masks = _masks()
    return Perfect(forest.source, forest.nan_low, infinity, node, leaf, output, masks, takes_nan)


def placed(
    forest: Canonical, words: np.ndarray, left: np.generic, least: int
) -> tuple[np.ndarray, np.ndarray]:
    """The words of nodes, (n_trees, 2 ** depth), and values, (n_trees, 2 ** depth, n_outputs).

    Trees are as deep as the deepest, or as `least`; a node that is not there is `left`, which
    sends every row that way.
    """
    depth = measure(forest.column, forest.left, forest.right, forest.roots)[1]
    n_leaves = 1 << max(least, int(depth.max(initial=0)))
    node = np.full((len(forest.roots), n_leaves), left, words.dtype)
    value = forest.value.reshape(len(forest.value), -1)
    leaf = np.zeros((*node.shape, value.shape[1]), value.dtype)
    _place(forest.column, words, forest.left, forest.right, forest.roots, value, node, leaf)
    return node, leaf


def _masks() -> np.ndarray:
    """For node i of the top levels, ones but for the leaves under its left child."""
    masks = np.full(1 << TOP, 0xFFFF, np.uint16)
    for i in range(1, 1 << TOP):
        level = i.bit_length() - 1
        span = 1 << (TOP - level - 1)
        begin = (i - (1 << level)) * 2 * span
        masks[i] ^= np.uint16(((1 << span) - 1) << begin)
    return masks


@compiled()
def _place(column, words, left, right, roots, value, out, leaf):
    """Every node at its place; a leaf's value under all places it stands for."""
    n_leaves = out.shape[1]
    stack = np.empty((len(column) + 1, 2), np.int64)
    for t in range(len(roots)):
        stack[0, 0], stack[0, 1] = roots[t], 1
        top = 1
        while top:
            top -= 1
            node, at = stack[top, 0], stack[top, 1]
            if column[node] >= 0:
                out[t, at] = words[node]
                stack[top, 0], stack[top, 1] = right[node], 2 * at + 1
                stack[top + 1, 0], stack[top + 1, 1] = left[node], 2 * at
                top += 2
                continue
            begin, end = at, at + 1
            while begin < n_leaves:
                begin, end = 2 * begin, 2 * end
            for i in range(begin - n_leaves, end - n_leaves):
                for j in range(value.shape[1]):
                    leaf[t, i, j] = value[node, j]


def run(bits: np.ndarray, packed: Perfect, out: np.ndarray) -> int:
    """Add to `out` what the leaves of so many rows hold: of all, or of those before some NaN."""
    return _sums(bits, *packed, packed.node.nbytes + packed.leaf.nbytes > FAR, out)


@compiled(boundscheck=False)
def _sums(bits, source, nan_low, infinity, node, leaf, output, masks, takes_nan, far, out):
    """`out[row] += leaf[tree, leaf of row]`, tree by tree, for the rows before the one given."""
    block = 2 * BLOCK if far and len(source) <= FEW_COLUMNS else BLOCK
    # Trees of nothing but a leaf have no column, and read the first all the same.
    tiles = np.zeros((block // TILE, max(1, len(source)), TILE), np.int32)
    flat = tiles.reshape(len(tiles), -1)
    for start in range(0, len(bits), block):
        stop = min(start + block, len(bits))
        for lo in range(start, stop, TILE):
            tile = tiles[(lo - start) // TILE]
            has_nan = fill_tile(bits, lo, min(lo + TILE, stop), source, nan_low, infinity, tile)
            if has_nan and not takes_nan:
                return start
        _add_block(flat, node, leaf.reshape(len(leaf), -1), output, masks, far, out[start:stop])
    return len(bits)


@compiled(boundscheck=False)
def _add_block(tiles, node, leaf, output, masks, far, out):
    """`out[row] = leaf[tree, leaf of row]` summed up tree by tree, for the rows of some tiles.

    Where trees are far away, the nodes of the next one are brought near while one is walked, and
    then the leaves that were reached, which are added after the next tree's walk.
    """
    n_rows, n_outputs = out.shape
    n_leaves, width = np.uint64(node.shape[1]), np.uint64(leaf.shape[1] // node.shape[1])
    steps = 0
    while (1 << (steps + TOP)) < node.shape[1]:
        steps += 1
    n_tiles = (n_rows + TILE - 1) // TILE
    few = width <= FEW_OUTPUTS
    totals = np.zeros((n_tiles, n_outputs if few else 0, TILE), out.dtype)
    flat = out.reshape(-1)
    alive, ends = np.empty(TILE, np.uint16), np.empty((n_tiles, TILE), np.uint64)
    for t in range(len(node)):
        nodes, values = node[t], leaf[t]
        if far and t + 1 < len(node):
            for i in range(0, len(nodes), LINE // nodes.itemsize):
                prefetch(node[t + 1], np.uint64(i))
        for b in range(n_tiles):
            tile, at = tiles[b], ends[b]
            if far and t > 0:
                _add(at, n_leaves, leaf[t - 1], width, output[t - 1], totals[b], flat, b * TILE)
            _top_levels(tile, nodes, masks, alive, at)
            _walk(tile, nodes, steps, min(TILE, n_rows - b * TILE), at)
            if far:
                for r in range(TILE):
                    prefetch(values, (at[r] - n_leaves) * width)
            else:
                _add(at, n_leaves, values, width, output[t], totals[b], flat, b * TILE)
    last = len(node) - 1
    for b in range(n_tiles if far else 0):
        _add(ends[b], n_leaves, leaf[last], width, output[last], totals[b], flat, b * TILE)
    for r in range(n_rows if few else 0):
        for j in range(n_outputs):
            out[r, j] = totals[r // TILE, j, r % TILE]


@compiled(boundscheck=False)
def _add(at, n_leaves, values, width, output, sums, out, first):
    """`sums[:, row] += values` of the leaf that the row is at; of many values into out instead.

    There, without a second axis, it is row `first + row`.
    """
    if width == 1:
        for r in range(TILE):
            sums[output, r] += values[at[r] - n_leaves]
    elif width <= FEW_OUTPUTS:
        for j in range(width):
            for r in range(TILE):
                sums[j, r] += values[(at[r] - n_leaves) * width + np.uint64(j)]
    else:
        for r in range(min(TILE, len(out) // np.int64(width) - first)):
            add_leaf(values, at[r] - n_leaves, out, first + r, width)


@compiled(boundscheck=False)
def _top_levels(tile, nodes, masks, alive, at):
    """`at[row]` becomes the node of the fifth level that each row of the tile comes to."""
    everyone = np.uint16(0xFFFF)
    alive[:] = everyone
    for k in range(1, 1 << TOP):
        begin, limit = _place_and_limit(nodes[k])
        left_struck = masks[k]
        for r in range(TILE):
            alive[r] &= left_struck if tile[begin + np.uint64(r)] > limit else everyone
    for r in range(TILE):
        at[r] = np.uint64(1 << TOP) + np.uint64(trailing_zeros(np.uint32(alive[r])))


@compiled(boundscheck=False)
def _place_and_limit(word):
    """Where the column that a node tests begins in a tile, and what it is compared with."""
    return word >> np.uint64(32), np.int32(np.uint32(word))


@compiled(boundscheck=False)
def _walk(tile, nodes, steps, n_rows, at):
    """The first rows of the tile that many levels down, eight side by side in registers."""
    for begin in range(0, n_rows, 8):
        r = np.uint64(begin)
        r1, r2, r3, r4 = r + ONE, r + TWO, r + THREE, r + FOUR
        r5, r6, r7 = r4 + ONE, r4 + TWO, r4 + THREE
        i0, i1, i2, i3 = at[r], at[r1], at[r2], at[r3]
        i4, i5, i6, i7 = at[r4], at[r5], at[r6], at[r7]
        for _ in range(steps):
            i0, i1 = _child(tile, nodes, r, i0), _child(tile, nodes, r1, i1)
            i2, i3 = _child(tile, nodes, r2, i2), _child(tile, nodes, r3, i3)
            i4, i5 = _child(tile, nodes, r4, i4), _child(tile, nodes, r5, i5)
            i6, i7 = _child(tile, nodes, r6, i6), _child(tile, nodes, r7, i7)
        at[r], at[r1], at[r2], at[r3] = i0, i1, i2, i3
        at[r4], at[r5], at[r6], at[r7] = i4, i5, i6, i7
    # What is not walked must be some leaf all the same: the values of a whole tile are added.
    for rest in range(n_rows, TILE):
        at[rest] = np.uint64(len(nodes))


@compiled(boundscheck=False)
def _child(tile, nodes, row, at):
    """The child of a node that a row goes on to."""
    begin, limit = _place_and_limit(nodes[at])
    return at + at + np.uint64(tile[begin + row] > limit)
