"""Deep and ragged trees: a walk over linked nodes of 8 bytes, or of 16.

Eight rows walk a tree together, or one row eight trees, so that each waits for memory while the
others go on.

Categorical splits read the last columns. In place of a threshold they have the one class that goes
left; or, in wide nodes, their set, or where its words begin if it has more than two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jit import compiled
from .coded import are_short, fill_classes
from .linking import LAST_LINK, LAST_WIDE_LINK, Linked
from .packing import fill_rows, floats_of

BLOCK = 4096  # rows that a tree is kept in the cache for
COLUMNS_A_TREE = 12  # so many take as long to make keys of as a tree takes to walk
MOST, SIGN = np.int32(np.iinfo(np.int32).max), np.int32(31)
_EXTREMES = (np.iinfo(np.int32).min, np.iinfo(np.int32).max)  # keys of NaN, low or high
TWO, THREE, FOUR = np.uint64(2), np.uint64(3), np.uint64(4)


def run(bits: np.ndarray, packed: Linked, out: np.ndarray) -> None:
    """Add to `out` what every row's leaves hold: a tree outside, rows inside."""
    narrow = packed.node.ndim == 1
    if narrow and packed.coded is None and reads_little(len(packed.first), len(packed.source)):
        of_nan = np.where(packed.nan_low, *_EXTREMES).astype(np.int32)
        raw = (packed.source.astype(np.uint64), of_nan, packed.infinity)
        _rows_narrow(bits.ravel(), np.uint64(bits.shape[1]), len(bits), *_arrays(packed), out, raw)
        return
    rows: Any = _rows_narrow if narrow else _rows_wide
    more = (None,) if narrow else ()
    size = min(BLOCK, len(bits))
    keys = np.zeros((size + 7, _width(packed)), bits.dtype)
    for lo in range(0, len(bits), size):
        hi = min(lo + size, len(bits))
        _fill(bits, lo, hi, packed, keys)
        rows(keys.ravel(), np.uint64(keys.shape[1]), hi - lo, *_arrays(packed), out[lo:hi], *more)


def reads_little(n_trees: int, n_columns: int) -> bool:
    """Whether making keys of all columns would take longer than of those that the walk reads."""
    return 0 < n_trees * COLUMNS_A_TREE <= n_columns


def few(bits: np.ndarray, packed: Linked, out: np.ndarray) -> None:
    """The same for a handful of rows: a row outside, trees inside."""
    narrow = packed.node.ndim == 1
    if packed.coded is None:
        run_few: Any = _few_narrow if narrow else _few_wide
        node, first, leaf, output, *_ = _arrays(packed)
        run_few(
            bits, packed.source, packed.nan_low, packed.infinity, node, first, leaf, output, out
        )
        return
    trees: Any = _trees_narrow if narrow else _trees_wide
    keys = np.zeros((len(bits), _width(packed)), bits.dtype)
    _fill(bits, 0, len(bits), packed, keys)
    trees(keys.ravel(), np.uint64(keys.shape[1]), len(bits), *_arrays(packed), out)


def _width(packed: Linked) -> int:
    """How many keys a row has: one at least, since leaves read the first, whatever it is."""
    n_coded = 0 if packed.coded is None else len(packed.coded.source)
    return max(1, len(packed.source) + n_coded)


def _fill(bits: np.ndarray, lo: int, hi: int, packed: Linked, keys: np.ndarray) -> None:
    """Rows `lo` to `hi` as keys, and the classes of their codes behind them."""
    fill_rows(bits, lo, hi, packed.source, packed.nan_low, packed.infinity, keys)
    if packed.coded is not None:
        fill_classes(floats_of(bits), lo, hi, packed.coded, len(packed.source), keys)


def _arrays(packed: Linked) -> tuple[Any, ...]:
    leaf = packed.leaf.reshape(len(packed.leaf), -1)
    arrays = (packed.node.reshape(-1), packed.first, leaf, packed.output)
    # None stands for no categorical splits: Numba compiles a kernel without them.
    n_plain = None if packed.coded is None else np.uint64(len(packed.source))
    if packed.node.ndim == 1:
        return (*arrays, n_plain)
    if packed.coded is None or packed.alone:
        return (*arrays, None, n_plain, None)
    words = None if are_short(packed.coded) else packed.coded.words
    return (*arrays, words, n_plain, True)


@compiled(boundscheck=False)
def _narrow(nodes, begin, i, keys, row, n_plain, raw):
    """The node after node `i`, a leaf staying where it is, and the link of `i`.

    With `raw`, in place of keys there are the bits of floats as they are.
    """
    w = nodes[begin + i]
    link = w & LAST_LINK
    column = (w >> np.uint64(21)) & np.uint64(0x7FF)
    if raw is None:
        seen = keys[row + column]
    else:
        source, of_nan, infinity = raw
        b = keys[row + source[column]]
        magnitude = b & MOST
        seen = of_nan[column] if magnitude > infinity[0] else b ^ ((b >> SIGN) & MOST)
    test = np.int32(np.uint32(w >> np.uint64(32)))
    right = seen > test
    if n_plain is not None:
        right = seen != test if column >= n_plain else right
    after = link + np.uint64(right)
    return (i if link == LAST_LINK else after), link


