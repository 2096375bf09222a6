"""Regular trees made perfect: the top five levels as bitvectors, then a walk without pointers.

Node i has the children 2 i and 2 i + 1; a leaf above the lowest level becomes a chain of nodes
that send every row left. A node is one 64-bit word, column over threshold, so that a step is one
load, one compare and `i = 2 i + (x > t)`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..jit import compiled
from .bits import trailing_zeros
from .packing import Canonical, fill_tile, first_nan

TILE = 64  # rows compared at once
BLOCK = 1024  # rows that a tree is kept in the L1 cache for
TOP = 5  # levels by bitvector
FEW_OUTPUTS = 8  # so many are added one after the other, more of them row by row


class Perfect(NamedTuple):
    source: np.ndarray
    nan_low: np.ndarray
    infinity: np.ndarray
    node: np.ndarray  # (n_trees, 2 ** depth) uint64, from 1
    leaf: np.ndarray  # (n_trees, 2 ** depth[, n_outputs])
    output: np.ndarray  # (n_trees,) uint32
    masks: np.ndarray  # (32,) uint32, 0 for every leaf of five levels under the left child


def pack(forest: Canonical) -> Perfect:
    """The layout of a forest of regular trees compared in 32 bits."""
    depth = max(TOP, _depth(forest.column, forest.left, forest.right, forest.roots))
    n_leaves = 1 << depth
    node = np.full((len(forest.roots), n_leaves), np.iinfo(np.int32).max, np.uint64)
    leaf = np.zeros((len(forest.roots), n_leaves, *forest.value.shape[1:]), forest.value.dtype)
    _place(
        forest.column,
        forest.threshold,
        forest.left,
        forest.right,
        forest.roots,
        forest.value.reshape(len(forest.value), -1),
        node,
        leaf.reshape(*leaf.shape[:2], -1),
    )
    return Perfect(
        forest.source,
        forest.nan_low,
        first_nan(forest.key),
        node,
        leaf,
        forest.output.astype(np.uint32),
        _masks(),
    )


def _masks() -> np.ndarray:
    """For node i of the top levels, ones but for the leaves under its left child."""
    masks = np.full(1 << TOP, 0xFFFFFFFF, np.uint32)
    for i in range(1, 1 << TOP):
        level = i.bit_length() - 1
        span = 1 << (TOP - level - 1)
        begin = (i - (1 << level)) * 2 * span
        masks[i] ^= np.uint32(((1 << span) - 1) << begin)
    return masks


@compiled()
def _depth(column, left, right, roots):
    """The depth of the deepest tree."""
    deepest = 0
    stack = np.empty((len(column) + 1, 2), np.int64)
    for root in roots:
        stack[0, 0], stack[0, 1] = root, 0
        top = 1
        while top:
            top -= 1
            node, depth = stack[top, 0], stack[top, 1]
            if column[node] < 0:
                deepest = max(deepest, depth)
            else:
                stack[top, 0], stack[top, 1] = right[node], depth + 1
                stack[top + 1, 0], stack[top + 1, 1] = left[node], depth + 1
                top += 2
    return deepest


@compiled()
def _place(column, threshold, left, right, roots, value, out, leaf):
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
                low = np.uint64(np.uint32(threshold[node]))
                out[t, at] = (np.uint64(column[node]) << np.uint64(32)) | low
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


def run(bits: np.ndarray, packed: Perfect, out: np.ndarray) -> None:
    """Add to `out` what every row's leaves hold."""
    kernel = _sum_scalars if packed.leaf.ndim == 2 else _sum_vectors
    kernel(bits, *packed, out)


