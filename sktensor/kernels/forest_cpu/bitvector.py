"""Trees of at most 64 leaves as bitvectors (QuickScorer: Lucchese et al., SIGIR 2015).

Leaves are numbered from the left. Every split of a tree is evaluated, and one that fails strikes
out the leaves under its left child; the lowest bit left standing is the leaf reached. There is no
walk and no gather: one contiguous compare-and-mask over 64 rows per split, which vectorises.
Categorical splits come after the others of their tree, and test a bit instead.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..jit import compiled
from .bits import trailing_zeros
from .coded import Coded, class_of
from .packing import Canonical, add_leaf, fill_tile, first_nan, floats_of
from .pieces import in_pieces

TILE = 64  # rows compared at once
MOST_LEAVES = 64  # that a mask has bits for
FEW_WORDS = 8  # of a set: so many are looked at for every row, of more the one that counts
FEW_OUTPUTS = 12  # so many are added one after the other, more of them row by row


class CodedSplits(NamedTuple):
    """The categorical splits of the trees."""

    columns: Coded
    column: np.ndarray  # (n_splits,) uint32
    at: np.ndarray  # (n_splits,) uint32, where the words of its set begin
    mask: np.ndarray  # (n_splits,) as those of the others
    first: np.ndarray  # (n_trees + 1,) uint32
    many: np.ndarray  # (n_trees,) uint32, where those whose sets have several words begin


class Bitvector(NamedTuple):
    source: np.ndarray
    nan_low: np.ndarray
    infinity: np.ndarray
    column: np.ndarray  # (n_splits,) uint32
    threshold: np.ndarray  # (n_splits,) keys
    mask: np.ndarray  # (n_splits,) uint32 or uint64, 0 for every leaf under the left child
    first: np.ndarray  # (n_trees + 1,) uint32
    leaf: np.ndarray  # (n_trees, 32 or 64[, n_outputs])
    output: np.ndarray  # (n_trees,) uint32
    coded: CodedSplits | None


def pack(forest: Canonical) -> Bitvector:
    """The layout of a forest, whose trees of more than 64 leaves are cut into pieces."""
    n_splits = _count_splits(forest.column, forest.left, forest.right, forest.roots)
    if n_splits.max(initial=0) >= MOST_LEAVES:
        forest = in_pieces(forest, MOST_LEAVES)
        n_splits = _count_splits(forest.column, forest.left, forest.right, forest.roots)
    roots = forest.roots
    leaves = int(n_splits.max(initial=0)) + 1
    word = np.dtype(np.uint32 if leaves <= 32 else np.uint64)
    first = np.concatenate([[0], np.cumsum(n_splits)]).astype(np.uint32)
    column = np.zeros(first[-1], np.uint32)
    threshold = np.zeros(first[-1], forest.key)
    mask = np.zeros(first[-1], word)
    leaf = np.zeros((len(roots), 8 * word.itemsize, *forest.value.shape[1:]), forest.value.dtype)
    _number(
        forest.column,
        forest.threshold,
        forest.left,
        forest.right,
        roots,
        forest.value.reshape(len(forest.value), -1),
        first,
        column,
        threshold,
        mask,
        leaf.reshape(*leaf.shape[:2], -1),
    )
    coded = None
    if forest.coded is not None:
        n_plain = np.uint32(len(forest.source))
        tree = np.repeat(np.arange(len(roots)), np.diff(first))
        categorical = column >= n_plain
        n_words = np.zeros(len(column), np.int64)
        n_words[categorical] = forest.coded.n_words[column[categorical] - n_plain]
        order = np.lexsort((n_words > 1, categorical, tree))
        here = order[n_words[order] > 0]
        before = np.concatenate([[0], np.cumsum(categorical)]).astype(np.uint32)[first]
        one_word = np.bincount(tree[n_words == 1], minlength=len(roots)).astype(np.uint32)
        coded = CodedSplits(
            forest.coded,
            column[here] - n_plain,
            threshold[here].astype(np.uint32),
            mask[here],
            before,
            before[:-1] + one_word,
        )
        column, threshold, mask = (a[~categorical] for a in (column, threshold, mask))
        first = first - before
    return Bitvector(
        forest.source,
        forest.nan_low,
        first_nan(forest.key),
        column,
        threshold,
        mask,
        first,
        leaf,
        forest.output.astype(np.uint32),
        coded,
    )


@compiled()
def _count_splits(column, left, right, roots):
    """The splits of each tree."""
    counts = np.zeros(len(roots), np.int64)
    stack = np.empty(len(column) + 1, np.int64)
    for t in range(len(roots)):
        stack[0] = roots[t]
        top = 1
        while top:
            top -= 1
            node = stack[top]
            if column[node] >= 0:
                counts[t] += 1
                stack[top], stack[top + 1] = right[node], left[node]
                top += 2
    return counts


@compiled()
def _number(
    column, threshold, left, right, roots, value, first, out_column, out_threshold, mask, leaf
):
    """Splits in preorder and leaves from the left; a split is done when its left child is."""
    stack = np.empty((len(column) + 1, 2), np.int64)
    everyone = ~mask.dtype.type(0)
    one = mask.dtype.type(1)
    for t in range(len(roots)):
        stack[0, 0], stack[0, 1] = roots[t], -1
        top, k, n = 1, np.int64(first[t]), 0
        while top:
            top -= 1
            node, done = stack[top, 0], stack[top, 1]
            if done >= 0:  # all of the left child's leaves are numbered: those from mask[done] on
                begin = np.int64(mask[done])
                struck = mask.dtype.type(0)
                for b in range(begin, n):
                    struck |= one << mask.dtype.type(b)
                mask[done] = everyone ^ struck
                node = right[node]
            if column[node] < 0:
                for j in range(value.shape[1]):
                    leaf[t, n, j] = value[node, j]
                n += 1
                continue
            out_column[k], out_threshold[k] = column[node], threshold[node]
            mask[k] = n
            stack[top, 0], stack[top, 1] = node, k
            stack[top + 1, 0], stack[top + 1, 1] = left[node], -1
            top += 2
            k += 1


def run(bits: np.ndarray, packed: Bitvector, out: np.ndarray) -> None:
    """Add to `out` what every row's leaves hold."""
    kernel = _sum_scalars if packed.leaf.ndim == 2 else _sum_vectors
    # None stands for no categorical splits: Numba compiles a kernel without them.
    coded = None if packed.coded is None else (floats_of(bits), *packed.coded)
    kernel(bits, *packed[:-1], coded, out)


