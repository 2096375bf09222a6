"""Small batches on a card: recorded after some calls, done again, and given up where that fails.

The card is made of the CPU, and really records and repeats torch's ops (`tests/cards.py`).
"""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, PolynomialFeatures

from sktensor.cards import captured
from sktensor.engine import Engine
from sktensor.ops import Retreat
from sktensor.program import DeviceStage, Program

from .cards import CPU, RecordingCard, answer_again, streamed_on
from .support import assert_same

RNG = np.random.RandomState(0)
X = RNG.randn(400, 6)
Y = X[:, 0] + X[:, 1] * X[:, 2]
LINEAR = make_pipeline(PolynomialFeatures(3), LinearRegression())  # no quadratic form
LINEAR.fit(X, Y)
CALLS = captured.WARM_UPS + 2


def program_of(estimator=LINEAR, method="predict", rows=X):
    return Engine(estimator, CPU).program(method, rows)


def card_for(program):
    stages = (s for s in program.stages if isinstance(s, DeviceStage))
    return RecordingCard([b for stage in stages for b in stage.buffers()])


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("n_rows", [1, 2, 3, 64, 65, 200, 256])
def test_recorded_answers_are_the_native_ones(n_rows, stays):
    program = program_of()
    card = card_for(program)
    rows = [torch.from_numpy(X[k : k + n_rows]) if stays else X[k : k + n_rows] for k in range(9)]
    native = [LINEAR.predict(X[k : k + n_rows]) for k in range(9)]
    program.__dict__["_streamed"] = streamed_on(card, program)
    ours = [answer_again(program, x, stays=stays) for x in rows]
    assert card.records == 1
    assert card.replays == 9 - captured.WARM_UPS
    for answer, expected in zip(ours, native, strict=True):  # earlier ones too are as they were
        assert_same(answer.numpy() if stays else answer, expected)


def test_the_same_rows_have_the_same_bits_before_and_after_recording():
    program = program_of()
    card = card_for(program)
    program.__dict__["_streamed"] = streamed_on(card, program)
    answers = [answer_again(program, X[:77]) for _ in range(CALLS)]
    assert card.replays
    for answer in answers:
        assert_same(answer, answers[0], exact=True)


def test_one_record_serves_all_numbers_of_rows_up_to_a_power_of_two():
    program = program_of()
    card = card_for(program)
    program.__dict__["_streamed"] = streamed_on(card, program)
    for n in [*range(33, 65)] * 2:
        assert_same(answer_again(program, X[:n]), LINEAR.predict(X[:n]))
    assert card.records == 1
    for n in (1, 2, 3, 5, 9, 17, 33, 65, 129, 257) * CALLS:
        assert_same(answer_again(program, X[:n]), LINEAR.predict(X[:n]))
    assert card.records == 9  # 257 rows are no small batch


def test_there_are_never_more_records_than_some(monkeypatch):
    monkeypatch.setattr(captured, "MOST_RECORDS", 2)
    program = program_of()
    card = card_for(program)
    program.__dict__["_streamed"] = streamed_on(card, program)
    for n in (1, 2, 4, 8, 16, 32, 64, 128, 256) * CALLS:
        assert_same(answer_again(program, X[:n]), LINEAR.predict(X[:n]))
    assert card.records <= 2


def test_rows_of_a_frame_are_cast_in_the_record():
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame["c"] = X[:, 2].astype(np.float32)
    frame["b"] = (X[:, 1] * 10).astype(np.int8)
    estimator = make_pipeline(MinMaxScaler(clip=True), LinearRegression()).fit(frame, Y)
    program = program_of(estimator, rows=frame)
    card = card_for(program)
    program.__dict__["_streamed"] = streamed_on(card, program)
    for k in range(6):
        assert_same(answer_again(program, frame[k : k + 9]), estimator.predict(frame[k : k + 9]))
    assert card.replays


