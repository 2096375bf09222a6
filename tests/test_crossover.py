"""From how many rows a card is used: the model, its numbers, and what follows of it."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktensor import TensorAccelerated, crossover, devices
from sktensor.compiler import build
from sktensor.crossover import BUS, CALL, CARD_CALL, LAUNCH, POOL, Work, rows, work_of
from sktensor.engine import Engine
from sktensor.table import Signature, signature_of

from .support import assert_same

X, Y = make_classification(300, 28, n_informative=12, random_state=0)
PIPE = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
FOREST = RandomForestClassifier(50, max_depth=6, random_state=0).fit(X, Y)
CPU, CARD = torch.device("cpu"), torch.device("cuda", 0)


def on_cpu(work, threads, n):
    alone = n * work.thread
    return CALL + (alone if threads == 1 else min(alone, POOL + alone / threads))


def on_card(work, processors, n):
    row = work.moved / BUS + work.on_processor() / processors
    return CARD_CALL + work.launches * LAUNCH + n * row


@given(
    st.floats(1e-9, 1e-4),
    st.integers(1, 100),
    st.floats(1, 1e4),
    st.floats(0, 1e5),
    st.integers(1, 64),
    st.integers(1, 144),
)
def test_the_crossover_is_where_the_two_times_meet(thread, launches, moved, visits, threads, n):
    work = Work(thread, launches, moved, moved, visits, 0)
    found = rows(work, threads, n)
    if math.isinf(found):
        assert on_cpu(work, threads, 10**9) <= on_card(work, n, 10**9)
        return
    assert found >= 1
    assert on_card(work, n, found) <= on_cpu(work, threads, found) * (1 + 1e-9)
    if found > 1:
        assert on_card(work, n, found - 1) >= on_cpu(work, threads, found - 1) * (1 - 1e-9)


def test_what_makes_a_card_pay_later_or_never():
    work = Work(1e-6, 10, 100, 200, 1000, 0)
    n = rows(work, 16, 132)
    assert rows(work, 2, 132) < n  # fewer threads
    assert rows(replace(work, launches=40), 16, 132) > n
    assert rows(replace(work, thread=5e-7), 16, 132) > n
    assert rows(work, 16, 20) > n  # a smaller card
    assert rows(replace(work, moved=1e6), 16, 132) == math.inf  # the bus
    assert rows(replace(work, thread=1e-9), 16, 132) == math.inf


def made(n_trees, n_nodes, n_features=28):
    """A forest of so many trees of so many nodes, as RandomForestClassifier's of two classes."""
    from sktensor.ops import Forest, Input

    n = n_trees * n_nodes
    at = np.zeros(n, np.int64)
    x = Input(Signature(n_features, torch.float32))
    value, first = np.zeros((n, 2)), np.arange(0, n, n_nodes)
    return Forest(x, at, np.zeros(n, np.float32), at, at, np.zeros(n, bool), value, first)


def test_the_numbers_of_a_forest():
    root = made(1000, 1023)
    work = work_of(root)
    assert work.launches == crossover.FOREST_LAUNCHES
    assert work.moved == 28 * 4 + 2 * 8  # the row to the card, two sums back
    assert work.visits == pytest.approx(1000 * 10)
    assert work.thread == pytest.approx(5.6e-6, rel=0.01)
    # On 16 cores and a card of 132 multiprocessors; on 2 cores; a small forest.
    assert rows(work, 16, 132) == 44
    assert rows(work, 2, 132) == 14  # where one thread is slower than the card before two begin
    assert rows(work_of(made(10, 31)), 16, 132) == math.inf


def test_the_numbers_of_a_pipeline():
    roots = build(PIPE, signature_of(X)).roots
    work = work_of(roots["predict_proba"])
    assert work.moved == 28 * 8 + 2 * 8
    assert work.visits == 0
    assert work.products == 28
    assert rows(work, 2, 132) == math.inf  # to move a row takes longer than to answer it


def test_what_the_host_does_counts_on_neither_side():
    from sktensor.ops import Input, Native, Several

    x = Input(Signature(28, torch.float64))
    native = Native(x, FOREST, "predict_proba", "why")
    work = work_of(Several((native,)))
    assert work == Work(0, 0, 0, 0, 0, 0)
    assert rows(work, 2, 132) == math.inf


@pytest.mark.parametrize(
    ("said", "found"), [("", None), ("0", 0), (" 1500 ", 1500), ("never", math.inf)]
)
def test_the_environment_overrules(said, found, monkeypatch):
    monkeypatch.setenv(crossover.VARIABLE, said)
    assert crossover.asked() == found


@pytest.mark.parametrize("said", ["-1", "1e3", "always"])
def test_what_the_environment_cannot_say(said, monkeypatch):
    monkeypatch.setenv(crossover.VARIABLE, said)
    with pytest.raises(ValueError, match="SKTENSOR_CROSSOVER is a number of rows"):
        crossover.asked()


