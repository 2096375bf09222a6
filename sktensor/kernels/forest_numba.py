"""The forest kernels for CPUs: serial Numba, which gives the GIL away and is cached on disk.

Rows are shared out over threads by the caller, which runs blocks of rows.
"""

import numba
import numpy as np
import torch
from torch import Tensor


def forest(
    x: Tensor,
    feature: Tensor,
    threshold: Tensor,
    left: Tensor,
    right: Tensor,
    missing_left: Tensor,
    value: Tensor,
    roots: Tensor,
) -> Tensor:
    out = torch.zeros((len(x), value.shape[1]), dtype=value.dtype)
    arrays = (x, feature, threshold, left, right, missing_left, value, roots, out)
    _sum(*(a.numpy() for a in arrays))
    return out


def leaves(
    x: Tensor,
    feature: Tensor,
    threshold: Tensor,
    left: Tensor,
    right: Tensor,
    missing_left: Tensor,
    roots: Tensor,
) -> Tensor:
    out = torch.empty((len(x), len(roots)), dtype=torch.int64)
    arrays = (x, feature, threshold, left, right, missing_left, roots, out)
    _walk(*(a.numpy() for a in arrays))
    return out


@numba.njit(cache=True, nogil=True)
def _sum(x, feature, threshold, left, right, missing_left, value, roots, out):
    """`out[row] += value[leaf]`, tree by tree."""
    n_outputs = value.shape[1]
    for root in roots:
        for row in range(len(x)):
            node = root
            while feature[node] >= 0:
                seen = x[row, feature[node]]
                goes_left = missing_left[node] if np.isnan(seen) else seen <= threshold[node]
                node = left[node] if goes_left else right[node]
            for j in range(n_outputs):
                out[row, j] += value[node, j]


@numba.njit(cache=True, nogil=True)
def _walk(x, feature, threshold, left, right, missing_left, roots, out):
    """`out[row, tree]` is the node the row ends in."""
    for row in range(len(x)):
        for tree in range(len(roots)):
            node = roots[tree]
            while feature[node] >= 0:
                seen = x[row, feature[node]]
                goes_left = missing_left[node] if np.isnan(seen) else seen <= threshold[node]
                node = left[node] if goes_left else right[node]
            out[row, tree] = node
