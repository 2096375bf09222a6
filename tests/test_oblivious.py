"""Forests of which all nodes of a level test the same, against the plain walk, on made ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sktensor.kernels import PackedForest, forest_torch
from sktensor.kernels.forest_cpu import Shape, choose, oblivious, packing

from .test_layouts import BITES, N_FEATURES, assert_layouts_agree, rows_that_bite


def made_oblivious(seed, depths, n_outputs, one_each, value_dtype=np.float64, thresholds=9):
    """Arrays of a `Forest` op: trees of those depths, at floats that bite; nodes in no order."""
    rng = np.random.default_rng(seed)
    pool = np.concatenate([BITES, rng.normal(size=thresholds)]).astype(np.float32)
    parts, start, roots = [], 0, []
    for tree, depth in enumerate(depths):
        n_splits, n = (1 << depth) - 1, (2 << depth) - 1
        place = np.append(0, 1 + rng.permutation(n - 1))
        level = [int(i + 1).bit_length() - 1 for i in range(n_splits)]
        tests = [
            (rng.integers(N_FEATURES), rng.choice(pool), rng.random() < 0.5) for _ in range(depth)
        ]
        feature, threshold, missing_left = (
            np.full(n, -1),
            np.zeros(n, np.float32),
            np.zeros(n, bool),
        )
        left, right = np.full(n, -1), np.full(n, -1)
        for i in range(n_splits):
            at = place[i]
            feature[at], threshold[at], missing_left[at] = tests[level[i]]
            left[at], right[at] = start + place[2 * i + 1], start + place[2 * i + 2]
        value = rng.normal(size=(n, n_outputs))
        if one_each:
            value[:, np.arange(n_outputs) != tree % n_outputs] = 0.0
        parts.append((feature, threshold, left, right, missing_left, value))
        roots.append(start)
        start += n
    joined = [np.concatenate(column) for column in zip(*parts)]
    joined[5] = joined[5].astype(value_dtype)
    return (*joined, np.array(roots, np.int64))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    depths=st.lists(st.integers(0, 9), min_size=1, max_size=11),
    n_outputs=st.sampled_from([1, 2, 3, 13]),
    one_each=st.booleans(),
    value_dtype=st.sampled_from([np.float32, np.float64]),
)
def test_made_forests(seed, depths, n_outputs, one_each, value_dtype):
    arrays = made_oblivious(seed, depths, n_outputs, one_each, value_dtype)
    packed = PackedForest(*arrays)
    assert packed.shape.oblivious
    many = packed.shape.n_columns and len(depths) * 12 > packed.shape.n_columns
    if max(depths) > 1 and many:
        assert packed.layout in ("oblivious", "narrow")
    assert_layouts_agree(arrays, rows_that_bite(arrays, 150, seed, N_FEATURES))


@pytest.mark.parametrize("depths", [(8,) * 9, (9, 2, 11, 0, 5, 5, 5, 5), (3, 1)])
@pytest.mark.parametrize("thresholds", [9, 5000])
@pytest.mark.parametrize(("n_outputs", "one_each"), [(1, False), (3, True), (2, False)])
def test_more_rows_than_a_tile(depths, thresholds, n_outputs, one_each):
    arrays = made_oblivious(1, depths * 40, n_outputs, one_each, thresholds=thresholds)
    packed = PackedForest(*arrays)
    assert packed.layout == "oblivious"
    found = packed._packed("oblivious")
    are_many = thresholds == 5000 and depths == (8,) * 9
    assert (np.diff(found.begin).max() > oblivious.MOST_RANKS) == are_many
    assert found.rank.dtype == (np.uint16 if are_many or max(depths) > 8 else np.uint8)
    rows = rows_that_bite(arrays, 2 * oblivious.TILE + 67, 1)
    plain = forest_torch.forest(*(torch.from_numpy(a) for a in (rows, *arrays))).numpy()
    for n in (1, 15, 16, 17, 31, 33, oblivious.TILE, oblivious.TILE + 1, len(rows)):
        np.testing.assert_array_equal(packed(torch.from_numpy(rows[:n])).numpy(), plain[:n])


@pytest.mark.parametrize("at", [1, 2, 5])
@pytest.mark.parametrize("part", [0, 1, 4])
def test_a_node_that_tests_something_else_is_seen(at, part):
    arrays = [a.copy() for a in made_oblivious(3, (1, 4, 4), 1, False)]
    assert PackedForest(*arrays).shape.oblivious
    node = np.flatnonzero(arrays[0] >= 0)[at + 1]
    arrays[part][node] = {0: (arrays[0][node] + 1) % N_FEATURES, 1: 0.123, 4: ~arrays[4][node]}[
        part
    ]
    assert not PackedForest(*arrays).shape.oblivious
    assert_layouts_agree(arrays, rows_that_bite(arrays, 150, 3))


def test_only_trees_with_as_many_leaves_as_levels_allow_are_looked_at():
    arrays = made_oblivious(4, (2, 2), 1, False)
    forest = packing.canonical(*arrays)
    tests, leaves = packing.levels(forest)
    assert [len(t) for t in tests] == [2, 2]
    assert [len(some) for some in leaves] == [4, 4]


@pytest.mark.parametrize(
    ("shape", "bits", "layout"),
    [
        (Shape(500, 63_500, 64, 6, 127, 28, oblivious=True), 32, "oblivious"),
        (Shape(500, 63_500, 64, 6, 127, 28, oblivious=True), 64, "bitvector"),
        (Shape(500, 1_500, 2, 1, 3, 28, oblivious=True), 32, "bitvector"),
        (Shape(1, 127, 64, 6, 127, 6, oblivious=True), 32, "oblivious"),
    ],
)
def test_the_layout_follows_from_the_shape(shape, bits, layout):
    assert choose(shape, np.dtype(f"int{bits}")) == layout
