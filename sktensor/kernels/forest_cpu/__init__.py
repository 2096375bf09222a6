"""Forests on the CPU: how one lies in memory, and the kernel that reads it there.

The layout follows from the forest's shape, by the rule in `choose`; docs/decisions has the
measurements behind it. All kernels are serial Numba that gives the GIL away and is cached on
disk; blocks of rows are shared out over threads by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import bitvector, lines, linked, linking, oblivious, packing, perfect

# Below so many rows a row at a time is faster than the layout's tiles of 64 or groups of 8.
FEW_ROWS = {"bitvector": 7, "oblivious": 16, "perfect": 40, "narrow": 7, "wide": 7}
FEW_ROWS_OF_PIECES = 24
MOST_PERFECT_DEPTH = 12
# Leaves and levels of trees with short sets that are faster as bitvectors of pieces than walked.
MOST_IN_PIECES, MOST_DEPTH_IN_PIECES = 160, 40
MOST_PADDING = 4  # nodes of perfect trees for one node there is


@dataclass(frozen=True)
class Shape:
    """What the choice of a layout looks at."""

    n_trees: int
    n_nodes: int
    most_leaves: int
    most_depth: int
    most_nodes: int
    n_columns: int
    n_coded: int = 0  # columns that categorical splits read
    set_words: int = 0  # most words of 32 that a set of theirs has
    alone: bool = False  # whether each set is of one class, or none
    oblivious: bool = False  # whether all nodes of a level of a tree test the same


def choose(shape: Shape, key: np.dtype) -> str:
    """The layout for a forest of this shape whose comparisons are of this integer type.

    oblivious
        Trees of two levels and more of which all nodes of a level test the same: each level is one
        test, which vectorises, and the leaf is the number that their results make.
    bitvector
        Trees of at most 32 leaves, or of 64 that are not regular: every split is evaluated, which
        vectorises, and no node is waited for.
    perfect
        Regular trees of up to 4,096 leaves compared in 32 bits: the top four levels as bitvectors,
        then a walk that computes where the children are.
    narrow, wide
        All others: a walk over linked nodes of 8 bytes, or of 16 where 8 do not hold them.

    A tree or two over many columns are walked in narrow nodes whatever their shape, since no keys
    are made but of what is read.

    Categorical splits are known to bitvectors and to wide nodes, and to narrow ones where each is
    for one class, as tests of indicators are; where a word holds every set, trees of up to 160
    leaves are cut into pieces of 64 for bitvectors.
    """
    if not shape.n_coded and linked.reads_little(shape.n_trees, shape.n_columns):
        found = few_rows_layout(shape, key)
        if found == "narrow":
            return found
    if shape.oblivious and shape.most_depth > 1 and key.itemsize == 4:
        return "oblivious"
    if shape.most_leaves <= (64 if shape.n_coded else 32):
        return "bitvector"
    if shape.n_coded:
        in_pieces = shape.most_leaves <= MOST_IN_PIECES and shape.most_depth <= MOST_DEPTH_IN_PIECES
        if in_pieces and shape.set_words == 1:
            return "bitvector"
        return few_rows_layout(shape, key)
    if key.itemsize == 4 and are_regular(shape):
        return "perfect"
    if shape.most_leaves <= 64:
        return "bitvector"
    return few_rows_layout(shape, key)


def are_regular(shape: Shape) -> bool:
    """Whether the trees made perfect have few nodes that were not there."""
    depth = shape.most_depth
    return (
        depth <= MOST_PERFECT_DEPTH and shape.n_trees * (2 << depth) <= MOST_PADDING * shape.n_nodes
    )


def few_rows_layout(shape: Shape, key: np.dtype) -> str:
    """The layout for a handful of rows where trees are not perfect: linked, trees side by side."""
    n_columns = shape.n_columns + shape.n_coded
    small = n_columns <= linking.MOST_COLUMNS and shape.most_nodes <= linking.MOST_NODES
    one_class = shape.alone or not shape.n_coded
    return "narrow" if small and key.itemsize == 4 and one_class else "wide"


class PackedForest:
    """A forest in the layout of its kernel; called with rows it gives the sums of their leaves."""

    def __init__(self, *arrays: np.ndarray):
        self._forest = packing.canonical(*arrays)
        self.shape = Shape(**packing.shape_of(self._forest))
        self.layout = choose(self.shape, self._forest.key)
        self._layouts: dict[str, Any] = {}

    def __call__(self, x: Tensor) -> Tensor:
        return torch.from_numpy(self.sums(x.contiguous().numpy()))

    def sums(self, x: np.ndarray) -> np.ndarray:
        """The sums of the leaves of rows of floats, (n, n_outputs)."""
        # Numba compiles a kernel anew for arrays that are not to be written into.
        x = np.ascontiguousarray(x) if x.flags.writeable else x.copy()
        rows = packing.bits_of(x)
        out = np.zeros((len(rows), self._forest.n_outputs), self._forest.value.dtype)
        if not self.shape.n_trees or not len(rows):
            return out
        few = len(rows) <= self._few_rows
        if few:
            layout = self._few_rows_layout
            _FEW.get(layout, linked.few)(rows, self._packed(layout), out)
        elif self.layout == "perfect":
            done = perfect.run(rows, self._packed("perfect, no NaN"), out)
            if done < len(rows):
                perfect.run(rows[done:], self._packed("perfect"), out[done:])
        else:
            _RUN[self.layout](rows, self._packed(self.layout), out)
        return out

    def _packed(self, layout: str) -> Any:
        """The forest in a layout, packed at its first use."""
        packed = self._layouts.get(layout)
        if packed is None:
            of: Any = self._packed("perfect") if layout == "lines" else self._forest
            packed = self._layouts[layout] = _PACK[layout](of)
        return packed

    @property
    def _few_rows_layout(self) -> str:
        if self.layout == "perfect":
            return "lines"
        if self.layout == "oblivious":
            return "oblivious"
        return few_rows_layout(self.shape, self._forest.key)

    @property
    def _few_rows(self) -> int:
        if self.layout == "bitvector" and self.shape.most_leaves > bitvector.MOST_LEAVES:
            return FEW_ROWS_OF_PIECES
        return FEW_ROWS[self.layout]

    @property
    def nbytes(self) -> int:
        """Bytes of the layouts packed so far."""
        return sum(map(_nbytes, self._layouts.values()))


def _nbytes(packed: Any) -> int:
    """Bytes of an array, or of the arrays in a tuple."""
    if isinstance(packed, tuple):
        return sum(map(_nbytes, packed))
    return packed.nbytes if isinstance(packed, np.ndarray) else 0


_PACK: dict[str, Any] = {
    "bitvector": bitvector.pack,
    "oblivious": oblivious.pack,
    "perfect": perfect.pack,
    "perfect, no NaN": partial(perfect.pack, takes_nan=False),
    "lines": lines.pack,
    "narrow": linking.pack_narrow,
    "wide": linking.pack_wide,
}
_FEW: dict[str, Any] = {"lines": lines.run, "oblivious": oblivious.few}
_RUN: dict[str, Any] = {
    "bitvector": bitvector.run,
    "oblivious": oblivious.run,
    "narrow": linked.run,
    "wide": linked.run,
}
