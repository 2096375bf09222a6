"""What the caller has set in torch changes no answer: default devices and dtypes, modes, bits."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler

from sktensor import TensorAccelerated

from .cards import answer_again, streamed_on
from .support import assert_same
from .test_captured import LINEAR, card_for, program_of
from .test_captured import X as ROWS

RNG = np.random.RandomState(0)
X = RNG.randint(-4, 5, (40_000, 6)) / 2
Y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
ESTIMATORS = [
    make_pipeline(StandardScaler(), PCA(3), LogisticRegression()),
    RandomForestClassifier(5, random_state=0),
    make_pipeline(OneHotEncoder(), LogisticRegression()),
    SplineTransformer(),
]


@contextmanager
def default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def few_bits():
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")


@contextmanager
def deterministic():
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


SETTINGS = {
    # `cuda` is what notebooks set; here a device that fails whatever is by mistake put there.
    "default device": lambda: torch.device("meta"),
    "inference mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "default dtype": default_dtype,
    "few bits": few_bits,
    "deterministic": deterministic,
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: str(e)[:30])
def test_answers_are_the_native_ones(estimator, setting):
    native = estimator.fit(X[:500], Y[:500])
    method = "predict_proba" if hasattr(native, "predict_proba") else "transform"
    ours = TensorAccelerated(native, device="cpu")
    # Made in it and used out of it, and the other way round.
    for context in (SETTINGS[setting], nullcontext, SETTINGS[setting]):
        for n in (len(X), 300, 3):
            with context():
                answer = getattr(ours, method)(X[:n])
                of_tensor = getattr(ours, method)(torch.from_numpy(X[:n]))
            assert_same(answer, getattr(native, method)(X[:n]))
            if torch.is_tensor(of_tensor):
                assert not of_tensor.is_inference()
                of_tensor = of_tensor.numpy()
            assert_same(of_tensor, answer)
    with SETTINGS[setting]():
        assert ours.explain(X).n_rows == len(X)
        assert ours.verify(X, n_rows=200)


@pytest.mark.parametrize("setting", ["default device", "inference mode"])
def test_a_record_serves_in_and_out_of_them(setting):
    program = program_of()
    card = card_for(program)
    program.__dict__["_streamed"] = streamed_on(card, program)
    for context in (SETTINGS[setting], nullcontext) * 4:
        with context():
            answer = answer_again(program, ROWS[:9])
        assert_same(answer, LINEAR.predict(ROWS[:9]))
    assert card.records == 1
    assert card.replays > 4
    many = np.tile(ROWS, (60, 1))
    with SETTINGS[setting]():
        assert_same(answer_again(program, many), LINEAR.predict(many))
