"""Every layout of a forest on the CPU against the plain walk in torch, on made forests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sktensor.kernels import PackedForest, forest_numba, forest_torch
from sktensor.kernels.forest_cpu import Shape, choose, lines, linked, packing, perfect
from sktensor.kernels.forest_cpu.bitvector import MOST_LEAVES
from sktensor.kernels.forest_cpu.pieces import in_pieces

N_FEATURES = 5
BITES = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, 1e-45, -1e-45, 3e38]


def made_forest(
    seed, n_trees, depth, ragged, n_outputs, one_each, dtype, value_dtype, n_features=N_FEATURES
):
    """Arrays of a `Forest` op: trees of random splits at floats that bite."""
    rng = np.random.default_rng(seed)
    nodes = []

    def grow(tree, level):
        at = len(nodes)
        nodes.append(None)
        value = rng.normal(size=n_outputs)
        if one_each:
            value[np.arange(n_outputs) != tree % n_outputs] = 0.0
        if level == depth or rng.random() < ragged:
            nodes[at] = (-1, 0.0, at, at, False, value)
        else:
            test = (int(rng.integers(n_features)), rng.choice([*BITES, *rng.normal(size=9)]))
            left = grow(tree, level + 1)
            right = grow(tree, level + 1)
            nodes[at] = (*test, left, right, bool(rng.random() < 0.5), value)
        return at

    roots = [grow(tree, 0) for tree in range(n_trees)]
    columns = list(zip(*nodes, strict=True)) if nodes else [[]] * 6
    return (
        np.array(columns[0], np.int64),
        np.array(columns[1], dtype),
        np.array(columns[2], np.int64),
        np.array(columns[3], np.int64),
        np.array(columns[4], bool),
        np.array(columns[5], value_dtype).reshape(len(nodes), n_outputs),
        np.array(roots, np.int64),
    )


def rows_that_bite(arrays, n_rows, seed, n_features=N_FEATURES):
    """Thresholds and their neighbours, NaN, infinities, zeros of both signs, denormals."""
    rng = np.random.default_rng(seed)
    threshold = arrays[1]
    pool = np.concatenate([threshold, np.array([*BITES, np.nan], threshold.dtype)])
    above, below = (np.nextafter(pool, pool.dtype.type(end)) for end in (np.inf, -np.inf))
    rows = rng.choice(np.concatenate([pool, above, below]), (n_rows, n_features))
    rows[0, np.isnan(rows[0])] = 0.0  # with many columns there may be no such row otherwise
    return rows


def with_sets(arrays, seed, n_codes, n_categorical, alone=False):
    """The forest with the splits of its first columns made categorical, and their sets.

    With `alone`, each set is of one code or none, as tests of indicators are.
    """
    rng = np.random.default_rng(seed)
    categorical = (arrays[0] >= 0) & (arrays[0] < n_categorical)
    size = np.where(categorical, rng.integers(1, n_codes // 32 + 2, len(arrays[0])), 0)
    begin = np.where(categorical, np.cumsum(size) - size, 0)
    words = rng.integers(0, 2**32, size.sum() + 1, dtype=np.uint32)
    words &= rng.choice(np.array([0, 1, 0xF0, 2**31, 2**32 - 1], np.uint32), len(words))
    missing_left = arrays[4]
    if alone:
        words[:] = 0
        last = (begin + size - 1)[categorical & (rng.random(len(size)) < 0.9)]
        words[last] = np.uint32(1) << rng.integers(0, 32, len(last), dtype=np.uint32)
        missing_left = missing_left & ~categorical
    arrays = (*arrays[:4], missing_left, *arrays[5:])
    threshold = np.where(categorical, 0, arrays[1]).astype(arrays[1].dtype)
    sets = (begin.astype(np.int64), size.astype(np.int64), words.view(np.int32))
    return (arrays[0], threshold, *arrays[2:]), sets


def codes_that_bite(rows, seed, n_codes, n_categorical):
    """Codes in the first columns: also fractions, negatives, far too large ones, NaN."""
    rng = np.random.default_rng(seed)
    odd = [-0.0, -0.5, -1.0, -2.0, 0.5, 2.999, n_codes + 40.0, 2.0**31, -(2.0**31)]
    odd += [2.0**33, 1e30, np.inf, -np.inf, np.nan]
    pool = np.concatenate([np.tile(np.arange(n_codes + 1.0), 2), odd]).astype(rows.dtype)
    pool = np.concatenate([pool, np.nextafter(pool, rows.dtype.type(-1))])
    rows = rows.copy()
    rows[:, :n_categorical] = rng.choice(pool, (len(rows), n_categorical))
    return rows


def assert_layouts_agree(arrays, rows, sets=()):
    tensors = [torch.from_numpy(a) for a in (rows, *arrays)]
    torch_sets = [torch.from_numpy(a) for a in sets]
    expected = forest_torch.forest(*tensors, torch_sets).numpy()
    np.testing.assert_array_equal(forest_numba.forest(*tensors, torch_sets).numpy(), expected)
    without_values = [*tensors[:-2], tensors[-1], torch_sets]
    np.testing.assert_array_equal(
        forest_numba.leaves(*without_values).numpy(), forest_torch.leaves(*without_values).numpy()
    )
    packed = PackedForest(*arrays, *sets)
    layouts = {packed.layout, "wide"}
    coded = packed.shape.n_coded > 0
    if rows.dtype == np.float32 and (packed.shape.alone or not coded):
        layouts.add("narrow")
    if rows.dtype == np.float32 and not coded and packed.shape.most_depth <= 8:
        layouts.add("perfect")
    if packed.shape.most_depth <= MOST_LEAVES - 2 and packed.shape.most_leaves <= 500:
        layouts.add("bitvector")  # of pieces where trees have more leaves
    for layout in layouts:
        packed.layout = layout
        for n in (len(rows), 1, 3, 17, 50):
            answer = packed(torch.from_numpy(rows[:n])).numpy()
            assert answer.dtype == expected.dtype
            np.testing.assert_array_equal(answer, expected[:n], err_msg=layout)
    if "perfect" in layouts and packed.shape.n_trees:
        answer = np.zeros_like(expected)
        perfect._sums(packing.bits_of(rows), *packed._packed("perfect"), True, answer)
        np.testing.assert_array_equal(answer, expected, err_msg="perfect trees that are far away")
        assert_nan_may_come_late(packed, rows, expected)


def assert_nan_may_come_late(packed, rows, expected):
    """Perfect trees read fewer columns until there is a NaN, be it in the third block."""
    plain = ~np.isnan(rows).any(axis=1)
    many = np.flatnonzero(plain)[np.arange(2 * perfect.BLOCK + 5) % plain.sum()]
    which = np.concatenate([many, np.arange(len(rows)), many[:7]])
    packed.layout = "perfect"
    answer = packed(torch.from_numpy(rows[which])).numpy()
    np.testing.assert_array_equal(answer, expected[which], err_msg="rows without NaN, then some")


MADE = {
    "seed": st.integers(0, 2**31),
    "n_trees": st.integers(0, 11),
    "depth": st.integers(0, 8),
    "ragged": st.sampled_from([0.0, 0.1, 0.4]),
    "n_outputs": st.sampled_from([1, 2, 3, 12, 13, 40]),
    "one_each": st.booleans(),
    "dtype": st.sampled_from([np.float32, np.float64]),
    "value_dtype": st.sampled_from([np.float32, np.float64]),
}
MADE_WITH_SETS = {
    "seed": st.integers(0, 2**31),
    "depth": st.integers(0, 8),
    "n_outputs": st.sampled_from([1, 2, 13]),
    "n_codes": st.sampled_from([1, 5, 31, 32, 33, 64, 200]),
    "n_categorical": st.integers(1, N_FEATURES),
    "dtype": st.sampled_from([np.float32, np.float64]),
    "alone": st.booleans(),
}


@settings(max_examples=120, deadline=None)
@given(**MADE)
def test_made_forests(seed, n_trees, depth, ragged, n_outputs, one_each, dtype, value_dtype):
    arrays = made_forest(seed, n_trees, depth, ragged, n_outputs, one_each, dtype, value_dtype)
    assert_layouts_agree(arrays, rows_that_bite(arrays, 150, seed))


@settings(max_examples=120, deadline=None)
@given(**MADE_WITH_SETS)
def test_made_forests_with_categorical_splits(
    seed, depth, n_outputs, n_codes, n_categorical, dtype, alone
):
    arrays = made_forest(seed, 7, depth, 0.1, n_outputs, False, dtype, np.float64)
    arrays, sets = with_sets(arrays, seed, n_codes, n_categorical, alone)
    rows = codes_that_bite(rows_that_bite(arrays, 150, seed), seed, n_codes, n_categorical)
    categorical = bool(sets[1].any())
    assert PackedForest(*arrays, *sets).shape.alone >= (alone and categorical)
    assert_layouts_agree(arrays, rows, sets)


@pytest.mark.parametrize("depth", [4, 5, 6])
@pytest.mark.parametrize(
    ("n_outputs", "one_each"), [(1, False), (2, False), (3, True), (9, False), (14, False)]
)
@pytest.mark.parametrize("value_dtype", [np.float32, np.float64])
def test_more_trees_than_go_down_together(depth, n_outputs, one_each, value_dtype):
    made = (2 * lines.TREES + 3, depth, 0.05, n_outputs, one_each, np.float32, value_dtype)
    arrays = made_forest(depth, *made)
    assert_layouts_agree(arrays, rows_that_bite(arrays, 60, depth))
    long_leaves = n_outputs * np.dtype(value_dtype).itemsize * 8 > lines.MOST_BESIDE
    packed = PackedForest(*arrays)._packed("lines")
    beside = np.shares_memory(packed.leaf, packed.node)
    assert beside == (one_each or not long_leaves)


@settings(max_examples=40, deadline=None)
@given(**{**MADE, "n_trees": st.integers(1, 2), "depth": st.integers(5, 8)})
def test_a_tree_or_two_over_many_columns(
    seed, n_trees, depth, ragged, n_outputs, one_each, dtype, value_dtype
):
    many = 60
    made = (n_trees, depth, ragged / 4, n_outputs, one_each, dtype, value_dtype)
    arrays = made_forest(seed, *made, n_features=many)
    rows = rows_that_bite(arrays, 150, seed, many)
    packed = PackedForest(*arrays)
    if dtype == np.float32 and packed.shape.n_columns >= n_trees * linked.COLUMNS_A_TREE:
        assert packed.layout == "narrow"
    assert_layouts_agree(arrays, rows)


def test_a_tree_over_the_columns_of_real_rows_is_walked_over_them():
    arrays = made_forest(5, 2, 7, 0.0, 1, False, np.float32, np.float64, n_features=60)
    packed = PackedForest(*arrays)
    assert packed.shape.n_columns >= 2 * linked.COLUMNS_A_TREE
    assert packed.layout == "narrow"


def test_no_kernel_reads_or_writes_outside_its_arrays(tmp_path):
    # Numba's own check of every index, which kernels do without; a wrong one need not crash.
    env = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "tests.checked_kernels"]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, env=env, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_codes_that_no_set_tells_apart_are_one_class():
    arrays = made_forest(2, 5, 3, 0.0, 1, False, np.float32, np.float64)
    arrays, (begin, size, words) = with_sets(arrays, 2, 3000, 1)
    words[:] = 0
    words[begin[size > 0]] = 0b10
    coded = packing.canonical(*arrays, begin, size, words).coded
    assert set(coded.n_words) == {1}
    assert len(np.unique(coded.table)) <= 3
    rows = codes_that_bite(rows_that_bite(arrays, 100, 2), 2, 3000, 1)
    assert_layouts_agree(arrays, rows, (begin, size, words))


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    depth=st.integers(0, 12),
    ragged=st.sampled_from([0.0, 0.2, 0.4]),
    most=st.sampled_from([16, 64]),
)
def test_pieces_have_few_leaves_and_the_sum_of_their_tree(seed, depth, ragged, most):
    arrays = made_forest(seed, 4, depth, ragged, 2, False, np.float32, np.float64)
    forest = packing.canonical(*arrays)
    pieces = in_pieces(forest, most)
    assert packing.shape_of(pieces)["most_leaves"] <= most
    few = packing.shape_of(forest)["most_leaves"] <= most
    assert len(pieces.roots) == len(forest.roots) if few else len(pieces.roots) > len(forest.roots)
    # Every leaf that is worth something is in one piece.
    worth = np.concatenate([_values_under(pieces, root) for root in pieces.roots])
    all_ = np.concatenate([_values_under(forest, root) for root in forest.roots])
    np.testing.assert_array_equal(np.sort(worth[worth != 0]), np.sort(all_[all_ != 0]))


def _values_under(forest, root):
    found, todo = [], [root]
    while todo:
        node = todo.pop()
        if forest.column[node] >= 0:
            todo += [forest.left[node], forest.right[node]]
        else:
            found.append(forest.value[node].ravel()[0])
    return np.array(found)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_deep_ragged_trees(dtype):
    arrays = made_forest(3, 9, 40, 0.35, 2, False, dtype, np.float64)
    assert_layouts_agree(arrays, rows_that_bite(arrays, 4500, 3))


def test_a_forest_of_a_hundred_thousand_columns_reads_the_few_it_needs():
    arrays = made_forest(1, 5, 4, 0.1, 1, False, np.float32, np.float64)
    feature = np.where(arrays[0] >= 0, arrays[0] * 20_000, -1)
    rows = np.zeros((40, 100_000), np.float32)
    rows[:, ::20_000] = rows_that_bite(arrays, 40, 1)
    assert_layouts_agree((feature, *arrays[1:]), rows)


@pytest.mark.parametrize(
    ("shape", "bits", "layout"),
    [
        (Shape(500, 30_500, 31, 17, 61, 28), 32, "bitvector"),
        (Shape(500, 30_500, 31, 17, 61, 28), 64, "bitvector"),
        (Shape(500, 47_812, 64, 6, 127, 28), 32, "perfect"),
        (Shape(500, 47_812, 64, 6, 127, 28), 64, "bitvector"),
        (Shape(500, 47_812, 64, 20, 127, 28), 32, "bitvector"),
        (Shape(1000, 908_370, 700, 10, 1399, 28), 32, "perfect"),
        (Shape(100, 2_434_584, 13_000, 35, 26_000, 28), 32, "narrow"),
        (Shape(100, 2_434_584, 13_000, 35, 26_000, 28), 64, "wide"),
        (Shape(100, 2_434_584, 13_000, 35, 26_000, 5_000), 32, "wide"),
        (Shape(1, 5_000_000, 2_500_000, 60, 5_000_000, 28), 32, "wide"),
        (Shape(0, 0, 1, 0, 1, 0), 32, "bitvector"),
        (Shape(2, 60, 16, 4, 30, 28), 32, "narrow"),
        (Shape(2, 60, 16, 4, 30, 28), 64, "bitvector"),
        (Shape(500, 30_500, 64, 17, 127, 28, 5), 32, "bitvector"),
        (Shape(500, 47_812, 65, 7, 129, 28, 5, 2), 32, "wide"),
        (Shape(200, 50_600, 127, 18, 253, 36, 10, 1), 64, "bitvector"),
        (Shape(200, 70_600, 161, 18, 321, 36, 10, 1), 64, "wide"),
        (Shape(200, 50_600, 127, 41, 253, 36, 10, 1), 64, "wide"),
        (Shape(200, 500_000, 1_250, 41, 2_500, 36, 10, 4), 32, "wide"),
        (Shape(200, 500_000, 1_250, 41, 2_500, 36, 10, 4, True), 32, "narrow"),
        (Shape(200, 500_000, 1_250, 41, 2_500, 2_040, 10, 4, True), 32, "wide"),
        (Shape(200, 500_000, 1_250, 41, 2_500, 36, 10, 4, True), 64, "wide"),
        (Shape(1, 2_500, 1_250, 41, 2_500, 36, 10, 4), 32, "wide"),
    ],
)
def test_the_layout_follows_from_the_shape(shape, bits, layout):
    assert choose(shape, np.dtype(f"int{bits}")) == layout


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=2, max_size=2))
def test_keys_order_as_floats_do(pair):
    a, b = np.array(pair, np.float32)
    key_a, key_b = packing.keys_of(np.array([a, b], np.float32))
    assert (key_a <= key_b) == (a <= b)


def test_a_packed_deep_forest_is_at_most_half_of_scikit_learns_nodes():
    arrays = made_forest(5, 20, 30, 0.3, 1, False, np.float32, np.float64)
    packed = PackedForest(*arrays)
    packed(torch.from_numpy(rows_that_bite(arrays, 40, 5)))
    assert packed.layout == "narrow"
    assert packed.nbytes <= 32 * len(arrays[0])
