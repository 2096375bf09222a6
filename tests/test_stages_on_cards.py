"""What every converter's program asks a card for: nothing that waits, or goes by the host.

The card has no values (`tests/empty_cards.py`), so these tests run without one and prove no answer.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from sklearn.ensemble import AdaBoostRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sktensor.cards.rehearsal import CannotRecord, rehearse
from sktensor.engine import Engine
from sktensor.ops import Arith, Input, WeightedMedian
from sktensor.ops.outputs import running_sums
from sktensor.program import DeviceStage
from sktensor.table import Signature

from .empty_cards import CARD, Refused, Watch, launched
from .support import METHODS, fitted_quietly
from .test_cases import CASES, _fitted

CPU = torch.device("cpu")
RNG = np.random.RandomState(0)
X = RNG.randn(60, 4)
Y = np.column_stack([X[:, 0] > 0, RNG.randint(0, 3, 60)]).astype(int)


def stages(estimator, method, rows):
    program = Engine(estimator, CPU).program(method, rows)
    return () if program is None else program.stages


@pytest.mark.parametrize("case", CASES)
def test_nothing_waits_for_a_card_or_goes_by_the_host(case):
    estimator, rows = _fitted(case)
    if isinstance(rows, np.ndarray) and rows.dtype.kind == "f":
        rows = torch.from_numpy(rows.astype(case.dtypes[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the native method says of its rows
        for method in (m for m in METHODS if hasattr(estimator, m)):
            for stage in stages(estimator, method, rows):
                if isinstance(stage, DeviceStage):
                    launched(stage)


@pytest.mark.parametrize(
    ("refused", "op"),
    [
        ("div.Tensor by a number", lambda x: x / 3),
        ("ones goes by the host", lambda x: x + torch.ones(2).to(CARD)),
        ("cumsum adds in no order", lambda x: x.cumsum(0)),
        ("nonzero waits", lambda x: x.nonzero()),
        ("index.Tensor waits", lambda x: x[x > 0]),
        ("_local_scalar_dense waits", lambda x: x.sum().item()),
    ],
)
def test_what_has_no_place_on_a_card_is_seen(refused, op):
    x = torch.empty(2, device=CARD)
    with Watch(), pytest.raises(Refused, match=refused):
        op(x)


@pytest.mark.parametrize("labels", [Y, Y.astype(np.int8), Y > 0])
@pytest.mark.parametrize(
    "estimator", [RandomForestClassifier(3), MultiOutputClassifier(LogisticRegression())]
)
def test_several_outputs_stay_on_the_card(estimator, labels):
    native = fitted_quietly(estimator, X, labels)
    for method in ("predict", "predict_proba"):
        first, *others = stages(native, method, torch.from_numpy(X))
        launched(first)
        assert [str(stage) for stage in others] == (
            [] if method == "predict" else ["host: Several"]  # which makes a list and no copy
        )


def test_a_number_of_the_host_divides_as_one_of_the_card():
    op = Arith(torch.div, Input(Signature(1, torch.float32)), 49)
    with Watch() as watch:  # which refuses it by a number of the host
        op.forward(torch.div, torch.empty(2, 1, device=CARD), 49)
    assert watch.names[-1] == "div.Tensor"
    x = torch.arange(1, 200, dtype=torch.float32)[:, None]
    by_tensor = x / torch.full((), 49, dtype=x.dtype)
    assert torch.equal(op.forward(torch.div, x, 49), by_tensor)
    assert not torch.equal(x * (1 / torch.tensor(49.0)), by_tensor)


def test_running_sums_are_added_from_the_first_on():
    x = torch.rand(50, 40, dtype=torch.float64) ** 9
    assert running_sums(x.to(CARD)).shape == x.shape

    class Elsewhere(torch.Tensor):
        """The same values on what says that it is no CPU."""

        device = CARD

    there = running_sums(x.as_subclass(Elsewhere))
    assert torch.equal(there.as_subclass(torch.Tensor), x.cumsum(1))
    native = AdaBoostRegressor(n_estimators=5, random_state=0).fit(X, X[:, 0])
    (stage,) = stages(native, "predict", torch.from_numpy(X))
    assert any(isinstance(op, WeightedMedian) for op in stage.ops)
    assert "cumsum" not in launched(stage)


# --- before something is recorded


def rehearsed(estimator, method):
    (stage,) = stages(estimator, method, X)
    here = DeviceStage(stage.ops, set(stage.outputs), on_card=True).to(CARD)
    rows = torch.empty(4, X.shape[1], dtype=torch.float64, device=CARD)
    rehearse(lambda: here.checked([rows]), CARD)


def test_what_can_be_recorded_is():
    rehearsed(LogisticRegression().fit(X, Y[:, 1]), "predict_proba")


def test_what_goes_by_the_host_is_not_recorded():
    logarithms = make_pipeline(FunctionTransformer(np.log1p), LogisticRegression())
    with pytest.raises((CannotRecord, NotImplementedError)):
        rehearsed(logarithms.fit(np.abs(X), Y[:, 1]), "predict_proba")


@pytest.mark.parametrize(
    ("why", "task"),
    [
        ("_to_copy goes by the host", lambda x: x.to(CARD)),
        ("empty.* goes by the host", lambda x: torch.empty(3, device=CARD)),
        ("_local_scalar_dense waits", lambda x: bool(x[0] > 0)),
        ("nonzero waits", lambda x: (x > 0).nonzero()),
        ("index.Tensor waits", lambda x: x[x > 0]),
    ],
)
def test_an_op_without_a_place_in_a_record_is_refused(why, task):
    x = torch.arange(3.0)
    with pytest.raises(CannotRecord, match=why):
        rehearse(lambda: task(x), CPU)


def test_a_lone_number_of_the_host_is_handed_over_with_the_launch():
    x = torch.empty(3, device=CARD)
    rehearse(lambda: x + torch.tensor(2.0), CARD)
