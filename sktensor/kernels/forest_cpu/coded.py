"""Columns of codes made ready for every layout: relabelled, so that a set is a few bits.

Codes that no set of a column tells apart are one class, and so may be NaN, and all that is no
code. A row's class is read from a table once; a split then tests one bit of the word, or of one
of the words, of its set.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..jit import compiled


class Coded(NamedTuple):
    """The columns that categorical splits read, and the sets of classes they go left for."""

    source: np.ndarray  # (n_coded,) int64, the feature that each column is made of
    size: np.ndarray  # (n_coded,) int64, codes that are looked up
    first: np.ndarray  # (n_coded,) int64, where its classes begin in `table`
    table: np.ndarray  # uint32, each column's classes: of its codes, of what is none, of NaN
    n_words: np.ndarray  # (n_coded,) int64, words a set of the column has
    words: np.ndarray  # uint32, sets of classes, a class as one bit


def coded_columns(
    feature: np.ndarray,
    missing_left: np.ndarray,
    categorical: np.ndarray,
    begin: np.ndarray,
    size: np.ndarray,
    words: np.ndarray,
) -> tuple[Coded, np.ndarray, np.ndarray]:
    """The columns, and for each categorical split its column and where its set's words begin."""
    splits = np.flatnonzero(categorical)
    source, which = np.unique(feature[splits], return_inverse=True)
    words = words.view(np.uint32)
    sizes, tables, n_words, sets = [], [], [], []
    at = np.zeros(len(splits), np.int64)
    begun = 0
    for j in range(len(source)):
        here = np.flatnonzero(which == j)
        nodes = splits[here]
        n_codes = 32 * int(size[nodes].max())
        left = missing_left[nodes].astype(np.bool_)
        label = _classes(begin[nodes], size[nodes], words, left, n_codes)
        found, classes = np.unique(label, return_inverse=True)
        classes = classes.astype(np.uint32)
        packed = np.zeros((len(nodes), (len(found) + 31) // 32), np.uint32)
        _pack(begin[nodes], size[nodes], words, left, classes, packed)
        distinct, position = np.unique(packed, axis=0, return_inverse=True)
        at[here] = begun + position.ravel() * packed.shape[1]
        begun += distinct.size
        sizes.append(n_codes)
        tables.append(classes)
        n_words.append(packed.shape[1])
        sets.append(distinct.ravel())
    first = np.concatenate([[0], np.cumsum([len(t) for t in tables])])[:-1]
    return (
        Coded(
            source.astype(np.int64),
            np.array(sizes, np.int64),
            first.astype(np.int64),
            np.concatenate(tables),
            np.array(n_words, np.int64),
            np.concatenate(sets),
        ),
        which,
        at,
    )


@compiled()
def _classes(begin, size, words, missing_left, n_codes):
    """The same number for codes that are in the same sets; then of what is none, and of NaN."""
    n_members = 0
    for k in range(len(begin)):
        for w in range(begin[k], begin[k] + size[k]):
            word = words[w]
            while word:
                word &= word - np.uint32(1)
                n_members += 1
        n_members += missing_left[k]
    label = np.zeros(n_codes + 2, np.int64)
    # Of a class, the members of a set become a new one, at most one for each member.
    split_by = np.full(n_members + 1, -1, np.int64)
    new = np.zeros(n_members + 1, np.int64)
    n = 1
    for k in range(len(begin)):
        for code in range(32 * size[k] + 1):
            if code == 32 * size[k]:
                member, code = missing_left[k], n_codes + 1
            else:
                word = words[begin[k] + (code >> 5)]
                member = (word >> np.uint32(code & 31)) & np.uint32(1) == 1
            if member:
                old = label[code]
                if split_by[old] != k:
                    split_by[old] = k
                    new[old] = n
                    n += 1
                label[code] = new[old]
    return label


@compiled()
def _pack(begin, size, words, missing_left, classes, out):
    """The sets of codes as sets of classes."""
    one = np.uint32(1)
    for k in range(len(begin)):
        for code in range(32 * size[k]):
            word = words[begin[k] + (code >> 5)]
            if (word >> np.uint32(code & 31)) & one:
                c = classes[code]
                out[k, c >> np.uint32(5)] |= one << (c & np.uint32(31))
        if missing_left[k]:
            c = classes[len(classes) - 1]
            out[k, c >> np.uint32(5)] |= one << (c & np.uint32(31))


def are_short(coded: Coded) -> bool:
    """Whether every set has at most two words, and fits into a node."""
    return bool(coded.n_words.max() <= 2)


def short_sets(coded: Coded, which: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Sets of at most two words as one of 64 bits."""
    words = np.append(coded.words, np.uint32(0)).astype(np.uint64)
    high = np.where(coded.n_words[which] == 2, words[at + 1], np.uint64(0))
    return (words[at] | high << np.uint64(32)).view(np.int64)


@compiled()
def classes_alone(column, test, n_plain, n_words, words):
    """The class that each categorical node goes left for, -1 for none; -2 where it is for several.

    `test` says where the words of a node's set begin. Of other nodes it is what they have there.
    """
    alone = test.astype(np.int64)
    for node in range(len(column)):
        j = column[node] - n_plain
        if j < 0:
            continue
        found = -1
        for w in range(n_words[j]):
            word = words[test[node] + w]
            if word:
                several = found >= 0 or word & (word - np.uint32(1))
                bit = 0
                while not (word >> np.uint32(bit)) & np.uint32(1):
                    bit += 1
                found = -2 if several else 32 * w + bit
                if several:
                    break
        alone[node] = found
    return alone


@compiled()
def class_of(value, column, coded):
    """The class of one value of a column: of `trunc(value)` where that is a code."""
    size, first = coded.size[column], coded.first[column]
    if value > -1 and value < size:
        return coded.table[first + np.int64(value)]
    return coded.table[first + size + (value != value)]


@compiled()
def fill_classes(rows, lo, hi, coded, first, keys):
    """`keys[row, first + column]` is the class of the value of rows `lo` to `hi`."""
    for r in range(lo, hi):
        for c in range(len(coded.source)):
            keys[r - lo, first + c] = class_of(rows[r, coded.source[c]], c, coded)