def test_indicators_are_recorded():
    codes = RNG.randint(0, 4, (100, 2)).astype(float)
    encoder = OneHotEncoder(sparse_output=False).fit(codes)
    program = program_of(encoder, "transform", codes)
    card = card_for(program)
    program.__dict__["_streamed"] = streamed_on(card, program)
    for k in range(6):
        assert_same(answer_again(program, codes[k : k + 8]), encoder.transform(codes[k : k + 8]))
    assert card.replays


@pytest.mark.parametrize("at", [0, 5])
def test_a_guard_is_asked_for_every_batch(at):
    program = program_of()
    card = card_for(program)
    program.__dict__["_streamed"] = streamed_on(card, program)
    for _ in range(CALLS):
        answer_again(program, X[:6])
    bad = X[:6].copy()
    bad[at, 2] = np.nan
    with pytest.raises(Retreat):
        answer_again(program, bad)
    assert_same(answer_again(program, X[:5]), LINEAR.predict(X[:5]))
    assert card.records == 1


def test_what_cannot_be_recorded_is_launched_op_by_op(caplog):
    """The exponential of the CPU is NumPy's, and goes by the host as some ops do on a card."""
    estimator = make_pipeline(PolynomialFeatures(2), LogisticRegression()).fit(X, Y > 0)
    program = program_of(estimator, "predict_proba")
    card = card_for(program)
    program.__dict__["_streamed"] = streamed_on(card, program)
    with caplog.at_level("INFO", "sktensor"):
        for k in range(3 * CALLS):
            rows = X[k : k + 12]
            assert_same(answer_again(program, rows), estimator.predict_proba(rows))
    assert card.records == card.replays == 0
    said = [r.message for r in caplog.records if "op by op" in r.message]
    assert len(said) == 1  # and is not tried again
    assert "not permitted when stream is capturing" in said[0]


def test_a_full_card_is_asked_again_only_much_later(monkeypatch):
    class Full(RecordingCard):
        asked = 0

        def record(self, task):
            self.asked += 1
            raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(captured, "FULL_CALLS", 5)
    program = program_of()
    card = Full()
    program.__dict__["_streamed"] = streamed_on(card, program)
    for _ in range(captured.WARM_UPS + 1):
        assert_same(answer_again(program, X[:9]), LINEAR.predict(X[:9]))
    assert card.asked == 1
    for _ in range(6):
        answer_again(program, X[:9])
    assert card.asked == 1
    for _ in range(3):
        answer_again(program, X[:9])
    assert card.asked == 2


def test_threads_that_share_a_record_do_not_mix_their_rows():
    program = program_of()
    card = card_for(program)
    program.__dict__["_streamed"] = streamed_on(card, program)
    wrong = []

    def work(k):
        for i in range(60):
            rows = X[(7 * k + i) % 300 :][: 1 + (i + k) % 8]
            if not np.allclose(answer_again(program, rows), LINEAR.predict(rows), rtol=1e-10):
                wrong.append((k, i))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert card.replays


def test_a_thread_that_finds_the_record_in_use_does_not_wait():
    program = program_of()
    card = card_for(program)
    program.__dict__["_streamed"] = streamed_on(card, program)
    for _ in range(CALLS):
        answer_again(program, X[:8])
    before = card.replays
    (streamed,) = program._streamed.values()
    with streamed._captured._lock:
        assert_same(answer_again(program, X[:8]), LINEAR.predict(X[:8]))
    assert card.replays == before


def test_records_go_with_their_program():
    root = program_of().root
    program = Program(root, CPU)
    card = card_for(program)
    program.__dict__["_streamed"] = streamed_on(card, program)
    for _ in range(CALLS):
        answer_again(program, X[:8])
    assert card.replays
    (streamed,) = program._streamed.values()
    records = [weakref.ref(r) for r in streamed._captured._records.values()]
    assert records
    del program, streamed, card
    gc.collect()
    assert not any(r() for r in records)


def test_nothing_is_recorded_where_a_card_cannot():
    class NotThisOne(RecordingCard):
        captures = False

    program = program_of()
    card = NotThisOne()
    program.__dict__["_streamed"] = streamed_on(card, program)
    for _ in range(CALLS):
        assert_same(answer_again(program, X[:9]), LINEAR.predict(X[:9]))
    assert not card.records
