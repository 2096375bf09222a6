"""Thresholds as their ranks among those of a column, and columns of rows as ranks among them.

Of the n distinct thresholds of a column, t_0 < ... < t_(n-1), a value x is above as many as its
rank says, so that x > t_i is rank(x) > i. Ranks take 16 bits where keys take 32 or 64, and a node
becomes one word: its column over the rank of its threshold.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..forest_cpu.packing import Canonical

# Bits of a rank under its column in a word: of 32 bits, of which the sign is none, or of 64.
SIZES = (15, 20, 32)
WORD_BITS = 31


class Ranks(NamedTuple):
    """The distinct thresholds of each column, in which a value's rank is looked up."""

    first: np.ndarray  # (n_columns + 1,) int64, where those of a column begin
    table: np.ndarray  # keys, ascending in each column
    bits: int  # of a rank, one of `SIZES`: of the first, rows of ranks are int16, else int32

    @property
    def steps(self) -> int:
        """Steps of a binary search in the longest column."""
        return int(np.diff(self.first).max(initial=0)).bit_length()


def ranked(forest: Canonical) -> tuple[Canonical, Ranks]:
    """The forest compared in ranks of int32, and what they are ranks among."""
    n_plain = len(forest.source)
    nodes = np.flatnonzero((forest.column >= 0) & (forest.column < n_plain))
    column, threshold = forest.column[nodes], forest.threshold[nodes]
    order = np.lexsort((threshold, column))
    column, threshold = column[order], threshold[order]
    new = np.ones(len(order), bool)
    new[1:] = (column[1:] != column[:-1]) | (threshold[1:] != threshold[:-1])
    first = np.searchsorted(column[new], np.arange(n_plain + 1)).astype(np.int64)
    tests = forest.threshold.astype(np.int32)  # of categorical splits, where their sets begin
    tests[nodes[order]] = np.cumsum(new) - 1 - first[column]
    most, n_columns = int(np.diff(first).max(initial=0)), n_plain
    if forest.coded is not None:
        # Classes lie beside ranks.
        most = max(most, int(forest.coded.table.max(initial=0)))
        n_columns += len(forest.coded.source)
    *short, longest = SIZES
    fits = (b for b in short if most < 1 << b and n_columns <= 1 << (WORD_BITS - b))
    ranks = Ranks(first, threshold[new], next(fits, longest))
    return forest._replace(threshold=tests, key=np.dtype(np.int32)), ranks


def node_words(column: np.ndarray, rank: np.ndarray, bits: int) -> np.ndarray:
    """`column << bits | rank`, in 32 bits, or in 64 where ranks may take 32."""
    word = np.int64 if bits > WORD_BITS else np.int32
    return np.maximum(column, 0).astype(word) << word(bits) | rank.astype(word)


def last_rank(bits: int) -> int:
    """The rank that no value is above."""
    return (1 << min(bits, WORD_BITS)) - 1