@compiled(boundscheck=False)
def _leaves_of(tile, nodes, masks, steps, alive, at):
    """`at[row]` becomes the node that each row of the tile ends in."""
    everyone = np.uint32(0xFFFFFFFF)
    alive[:] = everyone
    for k in range(1, 1 << TOP):
        w = nodes[k]
        seen, limit, left_struck = tile[w >> np.uint64(32)], np.int32(np.uint32(w)), masks[k]
        for r in range(TILE):
            alive[r] &= left_struck if seen[r] > limit else everyone
    for r in range(TILE):
        at[r] = np.uint32(1 << TOP) + trailing_zeros(alive[r])
    for _ in range(steps):
        for r in range(TILE):
            w = nodes[at[r]]
            right = tile[w >> np.uint64(32), np.uint32(r)] > np.int32(np.uint32(w))
            at[r] = np.uint32(2) * at[r] + np.uint32(right)


@compiled(boundscheck=False)
def _sum_scalars(bits, source, nan_low, infinity, node, leaf, output, masks, out):
    """`out[row, output[tree]] += leaf[tree, leaf of row]`, tree by tree."""
    n_outputs = out.shape[1]
    n_leaves = np.uint32(leaf.shape[1])
    steps = 0
    while (1 << (steps + TOP)) < leaf.shape[1]:
        steps += 1
    tiles = np.zeros((BLOCK // TILE, len(source), TILE), np.int32)
    totals = np.zeros((BLOCK // TILE, n_outputs, TILE), out.dtype)
    alive, at = np.empty(TILE, np.uint32), np.empty(TILE, np.uint32)
    for start in range(0, len(bits), BLOCK):
        stop = min(start + BLOCK, len(bits))
        n_tiles = (stop - start + TILE - 1) // TILE
        totals[:] = 0
        for b in range(n_tiles):
            lo = start + b * TILE
            fill_tile(bits, lo, min(lo + TILE, stop), source, nan_low, infinity, tiles[b])
        for t in range(len(leaf)):
            nodes, values = node[t], leaf[t]
            for b in range(n_tiles):
                _leaves_of(tiles[b], nodes, masks, steps, alive, at)
                sums = totals[b, output[t]]
                for r in range(TILE):
                    sums[r] += values[at[r] - n_leaves]
        for r in range(stop - start):
            for j in range(n_outputs):
                out[start + r, j] = totals[r // TILE, j, r % TILE]


@compiled(boundscheck=False)
def _sum_vectors(bits, source, nan_low, infinity, node, leaf, output, masks, out):
    """`out[row] += leaf[tree, leaf of row]`, tree by tree."""
    n_outputs = np.uint32(out.shape[1])
    n_leaves = np.uint32(leaf.shape[1])
    steps = 0
    while (1 << (steps + TOP)) < leaf.shape[1]:
        steps += 1
    tiles = np.zeros((BLOCK // TILE, len(source), TILE), np.int32)
    totals = np.zeros((BLOCK // TILE, n_outputs, TILE), out.dtype)
    alive, at = np.empty(TILE, np.uint32), np.empty(TILE, np.uint32)
    for start in range(0, len(bits), BLOCK):
        stop = min(start + BLOCK, len(bits))
        n_tiles = (stop - start + TILE - 1) // TILE
        totals[:] = 0
        for b in range(n_tiles):
            lo = start + b * TILE
            fill_tile(bits, lo, min(lo + TILE, stop), source, nan_low, infinity, tiles[b])
        for t in range(len(leaf)):
            nodes, values = node[t], leaf[t].reshape(-1)
            for b in range(n_tiles):
                _leaves_of(tiles[b], nodes, masks, steps, alive, at)
                sums = totals[b]
                if n_outputs <= FEW_OUTPUTS:
                    for j in range(n_outputs):
                        for r in range(TILE):
                            sums[j, r] += values[(at[r] - n_leaves) * n_outputs + np.uint32(j)]
                else:
                    for r in range(TILE):
                        begin = (at[r] - n_leaves) * n_outputs
                        for j in range(n_outputs):
                            sums[j, r] += values[begin + np.uint32(j)]
        for r in range(stop - start):
            for j in range(n_outputs):
                out[start + r, j] = totals[r // TILE, j, r % TILE]
