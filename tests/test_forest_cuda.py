"""The forest kernels in Triton against the plain walk in torch, bit for bit.

On a machine without a card Triton's interpreter runs them on the CPU, and its compiler makes the
code of cards that are not there.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from sktensor import TensorAccelerated
from sktensor.estimator import _ENGINES
from sktensor.kernels import PackedForest, PackedLeaves, forest_torch, packed
from sktensor.kernels.forest_cpu import Shape
from sktensor.program import Program

from .support import assert_same, fitted_quietly
from .test_layouts import (
    MADE,
    MADE_WITH_SETS,
    codes_that_bite,
    made_forest,
    rows_that_bite,
    with_sets,
)

# The test extra has Triton just where there are releases of it; missing there is an error.
if find_spec("triton") is None and (sys.platform, platform.machine()) != ("linux", "x86_64"):
    pytest.skip("Triton has no release for this platform", allow_module_level=True)

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
pytestmark = [pytest.mark.cuda] if DEVICE.type == "cuda" else []
INTERPRET = {"TRITON_INTERPRET": "1"} if DEVICE.type == "cpu" else {}
# Read where functions in Triton are defined, and again when the first of them is called.
with pytest.MonkeyPatch.context() as _patch:
    for _name, _value in INTERPRET.items():
        _patch.setenv(_name, _value)
    from sktensor.kernels import forest_cuda

RULE = forest_cuda.choose


@pytest.fixture(autouse=True, scope="module")
def _interpreted():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in INTERPRET.items():
            patch.setenv(name, value)
        yield


def assert_kernels_agree(arrays, rows, sets=()):
    """Every layout that holds the forest gives the very bits of the plain walk."""
    tensors = [torch.from_numpy(a) for a in (rows, *arrays)]
    expected = forest_torch.forest(*tensors, [torch.from_numpy(a) for a in sets]).numpy()
    forest = PackedForest(*arrays, *sets)
    layouts = {RULE(forest.shape), "wide"}
    if not forest.shape.n_coded:
        layouts.add("narrow")
        if forest.shape.most_depth <= 8:
            layouts.add("perfect")
    if forest.shape.most_leaves <= 64:
        layouts.add("bitvector")
    for layout in layouts:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(forest_cuda, "choose", lambda *_, layout=layout: layout)
            on_card = PackedForest(*arrays, *sets).on(DEVICE)
        assert on_card.layout == layout
        tall, none = tensors[0].T.contiguous().T, tensors[0][:0]
        # Of few rows, each program has one tree; of many it has all.
        for few, x in ((1, tensors[0]), (1, tensors[0][:1]), (0, tall), (1, none)):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(forest_cuda, "FEW", few * forest_cuda.FEW)
                answer = on_card(x.to(DEVICE)).cpu().numpy()
            assert answer.dtype == expected.dtype
            bits = f"i{answer.itemsize}"
            wanted = expected[: len(x)].view(bits)
            np.testing.assert_array_equal(answer.view(bits), wanted, err_msg=layout)
    *nodes, _, roots = tensors[1:]
    reached = forest_torch.leaves(tensors[0], *nodes, roots, [torch.from_numpy(a) for a in sets])
    leaves = PackedLeaves(*arrays[:-2], arrays[-1], *sets)
    for x in (tensors[0][:40], tensors[0][:0]):
        answer = leaves(x.to(DEVICE)).cpu().numpy()
        assert answer.dtype == np.int64
        np.testing.assert_array_equal(answer, reached[: len(x)].numpy())


@settings(max_examples=40, deadline=None)
@given(**{**MADE, "n_outputs": st.integers(1, 3)})
def test_made_forests(seed, n_trees, depth, ragged, n_outputs, one_each, dtype, value_dtype):
    arrays = made_forest(seed, n_trees, depth, ragged, n_outputs, one_each, dtype, value_dtype)
    assert_kernels_agree(arrays, rows_that_bite(arrays, 150, seed))


@settings(max_examples=40, deadline=None)
@given(**{**MADE_WITH_SETS, "n_outputs": st.integers(1, 2)})
def test_made_forests_with_categorical_splits(
    seed, depth, n_outputs, n_codes, n_categorical, dtype, alone
):
    arrays = made_forest(seed, 5, depth, 0.1, n_outputs, False, dtype, np.float64)
    arrays, sets = with_sets(arrays, seed, n_codes, n_categorical, alone)
    rows = codes_that_bite(rows_that_bite(arrays, 150, seed), seed, n_codes, n_categorical)
    assert_kernels_agree(arrays, rows, sets)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_deep_ragged_trees(dtype):
    arrays = made_forest(3, 4, 30, 0.35, 2, False, dtype, np.float64)
    assert_kernels_agree(arrays, rows_that_bite(arrays, 300, 3))


@pytest.mark.parametrize("n_outputs", [16, 17, 40])
def test_more_outputs_than_one_program_adds(n_outputs):
    arrays = made_forest(3, 4, 4, 0.1, n_outputs, False, np.float32, np.float64)
    assert_kernels_agree(arrays, rows_that_bite(arrays, 140, 3))


@pytest.mark.parametrize("n_codes", [0, 40])
def test_rows_in_several_blocks_of_keys(n_codes, monkeypatch):
    monkeypatch.setattr(forest_cuda, "MOST_KEYS", 1)
    arrays = made_forest(3, 4, 4, 0.1, 2, False, np.float32, np.float64)
    rows, sets = rows_that_bite(arrays, 300, 3), ()
    if n_codes:
        arrays, sets = with_sets(arrays, 3, n_codes, 2)
        rows = codes_that_bite(rows, 3, n_codes, 2)
    assert_kernels_agree(arrays, rows, sets)


def test_more_columns_than_one_program_makes_keys_of():
    arrays = made_forest(1, 8, 5, 0.0, 1, False, np.float32, np.float64)
    feature = np.where(arrays[0] >= 0, np.arange(len(arrays[0])) % 50, -1)
    rows = np.tile(rows_that_bite(arrays, 140, 1), 10)
    assert_kernels_agree((feature, *arrays[1:]), rows)


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        (Shape(500, 30_500, 31, 14, 61, 28), "bitvector"),
        (Shape(500, 30_500, 31, 14, 61, 28, 5), "bitvector"),
        (Shape(500, 47_812, 64, 6, 127, 28), "perfect"),
        (Shape(500, 47_812, 64, 6, 127, 28, 5), "bitvector"),
        (Shape(1000, 908_370, 700, 10, 1399, 28), "perfect"),
        (Shape(1000, 908_370, 700, 10, 1399, 28, 5), "wide"),
        (Shape(1000, 908_370, 700, 13, 1399, 28), "narrow"),
        (Shape(1000, 908_370, 700, 13, 1399, 2049), "wide"),
        (Shape(0, 0, 1, 0, 1, 0), "perfect"),
    ],
)
def test_the_layout_follows_from_the_shape(shape, layout):
    assert RULE(shape) == layout


RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 6)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 2] > 1)


def estimators():
    import lightgbm
    import xgboost

    yield RandomForestClassifier(8, random_state=0), "predict_proba", {"bitvector"}
    yield RandomForestRegressor(4, max_depth=5, random_state=0), "predict", {"perfect"}
    yield lightgbm.LGBMClassifier(n_estimators=5, verbose=-1), "predict_proba", {"bitvector"}
    yield lightgbm.LGBMRegressor(n_estimators=3, num_leaves=90, verbose=-1), "predict", None
    yield xgboost.XGBClassifier(n_estimators=5, max_depth=4), "predict_proba", {"perfect"}
    yield xgboost.XGBRegressor(n_estimators=4, max_depth=9), "predict", None


@pytest.mark.parametrize(
    ("estimator", "method", "layouts"),
    [pytest.param(*case, id=f"{type(case[0]).__name__}-{case[1]}") for case in estimators()],
)
def test_real_estimators(estimator, method, layouts, monkeypatch):
    seen = set()

    def sums(self, x):
        seen.add(self.on(DEVICE).layout)
        return self.on(DEVICE)(torch.tensor(x, device=DEVICE)).cpu().numpy()

    monkeypatch.setattr(PackedForest, "sums", sums)
    native = fitted_quietly(estimator, X, Y)
    fast = TensorAccelerated(native, device="cpu", fallback="raise")
    rows = X[:60].copy()
    if not isinstance(estimator, (RandomForestClassifier, RandomForestRegressor)):
        rows[::7, 1] = np.nan
    assert_same(getattr(fast, method)(rows), getattr(native, method)(rows))
    assert seen
    assert seen <= (layouts or {"bitvector", "perfect", "narrow"})


def sets_of_two_words():
    """A forest whose sets are of some fifty classes, which fit into a node; rows of every code."""
    arrays = made_forest(4, 3, 7, 0.0, 1, False, np.float32, np.float64)
    arrays, (begin, size, words) = with_sets(arrays, 4, 64, 2)
    size = np.where(size > 0, 2, 0)
    begin = np.where(size > 0, np.cumsum(size) - size, 0)
    words = np.random.default_rng(4).integers(0, 2**32, (size.sum() + 2) // 2 * 2, np.uint32)
    words[1::2] &= 0x3FFFF
    rows = rows_that_bite(arrays, 256, 4)
    rows[:, 0], rows[:, 1] = np.arange(256) % 64, np.arange(256) // 4
    return arrays, (begin, size, words.view(np.int32)), rows


def test_a_short_set_is_read_to_its_last_bit():
    arrays, sets, rows = sets_of_two_words()
    coded = PackedForest(*arrays, *sets)._forest.coded
    assert set(coded.n_words) == {2}  # so that bits beyond the 32nd are asked for
    assert_kernels_agree(arrays, rows, sets)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("depth", [5, 8])
def test_the_same_bits_every_time_however_rows_are_cut(dtype, depth, monkeypatch):
    arrays = made_forest(6, 12, depth, 0.1, 2, False, np.float32, dtype)
    rows = torch.from_numpy(rows_that_bite(arrays, 300, 6)).to(DEVICE)
    forest = PackedForest(*arrays).on(DEVICE)
    first = forest(rows)
    assert torch.equal(forest(rows), first)
    for n in (1, 7, 128, 299):
        parts = [forest(rows[lo : lo + n]) for lo in range(0, 300 if n > 1 else 9, n)]
        together = torch.cat(parts)
        assert torch.equal(together, first[: len(together)])
    monkeypatch.setattr(forest_cuda, "MOST_KEYS", 1)
    assert torch.equal(forest(rows), first)


def test_a_forest_is_put_on_a_device_once():
    forest = PackedForest(*made_forest(3, 4, 4, 0.1, 1, False, np.float32, np.float64))
    assert forest.on(DEVICE) is forest.on(DEVICE)


def test_the_check_before_the_first_forest():
    forest_cuda.check(DEVICE)


def test_a_check_that_answers_wrong_is_seen(monkeypatch):
    wrong = forest_cuda.CardForest.__call__
    monkeypatch.setattr(forest_cuda.CardForest, "__call__", lambda self, x: wrong(self, x) + 1)
    with pytest.raises(RuntimeError, match=r"answered with \[\[2"):
        forest_cuda.check(DEVICE)


@pytest.fixture
def asked_anew():
    packed._triton_runs.cache_clear()
    yield
    packed._triton_runs.cache_clear()


@pytest.mark.usefixtures("asked_anew")
def test_where_triton_is_missing_or_does_not_run_plain_torch_walks(monkeypatch):
    def check(device):
        raise RuntimeError("Failed to find C compiler")

    card = torch.device("cuda", 3)
    monkeypatch.setattr(forest_cuda, "check", lambda device: None)
    assert packed.packs(card)
    packed._triton_runs.cache_clear()
    monkeypatch.setattr(forest_cuda, "check", check)
    assert not packed.packs(card)
    packed._triton_runs.cache_clear()
    monkeypatch.setattr(packed, "find_spec", lambda name: None)
    assert not packed.packs(card)
    assert not packed.packs(torch.device("mps"))
    assert not packed.packs(torch.device("cpu"))


@pytest.mark.usefixtures("asked_anew")
@pytest.mark.parametrize("at_once", [1, 100, 1 << 20])
@pytest.mark.parametrize("n_codes", [0, 40])
def test_without_triton_the_plain_walk_gives_the_same_bits_in_blocks(at_once, n_codes, monkeypatch):
    monkeypatch.setattr(packed, "find_spec", lambda name: None)
    monkeypatch.setattr(forest_torch, "MOST_AT_ONCE", at_once)
    monkeypatch.setattr(forest_torch, "MOST_ROWS", 64)
    arrays, sets = made_forest(3, 9, 6, 0.2, 2, False, np.float32, np.float32), ()
    rows = rows_that_bite(arrays, 150, 3)
    if n_codes:
        arrays, sets = with_sets(arrays, 3, n_codes, 2)
        rows = codes_that_bite(rows, 3, n_codes, 2)
    x, *tensors = (torch.from_numpy(a) for a in (rows, *arrays))
    *nodes, value, roots = tensors
    more = [torch.from_numpy(a) for a in sets]
    card = torch.device("cuda") if DEVICE.type == "cuda" else torch.device("cpu")
    forest = PackedForest(*arrays, *sets).on(card)
    assert isinstance(forest, forest_torch.WalkedForest)
    expected = forest_torch.forest(x, *nodes, value, roots, more)
    assert torch.equal(forest(x.to(card)).cpu(), expected)
    leaves = PackedLeaves(*arrays[:-2], arrays[-1], *sets)
    assert torch.equal(leaves(x.to(card)).cpu(), forest_torch.leaves(x, *nodes, roots, more))


def test_plain_torch_walks_a_forest_that_triton_has_no_kernel_for(monkeypatch, caplog):
    from triton.runtime.errors import OutOfResources

    class Refuses:
        def __init__(self, error):
            self.error, self.launches = error, 0

        def __getitem__(self, grid):
            self.launches += 1
            raise self.error

    arrays = made_forest(3, 4, 5, 0.4, 2, False, np.float32, np.float64)
    rows = torch.from_numpy(rows_that_bite(arrays, 40, 3))
    *nodes, value, roots = (torch.from_numpy(a) for a in arrays)
    expected = forest_torch.forest(rows, *nodes, value, roots)
    assert packed.packs(DEVICE)
    refuses = Refuses(OutOfResources(300_000, 200_000, "shared memory"))
    monkeypatch.setattr(forest_cuda, "add_bitvectors", refuses)
    forest, leaves = PackedForest(*arrays), PackedLeaves(*arrays[:-2], roots.numpy())
    for _ in range(2):
        assert torch.equal(forest.on_card(rows.to(DEVICE)).cpu(), expected)
        reached = leaves(rows.to(DEVICE)).cpu()
        assert torch.equal(reached, forest_torch.leaves(rows, *nodes, roots))
    assert refuses.launches == 2  # once each
    assert caplog.text.count("out of resource: shared memory") == 2
    monkeypatch.setattr(forest_cuda, "add_bitvectors", Refuses(RuntimeError("CUDA error: lost")))
    with pytest.raises(RuntimeError, match="lost"):
        PackedForest(*arrays).on_card(rows.to(DEVICE))


@pytest.mark.parametrize("method", ["predict_proba", "apply"])
def test_a_card_has_only_the_packed_form(method):
    native = RandomForestClassifier(3, random_state=0).fit(X, Y)
    ours = TensorAccelerated(native, device="cpu")
    getattr(ours, method)(X)
    root = next(iter(_ENGINES[ours]._graphs.values())).roots[method]
    program = Program(root, torch.device("meta"))
    on_card = sum(b.nbytes for s in program.stages for b in s.buffers())
    assert on_card < 500 < native.estimators_[0].tree_.feature.nbytes


@pytest.mark.usefixtures("asked_anew")
def test_a_full_card_says_nothing_about_triton(monkeypatch):
    def check(device):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(forest_cuda, "check", check)
    for _ in range(2):
        with pytest.raises(torch.OutOfMemoryError):
            packed.packs(torch.device("cuda", 3))


def test_the_kernels_compile_for_cards():
    """Each as it is launched, by Triton's compiler, which needs no card."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.compiled_for_cards"],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name not in INTERPRET},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    walks = ["add_walks-narrow", "add_walks-perfect", "add_walks-wide"]
    others = ["fill_classes", "fill_ranks"]
    assert done.stdout.split() == ["add_bitvectors", "add_found", *walks, *others]
