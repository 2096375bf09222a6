"""What hands over call after call is not asked every time, and answers as ever."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sktensor import TensorAccelerated
from sktensor.engine.resting import LONGEST, PATIENCE, Resting
from sktensor.program import Program

from .support import assert_same

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
TIED = X.copy()
TIED[7] = [3.0, -1.0, 0.0]  # on the border, but for rounding
NATIVE = LogisticRegression(fit_intercept=False).fit(X, X[:, 0] > 0)
NATIVE.coef_[:] = [0.1, 0.3, 0.7]


@pytest.fixture
def asked(monkeypatch):
    """The numbers of rows that programs are called with."""
    rows, call = [], Program.__call__

    def counted(self, X, *args):
        rows.append(len(X))
        return call(self, X, *args)

    monkeypatch.setattr(Program, "__call__", counted)
    return rows


def answers(ours, tables):
    for table in tables:
        assert_same(ours.predict(table), NATIVE.predict(table))


def test_a_program_that_always_hands_over_is_asked_less_and_less(asked):
    calls = PATIENCE + 300
    answers(TensorAccelerated(NATIVE, device="cpu"), [TIED] * calls)
    doubling = LONGEST.bit_length()  # 1, 2, 4, ... LONGEST
    rest = 300 - sum(2**i for i in range(doubling)) - doubling
    assert len(asked) == PATIENCE + doubling + rest // (LONGEST + 1)


def test_an_answer_ends_it(asked):
    ours = TensorAccelerated(NATIVE, device="cpu")
    answers(ours, [TIED] * PATIENCE + [X] * 5)  # of which one is left to the native method
    assert len(asked) == PATIENCE + 4
    answers(ours, [TIED] * PATIENCE)
    assert len(asked) == 2 * PATIENCE + 4


def test_retreats_now_and_then_are_no_reason(asked):
    answers(TensorAccelerated(NATIVE, device="cpu"), [TIED, TIED, X] * 20)
    assert len(asked) == 60


def test_fewer_rows_are_answered_as_ever(asked):
    ours = TensorAccelerated(NATIVE, device="cpu")
    answers(ours, [TIED] * (PATIENCE + 2))
    asked.clear()
    answers(ours, [X[:5]] * 4)
    assert asked == [5] * 4
    answers(ours, [X])  # what the larger calls have come to has not changed
    assert asked == [5] * 4


def test_methods_and_kinds_of_input_are_apart(asked):
    ours = TensorAccelerated(NATIVE, device="cpu")
    answers(ours, [TIED] * (PATIENCE + 2))
    asked.clear()
    answers(ours, [X.astype(np.float32)])
    assert asked == [40]


def test_what_the_native_method_refuses_is_no_retreat(asked):
    ours = TensorAccelerated(NATIVE, device="cpu")
    for _ in range(PATIENCE + 3):
        with pytest.raises(ValueError, match="contains NaN"):
            ours.predict(np.where(X > 1, np.nan, X))
    asked.clear()
    answers(ours, [X] * 3)
    assert len(asked) == 3


def test_the_log_says_so(caplog):
    ours = TensorAccelerated(NATIVE, device="cpu")
    with caplog.at_level(logging.INFO, "sktensor"):
        answers(ours, [TIED] * (PATIENCE + 1))
    assert caplog.messages[-1] == "predict answered natively, as the last calls were"
    assert len([m for m in caplog.messages if "answered natively" in m]) == PATIENCE + 1


def test_a_rest_is_bounded_however_often():
    resting = Resting()
    for _ in range(5000):
        resting.handed_over("key", 3)
    assert sum(resting.rests("key", 3) for _ in range(200)) == LONGEST


def test_threads_that_count_down_together_do_not_make_it_endless():
    resting = Resting()
    for _ in range(PATIENCE):
        resting.handed_over("key", 3)
    resting._known["key"].rest = -1  # what two of them may leave
    assert not resting.rests("key", 3)