@compiled(boundscheck=False)
def _wide(nodes, begin, i, keys, row, words, n_plain, several):
    """The node after node `i`, a leaf staying where it is, and the link of `i`.

    Where `several` is None, every set is of one class.
    """
    k = np.uint64(2) * (begin + i)
    w = nodes[k + np.uint64(1)]
    link = w & LAST_WIDE_LINK
    column = w >> np.uint64(32)
    # A leaf's column is 0 and its threshold the position of its value: it stays all the same.
    seen = np.int64(keys[row + column])
    right = seen > np.int64(nodes[k])
    # Both tests are made, so that nothing is guessed.
    if n_plain is not None:
        if several is None:
            outside = seen != np.int64(nodes[k])
        else:
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
def _rows_narrow(keys, width, n_rows, nodes, first, leaf, output, n_plain, out, raw):
    """Eight rows at a time down each tree.

    Written out, since Numba keeps the items of an array in memory, only variables in registers;
    without views of arrays, each of which is counted in and out at ten times the cost of a step.
    """
    scalar, last = len(output) > 0, n_rows - 1
    for t in range(len(first)):
        begin = first[t]
        for r in range(0, n_rows, 8):
            # Where there are no more rows, the last one again.
            r0, r1 = np.uint64(r) * width, np.uint64(min(r + 1, last)) * width
            r2, r3 = np.uint64(min(r + 2, last)) * width, np.uint64(min(r + 3, last)) * width
            r4, r5 = np.uint64(min(r + 4, last)) * width, np.uint64(min(r + 5, last)) * width
            r6, r7 = np.uint64(min(r + 6, last)) * width, np.uint64(min(r + 7, last)) * width
            i0 = i1 = i2 = i3 = i4 = i5 = i6 = i7 = np.uint64(0)
            links = np.uint64(0)
            while links != LAST_LINK:
                i0, l0 = _narrow(nodes, begin, i0, keys, r0, n_plain, raw)
                i1, l1 = _narrow(nodes, begin, i1, keys, r1, n_plain, raw)
                i2, l2 = _narrow(nodes, begin, i2, keys, r2, n_plain, raw)
                i3, l3 = _narrow(nodes, begin, i3, keys, r3, n_plain, raw)
                i4, l4 = _narrow(nodes, begin, i4, keys, r4, n_plain, raw)
                i5, l5 = _narrow(nodes, begin, i5, keys, r5, n_plain, raw)
                i6, l6 = _narrow(nodes, begin, i6, keys, r6, n_plain, raw)
                i7, l7 = _narrow(nodes, begin, i7, keys, r7, n_plain, raw)
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
def _trees_narrow(keys, width, n_rows, nodes, first, leaf, output, n_plain, out):
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
                i0, l0 = _narrow(nodes, b0, i0, keys, row, n_plain, None)
                i1, l1 = _narrow(nodes, b1, i1, keys, row, n_plain, None)
                i2, l2 = _narrow(nodes, b2, i2, keys, row, n_plain, None)
                i3, l3 = _narrow(nodes, b3, i3, keys, row, n_plain, None)
                i4, l4 = _narrow(nodes, b4, i4, keys, row, n_plain, None)
                i5, l5 = _narrow(nodes, b5, i5, keys, row, n_plain, None)
                i6, l6 = _narrow(nodes, b6, i6, keys, row, n_plain, None)
                i7, l7 = _narrow(nodes, b7, i7, keys, row, n_plain, None)
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
def _rows_wide(keys, width, n_rows, nodes, first, leaf, output, words, n_plain, several, out):
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
                i0, l0 = _wide(nodes, begin, i0, keys, r0, words, n_plain, several)
                i1, l1 = _wide(nodes, begin, i1, keys, r1, words, n_plain, several)
                i2, l2 = _wide(nodes, begin, i2, keys, r2, words, n_plain, several)
                i3, l3 = _wide(nodes, begin, i3, keys, r3, words, n_plain, several)
                i4, l4 = _wide(nodes, begin, i4, keys, r4, words, n_plain, several)
                i5, l5 = _wide(nodes, begin, i5, keys, r5, words, n_plain, several)
                i6, l6 = _wide(nodes, begin, i6, keys, r6, words, n_plain, several)
                i7, l7 = _wide(nodes, begin, i7, keys, r7, words, n_plain, several)
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
def _trees_wide(keys, width, n_rows, nodes, first, leaf, output, words, n_plain, several, out):
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
                i0, l0 = _wide(nodes, b0, i0, keys, row, words, n_plain, several)
                i1, l1 = _wide(nodes, b1, i1, keys, row, words, n_plain, several)
                i2, l2 = _wide(nodes, b2, i2, keys, row, words, n_plain, several)
                i3, l3 = _wide(nodes, b3, i3, keys, row, words, n_plain, several)
                i4, l4 = _wide(nodes, b4, i4, keys, row, words, n_plain, several)
                i5, l5 = _wide(nodes, b5, i5, keys, row, words, n_plain, several)
                i6, l6 = _wide(nodes, b6, i6, keys, row, words, n_plain, several)
                i7, l7 = _wide(nodes, b7, i7, keys, row, words, n_plain, several)
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


@compiled()
def _few_narrow(bits, source, nan_low, infinity, nodes, first, leaf, output, out):
    """Numbers alone, from their bits to the sums: one call, which is most of what a row costs."""
    keys = np.empty((len(bits), max(1, len(source))), bits.dtype)
    fill_rows(bits, 0, len(bits), source, nan_low, infinity, keys)
    width = np.uint64(keys.shape[1])
    _trees_narrow(keys.ravel(), width, len(bits), nodes, first, leaf, output, None, out)


@compiled()
def _few_wide(bits, source, nan_low, infinity, nodes, first, leaf, output, out):
    """The same by nodes of 16 bytes."""
    keys = np.empty((len(bits), max(1, len(source))), bits.dtype)
    fill_rows(bits, 0, len(bits), source, nan_low, infinity, keys)
    width = np.uint64(keys.shape[1])
    _trees_wide(keys.ravel(), width, len(bits), nodes, first, leaf, output, None, None, None, out)
