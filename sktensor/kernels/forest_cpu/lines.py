"""Perfect trees for few rows: three levels to a line of the cache, the lines of a level together.

A row that comes alone finds no tree in the nearest cache, so what counts is how many lines and
pages it reads, and whether it waits for them. Word i of a line has its children in words 2 i and
2 i + 1; under the last three levels of a line there are eight more. The levels that are left over
where their number is no multiple of three come first, those of all trees beside each other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..jit import compiled
from .bits import prefetch
from .packing import fill_rows
from .perfect import LINE, TILE, Perfect

LEVELS = 3  # of a line of eight words
TREES = 64  # that go down level by level together
MOST_BESIDE = 2 * LINE  # bytes of the leaves under a line, up to which they lie behind it
COLUMN = np.uint64(TILE.bit_length() - 1 + 32)  # where a node of `Perfect` has its column
ONE, TWO, EIGHT, HALF = (np.uint64(i) for i in (1, 2, 8, 32))


class Lines(NamedTuple):
    source: np.ndarray
    nan_low: np.ndarray
    infinity: np.ndarray
    node: np.ndarray  # uint64, the column over the threshold: first levels, then band after band
    first_levels: int
    begins: np.ndarray  # (n_bands,) uint64, the word of `node` where a band of lines begins
    sizes: np.ndarray  # (n_bands,) uint64, words from one of its lines to the next
    leaf: np.ndarray  # values: that of `Perfect`, or `node` itself, where they lie behind lines
    before: np.uint64  # words before the line that has the first values
    a_word: np.uint64  # values from one word to the next
    width: np.uint64  # values of a leaf
    output: np.ndarray


def pack(trees: Perfect) -> Lines:
    """The nodes of perfect trees put into lines, and leaves behind the last, if they are short."""
    n_trees, n_leaves, width = trees.leaf.shape
    levels = n_leaves.bit_length() - 1
    first_levels = (levels - 1) % LEVELS + 1
    bands = range(first_levels, levels, LEVELS)
    counts = [n_trees << level for level in bands]
    values = trees.leaf.reshape(counts[-1], 8 * width)
    beside = values[0].nbytes <= MOST_BESIDE
    sizes = [8] * len(bands)
    sizes[-1] += -(-values[0].nbytes // LINE) * 8 if beside else 0
    first = -(-(n_trees << first_levels) // 8) * 8
    *begins, end = np.cumsum([first, *(n * size for n, size in zip(counts, sizes))]).tolist()
    space = np.zeros(end + 8, np.uint64)
    at = -space.ctypes.data % LINE // 8  # so that no line of ours lies across two of the cache
    node = space[at : at + end]
    low = np.uint64(0xFFFFFFFF)
    words = (trees.node >> COLUMN << HALF) | (trees.node & low)
    node[: n_trees << first_levels] = words[:, : 1 << first_levels].ravel()
    for top, begin, n, size in zip(bands, begins, counts, sizes):
        lines = node[begin : begin + n * size].reshape(n, size)
        for level in range(LEVELS):
            i, wide = 1 << (top + level), 1 << level
            lines[:, wide : 2 * wide] = words[:, i : 2 * i].reshape(n, wide)
    if beside:
        lines[:, 8:].view(values.dtype)[:, : 8 * width] = values
    return Lines(
        trees.source,
        trees.nan_low,
        trees.infinity,
        node,
        first_levels,
        np.array(begins, np.uint64),
        np.array(sizes, np.uint64),
        node.view(values.dtype) if beside else values.reshape(-1),
        np.uint64(0 if beside else begins[-1]),
        np.uint64(8 // values.itemsize if beside else width),
        np.uint64(width),
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
def _under(nodes, line, keys, row):
    """Which of the eight under a line a row goes on to."""
    i = _child(nodes, line, ONE, keys, row)
    i = _child(nodes, line, i, keys, row)
    return _child(nodes, line, i, keys, row) - EIGHT


@compiled(boundscheck=False)
def _sums(
    bits,
    source,
    nan_low,
    infinity,
    nodes,
    first_levels,
    begins,
    sizes,
    leaf,
    before,
    a_word,
    width,
    output,
    out,
):
    """`out[row] += leaf[tree, leaf of row]`, tree by tree.

    What a tree will read next is fetched while the others of its group take the same step.
    """
    # Trees of nothing but a leaf have no column, and read the first all the same.
    table = np.empty((len(bits), max(1, len(source))), np.int32)
    n_trees, n_columns, last = len(output), np.uint64(table.shape[1]), len(begins) - 1
    fill_rows(bits, 0, len(bits), source, nan_low, infinity, table)
    keys, at = table.ravel(), np.empty((len(bits), n_trees), np.uint64)
    wide, behind = ONE << np.uint64(first_levels), EIGHT if sizes[last] > EIGHT else np.uint64(0)
    for lo in range(0, n_trees, TREES):
        # Numba asks of signed indices whether they count from the end.
        from_tree, to_tree = np.uint64(lo), np.uint64(min(lo + TREES, n_trees))
        for r in range(len(bits)):
            row, here = np.uint64(r) * n_columns, at[r]
            begin, size = begins[0], sizes[0]
            for t in range(from_tree, to_tree):
                i = ONE
                for _ in range(first_levels):
                    i = _child(nodes, t * wide, i, keys, row)
                line = begin + ((t - ONE) * wide + i) * size
                prefetch(nodes, line)
                here[t] = line
            for band in range(last):
                begin, now, size = begins[band + 1], begins[band], sizes[band + 1]
                for t in range(from_tree, to_tree):
                    line = here[t]
                    line = begin + (line - now + _under(nodes, line, keys, row)) * size
                    prefetch(nodes, line)
                    here[t] = line
            for t in range(from_tree, to_tree):
                line = here[t]
                value = (line - before + behind) * a_word
                value += _under(nodes, line, keys, row) * width
                prefetch(leaf, value)
                here[t] = value
    _add(at, n_trees, leaf, width, output, out)


@compiled(boundscheck=False)
def _add(at, n_trees, leaf, width, output, out):
    """Add the leaves, once all are known: so many are read at once, and none is waited for."""
    n_outputs = np.uint64(out.shape[1])
    for r in range(len(out)):
        if width < n_outputs:
            for t in range(n_trees):
                out[r, output[t]] += leaf[at[r, t]]
        elif width == ONE:
            total = out[r, 0]
            for t in range(n_trees):
                total += leaf[at[r, t]]
            out[r, 0] = total
        elif width == TWO:
            first, second = out[r, 0], out[r, 1]
            for t in range(n_trees):
                first += leaf[at[r, t]]
                second += leaf[at[r, t] + ONE]
            out[r, 0], out[r, 1] = first, second
        else:
            for t in range(n_trees):
                for j in range(n_outputs):
                    out[r, j] += leaf[at[r, t] + np.uint64(j)]
