"""Forests on a card, in Triton: perfect trees, bitvectors of at most 64 leaves, linked nodes.

The layouts are those of the CPU, put on the card. Rows are first made ranks among the thresholds of
each column, 32 rows of a column side by side; no kernel behind that sees a float of a row, a NaN or
a code. One program adds the leaves of its rows tree by tree: the order of summation, and so every
bit, is that of the plain walk, and nothing is added atomically. Of few rows, which would leave most
of a card idle, each program finds the leaves in one tree, and others add them in order.

What fixes the speed on a card (the numbers below) is reasoned, not measured: `python -m benchmarks
sweep` tries others on a card.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import triton
from torch import Tensor

from ..forest_cpu import Shape, are_regular, bitvector, few_rows_layout, linking
from ..forest_cpu.coded import are_short
from ..forest_cpu.packing import Canonical, canonical, first_nan, measure, shape_of
from ..forest_cpu.perfect import placed
from .programs import add_bitvectors, add_found, add_walks, fill_classes, fill_ranks
from .ranks import BLOCK, Ranks, ranked

ROWS = 128  # of a program: one for each of its threads
TREES = 4  # walked side by side
SPLITS = 4  # of a bitvector asked side by side
COLUMNS = 16  # of a program that makes ranks
OUTPUTS = 16  # at most so many are added by one program: they are kept in registers
FEW = 64  # programs, up to which rows are few: cards have as many multiprocessors, or twice that
MOST_FOUND = 1 << 24  # rows times trees, of which the leaves are kept
AT_ONCE = 16  # leaves read before they are added
# Of every launch: no product is fused with a sum. Triton 3.9 warns where that is not said.
LAUNCH: dict[str, Any] = {"enable_fp_fusion": False}
MOST_KEYS = 1 << 26  # at a time, so that the keys of many rows do not fill the card


class CardForest:
    """A forest on one device; called with rows there it gives the sums of their leaves."""

    def __init__(self, forest: Canonical, shape: Shape, device: torch.device):
        self.device = device
        self.layout = choose(shape)
        self._infinity = int(first_nan(forest.key)[0])
        forest, begin, end = _by_output(forest)
        forest, ranks = ranked(forest)
        self._begin, self._end = self._put(begin), self._put(end)
        self._n_outputs = forest.n_outputs
        self._source, self._nan_low = self._put(forest.source), self._put(forest.nan_low)
        self._first, self._table = self._put(ranks.first), self._put(ranks.table)
        self._steps, self._key = ranks.steps, ranks.dtype
        self._coded = None if forest.coded is None else _Columns(*map(self._put, forest.coded))
        self._n_columns = len(forest.source) + (0 if self._coded is None else self._coded.n)
        self._vector = forest.value.ndim == 2
        self._dtype = self._put(forest.value[:0]).dtype
        self._n_trees = len(forest.roots)
        self._ways: tuple[Tensor, Tensor, Tensor] | None = None
        if self._n_trees:
            if self.layout == "bitvector":
                arrays, leaf, self._constants = _bitvectors(forest, ranks)
            else:
                arrays, leaf, self._constants = _walks(self.layout, forest, ranks)
            words = self._begin if self._coded is None else self._coded.words
            self._arrays = [self._put(a) if isinstance(a, np.ndarray) else a for a in arrays]
            self._arrays.append(words)
            self._leaf = self._put(leaf)

    def _put(self, array: np.ndarray) -> Tensor:
        """On the device, unsigned integers as the signed ones of their bits."""
        if array.dtype.kind == "u":
            array = array.view(f"i{array.itemsize}")
        elif array.dtype == bool:
            array = array.view(np.int8)
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def __call__(self, x: Tensor) -> Tensor:
        shape = x.shape[0], self._n_outputs
        out = torch.zeros(shape, dtype=self._dtype, device=self.device)
        if not self._n_trees or not x.shape[0]:
            return out
        size = max(ROWS, MOST_KEYS // max(self._n_columns, 1) // ROWS * ROWS)
        # Triton launches on the current card, whichever that is.
        with torch.cuda.device(self.device) if self.device.type == "cuda" else nullcontext():
            for lo in range(0, x.shape[0], size):
                self._sum(self._keys(x[lo : lo + size]), out[lo : lo + size])
        return out

    def _keys(self, x: Tensor) -> Tensor:
        """Ranks and classes, (n_blocks, n_columns, BLOCK), of as many rows as programs have."""
        bits = x.view(torch.int32 if x.dtype == torch.float32 else torch.int64)
        n_rows, n_plain = x.shape[0], self._source.shape[0]
        n_programs = triton.cdiv(n_rows, ROWS)
        shape = n_programs * ROWS // BLOCK, self._n_columns, BLOCK
        keys = torch.empty(shape, dtype=self._key, device=self.device)
        steps = x.stride()
        groups = triton.cdiv(n_plain, COLUMNS)
        if groups:
            fill_ranks[(n_programs * groups,)](
                bits,
                *steps,
                n_rows,
                self._source,
                self._nan_low,
                self._first,
                self._table,
                self._steps,
                n_plain,
                keys,
                self._n_columns,
                groups,
                INFINITY=self._infinity,
                TOP=(1 << (8 * bits.itemsize - 1)) - 1,
                SHIFT=8 * bits.itemsize - 1,
                ROWS=ROWS,
                COLUMNS=COLUMNS,
                BLOCK=BLOCK,
                **LAUNCH,
            )
        if self._coded is not None:
            coded = self._coded
            fill_classes[(n_programs * coded.n,)](
                x,
                *steps,
                n_rows,
                coded.source,
                coded.size,
                coded.first,
                coded.table,
                n_plain,
                keys,
                self._n_columns,
                coded.n,
                ROWS=ROWS,
                BLOCK=BLOCK,
                **LAUNCH,
            )
        return keys

    def _sum(self, keys: Tensor, out: Tensor) -> None:
        n_rows, n_groups = len(out), len(self._begin)
        vector = {"VECTOR": self._vector, "OUTPUTS": 1}
        if self._vector:
            vector["OUTPUTS"] = _outputs(self._n_outputs)
        n_programs = triton.cdiv(n_rows, ROWS) * n_groups
        alone = self._n_trees <= (1 if self._vector else n_groups)
        if n_programs > FEW or alone or n_rows * self._n_trees > MOST_FOUND:
            self._walk(keys, self._begin, self._end, self._leaf, out, vector)
            return
        first, last, place = self._one_by_one()
        shape = n_rows, self._n_trees
        found = torch.empty(shape, dtype=place.dtype, device=self.device)
        self._walk(keys, first, last, place, found, {"VECTOR": False, "OUTPUTS": 1})
        add_found[(n_programs,)](
            found,
            n_rows,
            self._n_trees,
            self._begin,
            self._end,
            self._leaf,
            out,
            self._n_outputs,
            n_groups,
            ROWS=ROWS,
            AT_ONCE=AT_ONCE,
            **vector,
            **LAUNCH,
        )

    def _walk(
        self, keys: Tensor, begin: Tensor, end: Tensor, leaf: Tensor, out: Tensor, how: Any
    ) -> None:
        """Have each program add up what its rows' leaves say in the trees of its group."""
        n_rows, n_groups = len(out), len(begin)
        constants = self._constants | how
        kernel: Any = add_bitvectors
        if self.layout != "bitvector":
            kernel = add_walks
            constants["TREES"] = TREES if self._n_trees >= TREES * n_groups else 1
        kernel[(triton.cdiv(n_rows, ROWS) * n_groups,)](
            keys,
            self._n_columns,
            n_rows,
            begin,
            end,
            *self._arrays,
            leaf,
            out,
            out.shape[1],
            n_groups,
            ROWS=ROWS,
            BLOCK=BLOCK,
            **constants,
            **LAUNCH,
        )

    def _one_by_one(self) -> tuple[Tensor, Tensor, Tensor]:
        """A group for each tree, from where to where, and for each leaf where it is."""
        if self._ways is None:
            trees, n_leaves = np.arange(self._n_trees + 1), len(self._leaf.view(-1))
            n_leaves //= self._n_outputs if self._vector else 1
            places = np.arange(n_leaves, dtype=np.int32 if n_leaves < 2**31 else np.int64)
            self._ways = self._put(trees[:-1]), self._put(trees[1:]), self._put(places)
        return self._ways


