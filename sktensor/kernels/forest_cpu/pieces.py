"""Trees cut into pieces of few leaves, whose sum is the tree's.

A piece has the tree's splits on the way to some subtree and below it; every other way ends in a
leaf that is worth 0. So a row ends in a leaf of its own in one piece alone, and 0 is added for the
others, which changes no sum that starts at 0.0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jit import compiled


def in_pieces(forest: Any, most: int) -> Any:
    """The same `Canonical` forest, of trees of at most `most` leaves.

    No tree may be deeper than `most - 2`, so that two leaves and the way to them always fit.
    """
    column, threshold, left, right, roots, tree = _cut(
        forest.column, forest.threshold, forest.left, forest.right, forest.roots, most
    )
    new = len(column) - len(forest.value)
    nothing = np.zeros((new, *forest.value.shape[1:]), forest.value.dtype)
    return forest._replace(
        column=column,
        threshold=threshold,
        left=left,
        right=right,
        roots=roots,
        value=np.concatenate([forest.value, nothing]),
        output=forest.output[tree],
    )


@compiled()
def _longer(array, fill):
    """The array with as much again behind it."""
    return np.concatenate((array, np.full_like(array, fill)))


@compiled()
def _cut(column, threshold, left, right, roots, most):
    """The nodes of all pieces, their roots, and the tree that each is of.

    While too much of a tree is left, the largest subtree that makes a piece with the splits above
    it becomes one, and is taken off.
    """
    nothing = len(column)
    n = nothing + 1
    column, threshold = _longer(column, -1), _longer(threshold, 0)
    left, right = _longer(left, -1), _longer(right, -1)
    parent, depth, size = np.zeros(n, np.int64), np.zeros(n, np.int64), np.ones(n, np.int64)
    order, stack = np.zeros(n, np.int64), np.zeros(n, np.int64)
    piece, tree, n_pieces = np.zeros(n, np.int64), np.zeros(n, np.int64), 0
    for t in range(len(roots)):
        while True:
            stack[0], top, m = roots[t], 1, 0
            parent[roots[t]], depth[roots[t]] = -1, 0
            while top:
                top -= 1
                node = stack[top]
                order[m] = node
                m += 1
                if column[node] >= 0:
                    for child in (left[node], right[node]):
                        if child != nothing:
                            parent[child], depth[child] = node, depth[node] + 1
                            stack[top] = child
                            top += 1
            best = -1
            for k in range(m - 1, -1, -1):
                node = order[k]
                if column[node] >= 0:
                    size[node] = size[left[node]] + size[right[node]]
                fits = k > 0 and size[node] + depth[node] <= most
                if fits and (best < 0 or size[node] > size[best]):
                    best = node
            if size[roots[t]] <= most:
                break
            child, below, node = best, best, parent[best]
            while node >= 0:
                if n == len(column):
                    column, threshold = _longer(column, -1), _longer(threshold, 0)
                    left, right = _longer(left, -1), _longer(right, -1)
                column[n], threshold[n] = column[node], threshold[node]
                left[n] = child if left[node] == below else nothing
                right[n] = child if right[node] == below else nothing
                child, below, node = n, node, parent[node]
                n += 1
            piece[n_pieces], tree[n_pieces] = child, t
            n_pieces += 1
            above = parent[best]
            if left[above] == best:
                left[above] = nothing
            else:
                right[above] = nothing
        piece[n_pieces], tree[n_pieces] = roots[t], t
        n_pieces += 1
    nodes = column[:n].copy(), threshold[:n].copy(), left[:n].copy(), right[:n].copy()
    return (*nodes, piece[:n_pieces].copy(), tree[:n_pieces].copy())
