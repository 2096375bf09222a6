"""Thresholds as their ranks among those of a column, and columns of rows as ranks among them.

Of the n distinct thresholds of a column, t_0 < ... < t_(n-1), a value x is above as many as its
rank says, so that x > t_i is rank(x) > i. Ranks take 16 bits where keys take 32 or 64, and a node
becomes one word: the rank of its threshold over the place of its column in a block of rows. A rank
is above that in a word just where it is above the word once shifted as far, whatever lies below.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

from ..forest_cpu.packing import Canonical

BLOCK = 32  # of rows whose ranks lie together: those of the threads that go in step
# Bits of a rank, and of the place below it, in words of 32 bits or of 64; the sign is in neither.
SIZES = ((15, 16), (18, 13), (31, 32))


class Ranks(NamedTuple):
    """The distinct thresholds of each column, in which a value's rank is looked up."""

    first: np.ndarray  # (n_columns + 1,) int64, where those of a column begin
    table: np.ndarray  # keys, ascending in each column
    bits: int  # of a rank, and
    shift: int  # of the place below it, as `SIZES` has them

    @property
    def dtype(self) -> torch.dtype:
        """Of a row's ranks."""
        return torch.int16 if self.bits < 16 else torch.int32

    @property
    def last(self) -> np.generic:
        """The word that no rank is above."""
        return self._word.type(((1 << self.bits) - 1) << self.shift)

    @property
    def steps(self) -> int:
        """Steps of a binary search in the longest column."""
        return int(np.diff(self.first).max(initial=0)).bit_length()

    def words(self, column: np.ndarray, rank: np.ndarray) -> np.ndarray:
        """`rank << shift | column * BLOCK`, in 32 bits or in 64."""
        return (rank.astype(self._word) << self.shift) | (column.astype(self._word) * BLOCK)

    @property
    def _word(self) -> np.dtype[Any]:
        return np.dtype(np.int64 if self.bits + self.shift > 31 else np.int32)


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
    fits = ((b, c) for b, c in short if most < 1 << b and n_columns * BLOCK <= 1 << c)
    ranks = Ranks(first, threshold[new], *next(fits, longest))
    return forest._replace(threshold=tests, key=np.dtype(np.int32)), ranks