def check(device: torch.device) -> None:
    """Run a small forest; RuntimeError where it does not answer as it should."""
    threshold = np.array([0.5, 0, 0], np.float32)
    feature, children = np.array([0, -1, -1]), np.array([[1, 2], [0, 0], [0, 0]])
    value, roots = np.array([[0.0], [1.0], [2.0]]), np.array([0])
    missing_left = np.array([True, False, False])
    left, right = children.T
    forest = canonical(feature, threshold, left, right, missing_left, value, roots)
    x = torch.tensor([[0.5], [1.0], [float("nan")]], device=device)
    answer = CardForest(forest, Shape(**shape_of(forest)), device)(x).tolist()
    if answer != [[1.0], [2.0], [1.0]]:
        raise RuntimeError(f"a forest was answered with {answer}")


class _Columns:
    """`Coded` on the device."""

    def __init__(
        self, source: Tensor, size: Tensor, first: Tensor, table: Tensor, _: Any, words: Tensor
    ):
        self.n = len(source)
        self.source, self.size, self.first, self.table = source, size, first, table
        self.words = words


def choose(shape: Shape) -> str:
    """perfect for regular trees, bitvector for others of at most 64 leaves, else linked nodes."""
    if are_regular(shape) and not shape.n_coded:
        return "perfect"
    # Its narrow nodes have thresholds alone.
    walked = few_rows_layout(replace(shape, alone=False), np.dtype(np.int32))
    return "bitvector" if shape.most_leaves <= 64 else walked


