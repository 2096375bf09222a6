"""Rows through a card in blocks: planned by its memory, halved where that runs out, in order.

The cards are made of the CPU (`tests/cards.py`): one that is small, and one that shuffles.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)

from sktensor.cards import Card, card_of, is_full
from sktensor.cards.streaming import STAGED_BYTES, Streamed, stream
from sktensor.engine import Engine
from sktensor.feeds import ArrayFeed, Resident, feed_of
from sktensor.ops import Retreat
from sktensor.program import DeviceStage

from .cards import CPU, ShuffledCard, SmallCard, answer_on
from .support import assert_same

RNG = np.random.RandomState(0)
X = RNG.randn(3000, 6)
Y = (X[:, 0] + X[:, 1] * X[:, 2] > 0) + (X[:, 3] > 0.8).astype(int)


def reversed_columns(x):
    """A function that no converter knows."""
    return np.asarray(x)[:, ::-1]


def wide():
    """Rows that take much more on the way than at its ends."""
    return make_pipeline(StandardScaler(), PolynomialFeatures(3), LinearRegression()).fit(X, Y)


def pipelines():
    yield "linear", make_pipeline(StandardScaler(), LogisticRegression())
    yield "forest", make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0))
    middle = FunctionTransformer(reversed_columns)
    yield "native", make_pipeline(StandardScaler(), middle, LogisticRegression())
    columns = make_column_transformer(
        (StandardScaler(), [0, 1]), (middle, [2, 3]), remainder="passthrough"
    )
    yield "branches", make_pipeline(columns, LogisticRegression())


def program_of(estimator, method, rows, batch_size=None):
    return Engine(estimator, CPU, "native", batch_size).program(method, rows)


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("rows", [X, X.astype(np.float32), pd.DataFrame(X), X[:700], X[:1]])
@pytest.mark.parametrize(
    "estimator", [pytest.param(pipe.fit(X, Y), id=name) for name, pipe in pipelines()]
)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_answers_are_the_native_ones(estimator, rows, stays):
    for batch_size in (None, 64, 1000):
        for method in ("predict", "predict_proba"):
            program = program_of(estimator, method, rows, batch_size)
            answer = answer_on(SmallCard(2**24), program, rows, stays=stays)
            if stays and not isinstance(answer, np.ndarray):
                answer = answer.numpy()
            assert_same(answer, getattr(estimator, method)(rows))


def blocks_of(program):
    """Have a program's only stage say how many rows each of its blocks had."""
    (stage,) = (s for s in program.stages if isinstance(s, DeviceStage))
    seen, checked = [], stage.checked

    def watched(inputs):
        seen.append(len(inputs[0]))
        return checked(inputs)

    stage.checked = watched
    return seen


def test_batch_size_is_honoured():
    program = program_of(wide(), "predict", X, 700)
    seen = blocks_of(program)
    answer_on(SmallCard(2**30), program, X)
    assert seen == [700, 700, 700, 700, 200]


@pytest.mark.parametrize("says", [2**17, 2**18, 2**20])
def test_blocks_are_as_large_as_half_of_the_free_memory(says):
    estimator = wide()
    rows = np.tile(X, (4, 1))
    program = program_of(estimator, "predict", rows)
    seen = blocks_of(program)
    card = SmallCard(2 * says, says)
    assert_same(answer_on(card, program, rows), estimator.predict(rows))
    (stage,) = program.stages
    size = seen[0]
    assert size & (size - 1) == 0
    assert size * stage.bytes_alive <= says / 2 < 2 * size * stage.bytes_alive
    assert seen[:-1] == [size] * (len(seen) - 1)
    assert card.memory.peak <= says  # the estimate holds: nothing had to be halved


