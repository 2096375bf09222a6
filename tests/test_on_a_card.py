"""What only a real card shows: its memory, its streams and its records.

`-m cuda` runs these, the whole case table (`test_cases.py`) and, compiled instead of interpreted,
the forest kernels (`test_forest_cuda.py`).
"""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sktensor import TensorAccelerated
from sktensor.cards import captured, card_of
from sktensor.estimator import _ENGINES

from .support import assert_same

pytestmark = pytest.mark.cuda

CARD = torch.device("cuda", 0)
RNG = np.random.RandomState(0)
X = RNG.randn(20_000, 12)
Y = X[:, 0] + X[:, 1] * X[:, 2] > 0
LINEAR = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
FOREST = RandomForestClassifier(20, max_depth=9, random_state=0).fit(X, Y)


@pytest.fixture
def ballast():
    """A function that leaves so many bytes of the card free."""
    held = []

    def leave(n_bytes):
        torch.cuda.empty_cache()
        free = torch.cuda.mem_get_info(CARD)[0]
        held.append(torch.empty(max(0, free - n_bytes), dtype=torch.uint8, device=CARD))

    yield leave
    held.clear()
    torch.cuda.empty_cache()


def test_five_million_rows_of_a_hundred_columns_pass_through_a_gigabyte(ballast):
    rows = np.random.default_rng(0).normal(size=(5_000_000, 100))
    estimator = make_pipeline(StandardScaler(), LogisticRegression())
    estimator.fit(rows[:2000], rows[:2000, 0] > 0)
    ours = TensorAccelerated(estimator, device="cuda", fallback="raise")
    ours.predict_proba(rows[:300])
    ballast(2**30)
    answer = ours.predict_proba(rows)
    assert answer.shape == (5_000_000, 2)
    for lo in (0, 2_500_000, 4_990_000):
        assert_same(answer[lo : lo + 10_000], estimator.predict_proba(rows[lo : lo + 10_000]))


@pytest.mark.parametrize("stays", [False, True])
def test_blocks_are_halved_where_memory_runs_out(ballast, stays):
    estimator = make_pipeline(StandardScaler(), PolynomialFeatures(3), LinearRegression())
    estimator.fit(X[:2000], X[:2000, 0])
    rows = torch.from_numpy(X).to(CARD) if stays else X
    ours = TensorAccelerated(estimator, device="cuda", batch_size=20_000)
    ours.predict(rows[:300])
    ballast(2**26)
    answer = ours.predict(rows)
    assert_same(answer.cpu().numpy() if stays else answer, estimator.predict(X))


@pytest.mark.parametrize("batch_size", [None, 1000, 4096, 19_999])
@pytest.mark.parametrize("estimator", [LINEAR, FOREST])
@pytest.mark.parametrize("form", [np.asarray, pd.DataFrame, np.float32, torch.from_numpy])
@pytest.mark.filterwarnings("ignore:X has feature names")
def test_blocks_give_the_native_answers(form, estimator, batch_size):
    rows = form(X)
    ours = TensorAccelerated(estimator, device="cuda", batch_size=batch_size)
    native = estimator.predict_proba(X.astype(np.float32) if form is np.float32 else X)
    answer = ours.predict_proba(rows.to(CARD) if torch.is_tensor(rows) else rows)
    assert_same(answer.cpu().numpy() if torch.is_tensor(answer) else answer, native)


def test_a_forest_gives_the_same_bits_every_time():
    answers = [
        TensorAccelerated(FOREST, device="cuda", batch_size=size).predict_proba(X)
        for size in (None, None, 777, 8192)
    ]
    for answer in answers:
        assert_same(answer, answers[0], exact=True)
    once = TensorAccelerated(FOREST, device="cuda")
    for n in (1, 3, 200, 256, 257):
        for _ in range(captured.WARM_UPS + 2):
            assert_same(once.predict_proba(X[:n]), answers[0][:n], exact=True)


@pytest.mark.parametrize("estimator", [LINEAR, FOREST])
@pytest.mark.parametrize("n_rows", [1, 7, 200])
def test_small_batches_are_recorded(estimator, n_rows):
    ours = TensorAccelerated(estimator, device="cuda")
    for k in range(captured.WARM_UPS + 4):
        rows = X[k : k + n_rows]
        assert_same(ours.predict_proba(rows), estimator.predict_proba(rows))
    program = _ENGINES[ours].program("predict_proba", X[:n_rows])
    (streamed,) = program._streamed.values()
    assert streamed._captured._records
    assert not streamed._captured._declined


def test_threads_that_share_a_card_do_not_mix_their_rows():
    ours = TensorAccelerated(FOREST, device="cuda", batch_size=3000)
    native = FOREST.predict_proba(X)
    wrong = []

    def work(k):
        with torch.cuda.stream(torch.cuda.Stream(CARD)):
            for i in range(20):
                n = [1, 5, 64, 20_000][(i + k) % 4]
                if not np.allclose(ours.predict_proba(X[-n:]), native[-n:], rtol=1e-10):
                    wrong.append((k, n))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_free_memory_is_what_the_driver_and_the_cache_have():
    card = card_of(CARD)
    held = torch.empty(2**26, dtype=torch.uint8, device=CARD)
    before = card.free()
    del held
    assert card.free() >= before + 2**26
    card.release()
    assert card.staging((4,), torch.float64).is_pinned()