@compiled(boundscheck=False)
def _leaves_of(tile, column, threshold, mask, begin, end, alive):
    """For each row of the tile, its leaf as the lowest bit of `alive`."""
    everyone = ~mask.dtype.type(0)
    alive[:] = everyone
    for k in range(begin, end):
        seen, limit, left_struck = tile[column[k]], threshold[k], mask[k]
        for r in range(TILE):
            alive[r] &= left_struck if seen[r] > limit else everyone


@compiled()
def _fill_codes(rows, lo, hi, columns, codes):
    """The classes of rows `lo` to `hi`, transposed: `codes[column, row]`."""
    source = columns.source
    for r in range(lo, hi):
        for c in range(len(source)):
            codes[c, r - lo] = class_of(rows[r, source[c]], c, columns)


@compiled(boundscheck=False)
def _strike_by_word(codes, words, column, at, mask, begin, end, alive):
    """Strike out the leaves left of the splits whose set, of one word, a row is not in."""
    everyone = ~alive.dtype.type(0)
    low, one = np.uint32(31), np.uint32(1)
    for k in range(begin, end):
        seen, word, left_struck = codes[column[k]], words[at[k]], mask[k]
        for r in range(TILE):
            alive[r] &= everyone if (word >> (seen[r] & low)) & one else left_struck


@compiled(boundscheck=False)
def _strike_by_words(codes, words, n_words, column, at, mask, begin, end, within, alive):
    """The same for sets of several words."""
    everyone = ~alive.dtype.type(0)
    low, five, one = np.uint32(31), np.uint32(5), np.uint32(1)
    for k in range(begin, end):
        seen, first, left_struck = codes[column[k]], at[k], mask[k]
        many = np.uint32(n_words[column[k]])
        if many <= FEW_WORDS:
            # Every word for every row, which vectorises.
            within[:] = 0
            for w in range(many):
                word, this = words[first + w], np.uint32(w)
                for r in range(TILE):
                    bit = (word >> (seen[r] & low)) & one
                    within[r] |= bit if seen[r] >> five == this else np.uint32(0)
        else:
            for r in range(TILE):
                word = words[first + (seen[r] >> five)]
                within[r] = (word >> (seen[r] & low)) & one
        for r in range(TILE):
            alive[r] &= everyone if within[r] else left_struck