def test_fifty_megabytes_pass_through_one():
    estimator = make_pipeline(StandardScaler(), LogisticRegression())
    rows = np.random.default_rng(0).normal(size=(64_000, 100))
    estimator.fit(rows[:1000], rows[:1000, 0] > 0)
    card = SmallCard(2**20)
    program = program_of(estimator, "predict_proba", rows)
    assert_same(answer_on(card, program, rows), estimator.predict_proba(rows))
    assert 0 < card.memory.peak <= 2**20


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("batch_size", [None, 2999, 1024])
def test_where_memory_runs_out_blocks_are_halved_and_none_is_lost(batch_size, stays):
    estimator = wide()
    program = program_of(estimator, "predict", X, batch_size)
    seen = blocks_of(program)
    # There is memory for some 400 rows, and the driver promises the world.
    (stage,) = program.stages
    answers = 3000 * 8 if stays else 0
    card = SmallCard(answers + 400 * stage.bytes_alive, says=2**40)
    answer = answer_on(card, program, X, stays=stays)
    assert_same(answer.numpy() if stays else answer, estimator.predict(X))
    assert len(set(seen)) > 2
    assert min(seen[:-1]) >= 100


def test_memory_that_runs_out_later_loses_no_finished_block():
    estimator = wide()
    program = program_of(estimator, "predict", X, 256)
    seen = blocks_of(program)
    card = SmallCard(2**30)
    checked = program.stages[0].checked

    def fewer_after_five(inputs):
        if len(seen) == 5:
            card.memory.capacity = card.memory.used() + 40 * program.stages[0].bytes_alive
        return checked(inputs)

    program.stages[0].checked = fewer_after_five
    assert_same(answer_on(card, program, X), estimator.predict(X))
    done = seen[: seen.index(128) - 1]
    assert done == [256] * 5
    first_half = seen.index(128)
    assert sum(seen[first_half:]) >= 3000 - 5 * 256  # from where it stopped, and not from the start
    assert sum(seen[first_half:]) < 3000


def test_a_card_without_room_for_a_row_leaves_the_answer_to_the_native_method(caplog):
    program = program_of(wide(), "predict", X)
    with pytest.raises(Retreat, match="no memory left"):
        answer_on(SmallCard(600), program, X)
    assert "no memory left for a row" in caplog.text


