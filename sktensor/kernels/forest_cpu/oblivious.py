"""Oblivious trees, as CatBoost grows them: all nodes of a level ask the same.

A tree's leaf is then a number whose bits say which of the tree's few tests a row passes. Rows of a
tile become ranks first, how many thresholds of its column each value is above: a byte, which a test
compares in as many rows side by side as a register has bytes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..jit import compiled
from .packing import Canonical, fill_rows, fill_tile, first_nan, levels

TILE = 256  # rows compared at once
LANES = 32  # rows to a multiple of which a tile is filled
TREES = 4  # whose leaves are added one after the other to sums in registers
MOST_RANKS = 255  # of a column, and leaves of a tree but one, that a byte tells apart


class Oblivious(NamedTuple):
    source: np.ndarray
    nan_low: np.ndarray
    infinity: np.ndarray
    begin: np.ndarray  # (n_columns + 1,) int64, where each column's thresholds begin
    border: np.ndarray  # keys, each column's in order
    start: np.ndarray  # (n_trees + 1,) int64, where each tree's tests begin, the last level's first
    column: np.ndarray  # (n_tests,) int64
    rank: np.ndarray  # (n_tests,), a threshold's place among its column's: of the dtype of ranks
    powers: np.ndarray  # of 2, what each test adds to the leaf's number
    by_bit: np.ndarray  # (depth, n_trees) uint32, the columns tested, where powers[i] may be added
    limit: np.ndarray  # (depth, n_trees) keys, the highest where a tree has no such test
    first: np.ndarray  # (n_trees,) uint32, the first leaf
    value: np.ndarray  # (n_leaves * width,)
    width: int  # values of a leaf: n_outputs, or 1 where each tree has an output of its own
    output: np.ndarray  # (n_trees,) int64, the output that the first value of a leaf adds to


def pack(forest: Canonical) -> Oblivious:
    """The layout of a forest of oblivious trees compared in 32 bits."""
    found = levels(forest)
    assert found is not None
    tests, leaves = found
    n_trees, depth = len(tests), max(map(len, tests))
    nodes = np.concatenate([t[::-1] for t in tests])
    column, threshold = forest.column[nodes].astype(np.int64), forest.threshold[nodes]
    start = np.cumsum([0, *map(len, tests)])
    borders = [np.unique(threshold[column == c]) for c in range(len(forest.source))]
    rank = np.empty(len(nodes), np.int64)
    for c, border in enumerate(borders):
        rank[column == c] = np.searchsorted(border, threshold[column == c])
    is_small = max(map(len, borders)) <= MOST_RANKS and 1 << depth <= MOST_RANKS + 1
    small = np.dtype(np.uint8 if is_small else np.uint16)
    by_bit = np.zeros((depth, n_trees), np.uint32)
    limit = np.full((depth, n_trees), np.iinfo(forest.key).max, forest.key)
    for t in range(n_trees):
        rows, mine = slice(0, start[t + 1] - start[t]), slice(start[t], start[t + 1])
        by_bit[rows, t], limit[rows, t] = column[mine], threshold[mine]
    value = forest.value.reshape(len(forest.value), -1)
    return Oblivious(
        forest.source,
        forest.nan_low,
        first_nan(forest.key),
        np.cumsum([0, *map(len, borders)]),
        np.concatenate(borders),
        start,
        column,
        rank.astype(small),
        (1 << np.arange(depth)).astype(small),
        by_bit,
        limit,
        np.cumsum([0, *map(len, leaves[:-1])]).astype(np.uint32),
        value[np.concatenate(leaves)].ravel(),
        value.shape[1],
        forest.output,
    )


def few(bits: np.ndarray, packed: Oblivious, out: np.ndarray) -> None:
    """Add to `out` what the leaves of rows hold, row by row and all trees side by side."""
    p = packed
    _few(
        *(bits, p.source, p.nan_low, p.infinity),
        *(p.by_bit, p.limit, p.first, p.value, p.width, p.output, out),
    )


@compiled(boundscheck=False)
def _few(bits, source, nan_low, infinity, by_bit, limit, first, value, width, output, out):
    depth, n_trees = by_bit.shape
    keys = np.empty((1, len(source)), limit.dtype)
    at = np.empty(n_trees, np.uint32)
    for row in range(len(bits)):
        fill_rows(bits, row, row + 1, source, nan_low, infinity, keys)
        key = keys[0]
        at[:] = first
        for i in range(depth):
            columns, limits = by_bit[i], limit[i]
            for t in range(n_trees):
                # A number and no choice, of which a processor would guess half wrong.
                at[t] += np.uint32(key[columns[t]] > limits[t]) << np.uint32(i)
        if out.shape[1] == 1:
            total = out[row, 0]
            for t in range(n_trees):
                total += value[at[t]]
            out[row, 0] = total
        elif width == 1:
            for t in range(n_trees):
                out[row, output[t]] += value[at[t]]
        else:
            for t in range(n_trees):
                begin = np.uint64(at[t]) * np.uint64(width)
                for j in range(width):
                    out[row, j] += value[begin + np.uint64(j)]


def run(bits: np.ndarray, packed: Oblivious, out: np.ndarray) -> None:
    """Add to `out` what the leaves of rows hold, tile by tile."""
    p = packed
    _tiles(
        *(bits, p.source, p.nan_low, p.infinity, p.begin, p.border),
        *(p.start, p.column, p.rank, p.powers, p.first, p.value, p.width, p.output, out),
    )


@compiled(boundscheck=False)
def _tiles(
    bits,
    source,
    nan_low,
    infinity,
    begin,
    border,
    start,
    column,
    rank,
    powers,
    first,
    value,
    width,
    output,
    out,
):
    n_rows, n_outputs = out.shape
    n_trees = len(first)
    keys = np.zeros((len(source), TILE), border.dtype)
    ranks = np.empty((len(source), TILE), rank.dtype)
    at = np.empty((TREES, TILE), rank.dtype)
    sums = np.empty((n_outputs, TILE), out.dtype)
    for lo in range(0, n_rows, TILE):
        hi = min(lo + TILE, n_rows)
        n = (hi - lo + LANES - 1) // LANES * LANES
        fill_tile(bits, lo, hi, source, nan_low, infinity, keys)
        _rank(keys, begin, border, n, ranks)
        sums[:] = 0
        t = 0
        while n_outputs == 1 and t + TREES <= n_trees:
            for k in range(TREES):
                _leaf(ranks, column, rank, powers, start[t + k], start[t + k + 1], n, at[k])
            _add_four(at, value, first[t : t + TREES], n, sums[0])
            t += TREES
        while t < n_trees:
            _leaf(ranks, column, rank, powers, start[t], start[t + 1], n, at[0])
            _add(at[0], value, np.uint64(first[t]), np.uint64(width), n, sums[output[t] :])
            t += 1
        for r in range(hi - lo):
            for j in range(n_outputs):
                out[lo + r, j] = sums[j, r]


@compiled(boundscheck=False)
def _rank(keys, begin, border, n, ranks):
    """How many of the borders of its column each key is above; four borders in one look."""
    one, zero = ranks.dtype.type(1), ranks.dtype.type(0)
    for c in range(len(keys)):
        key, rank = keys[c], ranks[c]
        rank[:] = zero
        b, end = begin[c], begin[c + 1]
        while b + 4 <= end:
            b0, b1, b2, b3 = border[b], border[b + 1], border[b + 2], border[b + 3]
            for r in range(n):
                found = one if key[r] > b0 else zero
                found += one if key[r] > b1 else zero
                found += one if key[r] > b2 else zero
                found += one if key[r] > b3 else zero
                rank[r] += found
            b += 4
        while b < end:
            b0 = border[b]
            for r in range(n):
                rank[r] += one if key[r] > b0 else zero
            b += 1


@compiled(boundscheck=False)
def _leaf(ranks, column, rank, powers, begin, end, n, at):
    """The number of each row's leaf in a tree, whose tests those from begin to end are."""
    zero = at.dtype.type(0)
    at[:] = zero
    for i in range(begin, end):
        row, limit, power = ranks[column[i]], rank[i], powers[i - begin]
        for r in range(n):
            at[r] |= power if row[r] > limit else zero


@compiled(boundscheck=False)
def _add_four(at, value, first, n, sums):
    at0, at1, at2, at3 = at[0], at[1], at[2], at[3]
    f0, f1, f2, f3 = (
        np.uint64(first[0]),
        np.uint64(first[1]),
        np.uint64(first[2]),
        np.uint64(first[3]),
    )
    for r in range(n):
        total = sums[r]
        total += value[f0 + np.uint64(at0[r])]
        total += value[f1 + np.uint64(at1[r])]
        total += value[f2 + np.uint64(at2[r])]
        total += value[f3 + np.uint64(at3[r])]
        sums[r] = total


@compiled(boundscheck=False)
def _add(at, value, first, width, n, sums):
    for j in range(width):
        for r in range(n):
            sums[j, r] += value[(first + np.uint64(at[r])) * width + np.uint64(j)]
