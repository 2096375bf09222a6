"""Thresholds as ranks on cards: how many there may be, and words of each size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sktensor.kernels import PackedForest, forest_torch

from .test_forest_cuda import DEVICE, INTERPRET, assert_kernels_agree, forest_cuda
from .test_layouts import codes_that_bite, made_forest, rows_that_bite, with_sets

pytestmark = [pytest.mark.cuda] if DEVICE.type == "cuda" else []
ranks = forest_cuda.ranks


@pytest.fixture(autouse=True)
def _interpreted(monkeypatch):
    for name, value in INTERPRET.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("sizes", [ranks.SIZES[1:], ranks.SIZES[2:]])
@pytest.mark.parametrize("n_codes", [0, 5, 200])
@pytest.mark.parametrize("depth", [4, 7])
def test_ranks_of_many_thresholds(depth, n_codes, sizes, monkeypatch):
    monkeypatch.setattr(ranks, "SIZES", sizes)
    arrays = made_forest(3, 6, depth, 0.1, 2, False, np.float64, np.float64)
    rows, sets = rows_that_bite(arrays, 150, 3), ()
    if n_codes:
        arrays, sets = with_sets(arrays, 3, n_codes, 2)
        rows = codes_that_bite(rows, 3, n_codes, 2)
    assert_kernels_agree(arrays, rows, sets)


@pytest.mark.parametrize(("n_splits", "bits"), [(2**15 - 1, 15), (2**15, 18)])
def test_as_many_thresholds_as_16_bits_tell_apart(n_splits, bits):
    """One tree that halves a column with a threshold after each of its nodes."""
    arrays = halving_tree(np.arange(n_splits, dtype=np.float32))
    threshold = np.sort(arrays[1][:n_splits])
    assert ranks.ranked(PackedForest(*arrays)._forest)[1].bits == bits
    at = np.concatenate([threshold[:20], threshold[-20:], threshold[:: n_splits // 40]])
    inf = np.float32(np.inf)
    ends = np.array([inf, -inf, np.nan], np.float32)
    rows = np.concatenate([at, np.nextafter(at, inf), np.nextafter(at, -inf), ends])[:, None]
    assert_kernels_agree(arrays, rows)


@pytest.mark.parametrize(("n_columns", "bits"), [(2048, 15), (2049, 31)])
def test_as_many_columns_as_16_bits_tell_apart(n_columns, bits):
    """A tree of one split for each column; the last have the places that take all of the bits."""
    arrays = made_forest(3, n_columns, 1, 0.0, 1, False, np.float32, np.float64, n_columns)
    split = arrays[0] >= 0
    feature = np.where(split, np.cumsum(split) - 1, -1)
    arrays = (feature, *arrays[1:])
    forest = PackedForest(*arrays)
    assert ranks.ranked(forest._forest)[1].bits == bits
    rows = torch.from_numpy(rows_that_bite(arrays, 40, 3, n_columns))
    expected = forest_torch.forest(rows, *map(torch.from_numpy, arrays))
    assert torch.equal(forest.on(DEVICE)(rows.to(DEVICE)).cpu(), expected)


def halving_tree(threshold):
    """A tree of one column whose nodes halve what is left of its thresholds."""
    n = len(threshold)
    left, right, order = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    parts, free = [(0, n, None, 0)], 0
    leaves = iter(range(n, 2 * n + 1))
    while parts:
        lo, hi, side, parent = parts.pop()
        if lo == hi:
            node = next(leaves)
        else:
            middle = (lo + hi) // 2
            node, free = free, free + 1
            order[node] = middle
            parts += [(lo, middle, left, node), (middle + 1, hi, right, node)]
        if side is not None:
            side[parent] = node
    stay = np.arange(n, 2 * n + 1)
    return (
        np.concatenate([np.zeros(n, np.int64), np.full(n + 1, -1)]),
        np.concatenate([threshold[order], np.zeros(n + 1, threshold.dtype)]),
        np.concatenate([left, stay]),
        np.concatenate([right, stay]),
        np.zeros(2 * n + 1, bool),
        np.arange(2 * n + 1.0)[:, None],
        np.array([0]),
    )