# --- what follows of it; the card is one that has no numbers, so that nothing is answered there


@pytest.fixture
def card(monkeypatch):
    """A card in name, of 132 multiprocessors."""
    monkeypatch.delenv(crossover.VARIABLE, raising=False)
    monkeypatch.setattr(devices, "processors", lambda device: 132)
    return torch.device("meta")


def chosen(estimator, card, named="auto"):
    return Engine(estimator, card, asked=(named,))


def test_auto_chooses_by_rows(card):
    engine = chosen(FOREST, card)
    signature = signature_of(X)
    root = build(FOREST, signature).roots["predict_proba"]
    n = rows(work_of(root), torch.get_num_threads(), 132)
    assert 1 < n < math.inf
    many = np.tile(X, (-(-int(n) // len(X)), 1))[: int(n)]
    assert engine.program("predict_proba", many).device == card
    assert engine.program("predict_proba", many[1:]).device == CPU
    assert engine.program("predict_proba", torch.from_numpy(many[1:])).device == CPU
    assert chosen(FOREST, card, card).program("predict_proba", X[:1]).device == card
    assert_same(engine.answer("predict_proba", X[:1]), FOREST.predict_proba(X[:1]))


def test_the_plan_states_the_crossover(card):
    engine = chosen(FOREST, card)
    plan = engine.plan("predict_proba")
    n = rows(work_of(build(FOREST, Signature(28, torch.float64)).roots["predict_proba"]), 1, 132)
    assert n < math.inf
    assert plan.device == "meta or cpu"
    assert plan.notes[0].startswith("predict_proba on meta from ")
    assert plan.notes[0].endswith(" rows on, on cpu for fewer, by estimate")
    assert {s.device for s in plan.steps} == {"meta or cpu"}
    assert plan.notes[0] in str(plan)
    slow = chosen(PIPE, card).plan("predict_proba")
    assert slow.notes == ("predict_proba on cpu: meta would answer no sooner, by estimate",)
    assert slow.device == "cpu"
    assert chosen(PIPE, card, card).plan("predict_proba").notes == ()
    assert chosen(KNeighborsClassifier(p=1).fit(X, Y), card).plan("predict").notes == ()


def test_the_plan_says_that_the_environment_has(card, monkeypatch):
    monkeypatch.setenv(crossover.VARIABLE, "1000")
    engine = chosen(PIPE, card)
    assert engine.plan("predict").notes == (
        "predict on meta from 1,000 rows on, on cpu for fewer, as SKTENSOR_CROSSOVER says",
    )
    assert engine.program("predict", X).device == CPU
    assert engine.program("predict", np.tile(X, (4, 1))).device == card
    monkeypatch.setenv(crossover.VARIABLE, "never")
    never = chosen(PIPE, card)
    assert never.program("predict", np.tile(X, (4, 1))).device == CPU
    assert never.plan("predict").device == "cpu"


def test_without_a_card_nothing_is_reckoned(monkeypatch):
    monkeypatch.setenv(crossover.VARIABLE, "not a number")
    ours = TensorAccelerated(PIPE, device="cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(ours.predict(X), PIPE.predict(X))
        assert ours.explain().notes == ()


def test_rows_that_no_program_can_be_made_for_meet_the_native_error(card):
    engine = chosen(PIPE, card)
    odd = X.copy()
    odd[0, 0] = np.inf
    for table in (odd, X[:, :3]):
        with pytest.raises(ValueError, match=r"infinity|features"):
            engine.answer("predict", table)


@pytest.mark.parametrize(
    ("estimator", "said", "devices"),
    [
        (FOREST, None, {"cpu", "meta"}),
        (PIPE, None, {"cpu"}),  # a card would answer no sooner
        (PIPE, "500", {"cpu", "meta"}),
        (PIPE, "0", {"meta"}),
        (FOREST, "never", {"cpu"}),
    ],
)
def test_whatever_may_answer_is_compiled_at_once(
    estimator, said, devices, card, monkeypatch, caplog
):
    if said is not None:
        monkeypatch.setenv(crossover.VARIABLE, said)
    engine = chosen(estimator, card)
    with caplog.at_level("INFO", "sktensor"):
        engine.warm("predict_proba", X[:1])
    lines = [r.getMessage() for r in caplog.records if r.getMessage().startswith("compiled")]
    compiled = {line.rpartition(" ")[2] for line in lines}
    assert compiled - {"cpu"} == devices - {"cpu"}
    assert compiled >= devices
    caplog.clear()
    assert_same(engine.answer("predict_proba", X[:1]), estimator.predict_proba(X[:1]))
    assert not [r for r in caplog.records if r.getMessage().startswith("compiled")]