def test_other_errors_are_not_taken_for_a_full_card():
    def broken(inputs):
        raise RuntimeError("an illegal memory access")

    program = program_of(wide(), "predict", X, 500)
    program.stages[0].checked = broken
    with pytest.raises(RuntimeError, match="illegal memory access"):
        answer_on(SmallCard(2**30), program, X)


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("Triton Error [CUDA]: out of memory"), True),
        (RuntimeError("MPS backend out of memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_says_that_a_card_is_full(error, full):
    assert is_full(error) == full


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("at", [0, 1500, 2999])
def test_one_bad_row_in_any_block_is_a_retreat(at, stays):
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    bad = X.copy()
    bad[at, 3] = np.inf
    for batch_size in (None, 256):
        program = program_of(estimator, "predict_proba", X, batch_size)
        with pytest.raises(Retreat):
            answer_on(SmallCard(2**30), program, bad, stays=stays)
        assert_same(answer_on(SmallCard(2**30), program, X), estimator.predict_proba(X))


@given(seed=st.integers(0, 2**31), batch_size=st.sampled_from([300, 999, 1500, 2999]))
def test_lanes_that_run_as_they_like_give_the_same_answers(seed, batch_size):
    program = program_of(ESTIMATOR, "predict_proba", X, batch_size)
    assert_same(answer_on(ShuffledCard(seed), program, X), EXPECTED)


ESTIMATOR = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
EXPECTED = ESTIMATOR.predict_proba(X)


class Heedless(ShuffledCard):
    """One whose lanes wait for nothing of some kind."""

    def __init__(self, seed, missing):
        super().__init__(seed)
        self.missing = missing

    def follow(self, lane, mark):
        if lane != self.missing:
            super().follow(lane, mark)

    def wait(self, mark):
        if self.missing != "host":
            super().wait(mark)


@pytest.mark.parametrize("missing", ["in", "work", "out", "host"])
def test_every_wait_is_needed(missing):
    def differs(seed):
        program = program_of(ESTIMATOR, "predict_proba", X, 200)
        try:
            answer = answer_on(Heedless(seed, missing), program, X)
        except Exception:  # rows that are not there yet need not be numbers
            return True
        return not np.allclose(answer, EXPECTED)

    assert any(map(differs, range(20)))


def test_the_next_block_is_on_its_way_before_the_work_on_one_begins():
    events = []

    class Watched(Card):
        def run(self, lane, task):
            events.append(lane)
            super().run(lane, task)

    answer_on(Watched(CPU), program_of(ESTIMATOR, "predict_proba", X, 1000), X)
    assert events == ["in", "in", "work", "out", "in", "work", "out", "work", "out"]


def test_a_card_without_lanes_runs_what_it_is_told_and_knows_some_bytes():
    card = card_of(CPU)
    assert type(card) is Card
    assert not card.captures
    assert card.free() > 0
    card.release()
    with pytest.raises(NotImplementedError):
        card.record(lambda: None)


@pytest.mark.parametrize("encoder", [OneHotEncoder(), OrdinalEncoder()])
def test_categories_go_as_codes(encoder):
    rows = RNG.choice(["a", "b", "c"], (900, 2)).astype(object)
    estimator = make_pipeline(encoder, LogisticRegression()).fit(rows, rows[:, 0] == "a")
    program = program_of(estimator, "predict_proba", rows, 100)
    assert_same(answer_on(SmallCard(2**24), program, rows), estimator.predict_proba(rows))


def test_what_is_on_the_card_is_not_copied():
    x = torch.from_numpy(X)
    feed = feed_of(None, {None: x}, CPU)
    assert isinstance(feed, Resident)
    assert feed.resident is x

    class NoCopies(SmallCard):
        def copy(self, source, into):
            assert source.dtype == torch.bool  # whether guards hold, and nothing else
            super().copy(source, into)

    for batch_size in (None, 500):
        program = program_of(ESTIMATOR, "predict_proba", x, batch_size)
        answer = answer_on(NoCopies(2**30), program, x, stays=True)
        assert_same(answer.numpy(), EXPECTED)


def test_only_what_is_read_later_comes_back():
    program = program_of(ESTIMATOR, "predict", X, 500)
    copied = []

    class Watched(Card):
        def copy(self, source, into):
            copied.append((tuple(source.shape[1:]), source.dtype))
            super().copy(source, into)

    answer_on(Watched(CPU), program, X)
    assert set(copied) <= {((6,), torch.float64), ((), torch.int64), ((), torch.bool)}


@pytest.mark.parametrize("n_rows", [1, 5, 3000])
def test_an_output_of_another_dtype_than_its_op_says_is_an_error(n_rows):
    def work(inputs):
        return [inputs[0].float()], None

    outputs = [torch.empty((n_rows, 6), dtype=torch.float64)]
    with pytest.raises(AssertionError, match="float32"):
        stream(Card(CPU), [ArrayFeed(X[:n_rows])], work, outputs, 1000, False)


def test_large_rows_of_the_host_are_staged_though_they_are_one_block():
    lanes = []

    class Watched(Card):
        def run(self, lane, task):
            lanes.append(lane)
            super().run(lane, task)

    card = Watched(CPU)
    n_rows = STAGED_BYTES // X[0].nbytes + 1
    rows = np.resize(X, (n_rows, 6))
    streamed = Streamed(lambda: card, lambda x: (x, None), [((6,), torch.float64)], 100)
    for n in (n_rows, 100):
        (answer,) = streamed([ArrayFeed(rows[:n])], n, False)
        np.testing.assert_array_equal(answer.numpy(), rows[:n])
    assert lanes == ["in", "work", "out", "work"]