def _bitvectors(forest: Canonical, ranks: Ranks) -> tuple[list[Any], np.ndarray, Any]:
    """What `add_bitvectors` is called with: arrays, leaves and constants."""
    packed = bitvector.pack(forest)
    begin = packed.first.astype(np.int64)
    n_splits: np.ndarray = begin[1:] - begin[:-1]
    padded = -(-n_splits // SPLITS) * SPLITS
    first = np.concatenate([[0], np.cumsum(padded)])
    place = np.arange(len(packed.mask)) + np.repeat(first[:-1] - begin[:-1], n_splits)
    # Splits that are only there to fill up strike out no leaf.
    words = ranks.words(packed.column, packed.threshold)
    node = np.zeros(first[-1], words.dtype)
    mask = np.full(first[-1], ~packed.mask.dtype.type(0))
    node[place], mask[place] = words, packed.mask
    paired = mask.itemsize == node.itemsize == 4
    if paired:
        node = node.view(np.uint32) | mask.astype(np.uint64) << np.uint64(32)
    arrays = [first, node, mask]
    if packed.coded is not None:
        # Their columns come after those with thresholds.
        column = packed.coded.column.astype(np.int64) + len(forest.source)
        at = packed.coded.at.astype(np.int64)
        arrays += [packed.coded.first, column, at, packed.coded.mask]
    else:
        arrays += [first, *arrays]  # in their places, where nothing reads them
    constants = {"WIDTH": packed.leaf.shape[1], "SPLITS": SPLITS, "SHIFT": ranks.shift}
    constants |= {"PAIRED": paired, "CODED": packed.coded is not None}
    return arrays, packed.leaf, constants


def _walks(layout: str, forest: Canonical, ranks: Ranks) -> tuple[list[Any], np.ndarray, Any]:
    """What `add_walks` is called with: arrays, leaves and constants."""
    constants = {"LAYOUT": layout, "SHIFT": ranks.shift, "SETS": "none"}
    if layout == "perfect":
        words = ranks.words(forest.column, forest.threshold)
        node, leaf = placed(forest, words, ranks.last, 0)
        leaf = leaf.reshape(-1, *forest.value.shape[1:])
        n_trees, n_leaves = node.shape
        first = np.arange(n_trees) * n_leaves
        depth = np.full(n_trees, n_leaves.bit_length() - 1, np.int32)
        return [first, depth, node, n_leaves, len(forest.source)], leaf, constants
    walked = linking.pack_narrow(forest) if layout == "narrow" else linking.pack_wide(forest, True)
    depth = measure(forest.column, forest.left, forest.right, forest.roots)[1].astype(np.int32)
    if forest.coded is not None:
        constants["SETS"] = "short" if are_short(forest.coded) else "long"
    return [walked.first, depth, walked.node, 0, len(forest.source)], walked.leaf, constants


def _outputs(n: int) -> int:
    return min(OUTPUTS, triton.next_power_of_2(n))


def _by_output(forest: Canonical) -> tuple[Canonical, np.ndarray, np.ndarray]:
    """The trees of an output side by side, in their order, and where those of a program are.

    A program has one output where each tree adds to one alone, and else up to `OUTPUTS` of them,
    to which all trees add.
    """
    n_trees = len(forest.roots)
    if forest.value.ndim == 2:
        n_groups = -(-forest.n_outputs // _outputs(forest.n_outputs))
        return forest, np.zeros(n_groups, np.int64), np.full(n_groups, n_trees, np.int64)
    order = np.argsort(forest.output, kind="stable")
    forest = forest._replace(roots=forest.roots[order], output=forest.output[order])
    outputs = np.arange(forest.n_outputs)
    begin, end = (np.searchsorted(forest.output, outputs, side) for side in ("left", "right"))
    return forest, begin.astype(np.int64), end.astype(np.int64)
