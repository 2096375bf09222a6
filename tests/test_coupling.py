"""Probabilities of support vector machines: rounds that end sooner or later, and their limits."""

import logging

import numpy as np
import pytest
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, NuSVC

from sktensor import TensorAccelerated
from sktensor.ops import coupling

from .support import assert_answers_alike, assert_same, fitted_quietly

RNG = np.random.default_rng(0)
FIXED = RNG.normal(size=(300, 3))
X = RNG.normal(size=(2000, 3))
TWO = FIXED[:, 0] + 0.3 * RNG.normal(size=300) > 0
FOUR = np.digitize(FIXED[:, 0] + 0.3 * RNG.normal(size=300), [-1, 0, 1])


def where_it_jumps(est, one, other):
    """Two rows as near as can be, one of which takes a round more than the other, if any do."""
    line = one + np.linspace(0, 1, 300)[:, None] * (other - one)
    steps = np.abs(np.diff(est.predict_proba(line), axis=0)).max(axis=1)
    at = np.argmax(steps[1:-1] - np.maximum(steps[:-2], steps[2:])) + 1
    one, other = line[at], line[at + 1]
    first, last = (est.predict_proba(row[None])[0] for row in (one, other))
    for _ in range(100):
        middle = (one + other) / 2
        if (middle == one).all() or (middle == other).all():
            break
        between = est.predict_proba(middle[None])[0]
        if np.abs(between - first).max() > np.abs(last - between).max():
            other, last = middle, between
        else:
            one, first = middle, between
    return one, other, np.abs(last - first).max()


@pytest.mark.parametrize("labels", [TWO, FOUR], ids=["two", "four"])
def test_rows_where_a_round_more_is_a_matter_of_the_last_bit(labels, caplog):
    caplog.set_level(logging.INFO, "sktensor")
    est = fitted_quietly(SVC(probability=True, random_state=0), FIXED, labels)
    found = [where_it_jumps(est, X[i], X[i + 1]) for i in range(0, 60, 2)]
    rows = [row for one, other, jump in found if jump > 1e-6 for row in (one, other)]
    assert len(rows) >= 10
    table = X.copy()
    table[50 : 50 + len(rows)] = rows
    ours = TensorAccelerated(est, device="cpu")
    assert_same(ours.predict_proba(table), est.predict_proba(table))
    said = [r.getMessage() for r in caplog.records if "natively" in r.getMessage()]
    assert said == [f"predict_proba answered natively for {len(rows)} of 2000 rows"]


@pytest.mark.parametrize("C", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_probabilities_near_0_and_1(C, scale):
    """The least that a pair may have is 1e-7."""
    est = fitted_quietly(SVC(C=C, kernel="linear", probability=True), FIXED, FIXED[:, 0] > 0)
    assert_answers_alike(est, X * scale, compiled=C * scale < 1e6)


def test_members_of_a_vote_and_a_single_row():
    members = [
        ("machine", make_pipeline(StandardScaler(), NuSVC(probability=True, random_state=0))),
        ("linear", LogisticRegression()),
    ]
    est = fitted_quietly(VotingClassifier(members, voting="soft"), FIXED, FOUR)
    assert_answers_alike(est, X)
    assert_answers_alike(est, X[:1])


def test_more_rows_than_a_thread_takes_at_once(monkeypatch):
    monkeypatch.setattr(coupling, "TOGETHER", 300)
    est = fitted_quietly(SVC(probability=True, random_state=0), FIXED, FOUR)
    assert_answers_alike(est, X)