@compiled(boundscheck=False)
def _sum_scalars(
    bits, source, nan_low, infinity, column, threshold, mask, first, leaf, output, coded, out
):
    """`out[row, output[tree]] += leaf[tree, leaf of row]`, tree by tree."""
    n_outputs = out.shape[1]
    tile = np.zeros((len(source), TILE), bits.dtype)
    alive = np.empty(TILE, mask.dtype)
    total = np.zeros((n_outputs, TILE), out.dtype)
    if coded is not None:
        rows, columns, by_code, at, struck, bounds, many = coded
        words, n_words = columns.words, columns.n_words
        codes, within = np.zeros((len(n_words), TILE), np.uint32), np.zeros(TILE, np.uint32)
    for lo in range(0, len(bits), TILE):
        hi = min(lo + TILE, len(bits))
        fill_tile(bits, lo, hi, source, nan_low, infinity, tile)
        if coded is not None:
            _fill_codes(rows, lo, hi, columns, codes)
        total[:] = 0
        for t in range(len(leaf)):
            _leaves_of(tile, column, threshold, mask, first[t], first[t + 1], alive)
            if coded is not None:
                a, b, c = bounds[t], bounds[t + 1], many[t]
                _strike_by_word(codes, words, by_code, at, struck, a, c, alive)
                if c < b:
                    _strike_by_words(
                        codes, words, n_words, by_code, at, struck, c, b, within, alive
                    )
            values, sums = leaf[t], total[output[t]]
            for r in range(TILE):
                sums[r] += values[trailing_zeros(alive[r])]
        for r in range(lo, hi):
            for j in range(n_outputs):
                out[r, j] = total[j, r - lo]


@compiled(boundscheck=False)
def _sum_vectors(
    bits, source, nan_low, infinity, column, threshold, mask, first, leaf, output, coded, out
):
    """`out[row] += leaf[tree, leaf of row]`, tree by tree."""
    n_outputs = np.uint32(out.shape[1])
    tile = np.zeros((len(source), TILE), bits.dtype)
    alive = np.empty(TILE, mask.dtype)
    total = np.zeros((min(out.shape[1], FEW_OUTPUTS), TILE), out.dtype)
    flat = out.reshape(-1)
    if coded is not None:
        rows, columns, by_code, at, struck, bounds, many = coded
        words, n_words = columns.words, columns.n_words
        codes, within = np.zeros((len(n_words), TILE), np.uint32), np.zeros(TILE, np.uint32)
    for lo in range(0, len(bits), TILE):
        hi = min(lo + TILE, len(bits))
        fill_tile(bits, lo, hi, source, nan_low, infinity, tile)
        if coded is not None:
            _fill_codes(rows, lo, hi, columns, codes)
        total[:] = 0
        for t in range(len(leaf)):
            _leaves_of(tile, column, threshold, mask, first[t], first[t + 1], alive)
            if coded is not None:
                a, b, c = bounds[t], bounds[t + 1], many[t]
                _strike_by_word(codes, words, by_code, at, struck, a, c, alive)
                if c < b:
                    _strike_by_words(
                        codes, words, n_words, by_code, at, struck, c, b, within, alive
                    )
            values = leaf[t].reshape(-1)
            if n_outputs <= FEW_OUTPUTS:
                for j in range(n_outputs):
                    for r in range(TILE):
                        total[j, r] += values[trailing_zeros(alive[r]) * n_outputs + np.uint32(j)]
            else:
                for r in range(lo, hi):
                    add_leaf(values, trailing_zeros(alive[r - lo]), flat, r, n_outputs)
        if n_outputs <= FEW_OUTPUTS:
            for r in range(lo, hi):
                for j in range(n_outputs):
                    out[r, j] = total[j, r - lo]
