"""The forest kernels for CPUs: serial Numba, which gives the GIL away and is cached on disk.

Rows are shared out over threads by the caller, which runs blocks of rows.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .jit import compiled


def forest(
    x: Tensor,
    feature: Tensor,
    threshold: Tensor,
    left: Tensor,
    right: Tensor,
    missing_left: Tensor,
    value: Tensor,
    roots: Tensor,
    sets: Sequence[Tensor] = (),
) -> Tensor:
    out = torch.zeros((len(x), value.shape[1]), dtype=value.dtype, device="cpu")
    arrays = (x, feature, threshold, left, right, missing_left, value, roots, out)
    _sum(*(*(a.numpy() for a in arrays), _arrays(sets)))
    return out


def leaves(
    x: Tensor,
    feature: Tensor,
    threshold: Tensor,
    left: Tensor,
    right: Tensor,
    missing_left: Tensor,
    roots: Tensor,
    sets: Sequence[Tensor] = (),
) -> Tensor:
    out = torch.empty((len(x), len(roots)), dtype=torch.int64, device="cpu")
    arrays = (x, feature, threshold, left, right, missing_left, roots, out)
    _walk(*(*(a.numpy() for a in arrays), _arrays(sets)))
    return out


def _arrays(sets: Sequence[Tensor]) -> tuple[np.ndarray, ...] | None:
    """None where there are none, for which Numba compiles functions without them."""
    return tuple(s.numpy() for s in sets) if sets else None


@compiled()
def _goes_left(seen, node, threshold, missing_left, sets):
    """Whether a value goes left at a node: by its threshold, or its set."""
    if np.isnan(seen):
        return missing_left[node]
    if sets is None:
        return seen <= threshold[node]
    begin, size, words = sets
    if size[node] == 0:
        return seen <= threshold[node]
    if not (seen > -1 and seen < 32 * size[node]):
        return False
    code = np.int64(seen)
    return (words[begin[node] + (code >> 5)] >> (code & 31)) & 1 == 1


@compiled()
def _sum(x, feature, threshold, left, right, missing_left, value, roots, out, sets):
    """`out[row] += value[leaf]`, tree by tree."""
    n_outputs = value.shape[1]
    for root in roots:
        for row in range(len(x)):
            node = root
            while feature[node] >= 0:
                seen = x[row, feature[node]]
                goes_left = _goes_left(seen, node, threshold, missing_left, sets)
                node = left[node] if goes_left else right[node]
            for j in range(n_outputs):
                out[row, j] += value[node, j]


@compiled()
def _walk(x, feature, threshold, left, right, missing_left, roots, out, sets):
    """`out[row, tree]` is the node the row ends in."""
    for row in range(len(x)):
        for tree in range(len(roots)):
            node = roots[tree]
            while feature[node] >= 0:
                seen = x[row, feature[node]]
                goes_left = _goes_left(seen, node, threshold, missing_left, sets)
                node = left[node] if goes_left else right[node]
            out[row, tree] = node
