"""`explain`: what runs where and why, what it takes, and how long; and what is logged."""

from __future__ import annotations

import logging
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from sktensor import TensorAccelerated
from sktensor.graph import rewrite
from sktensor.ops import Arith, Input
from sktensor.owners import Owners
from sktensor.plan.units import in_bytes, in_seconds
from sktensor.table import Signature

from .cases import data as d


def on_the_boundary(model):
    """Rows of which the first scores 0, within rounding."""
    rows, w = d.X[:4].copy(), model.coef_[0]
    rows[0] = -w * model.intercept_ / (w @ w)
    return rows


class Shift(TransformerMixin, BaseEstimator):
    """A transformer that no converter knows."""

    def fit(self, X, y=None):
        self.mean_ = np.asarray(X).mean(axis=0)
        return self

    def transform(self, X):
        return np.asarray(X) - self.mean_


def fast(estimator, **params):
    return TensorAccelerated(estimator, device="cpu", **params)


def mixed():
    columns = make_column_transformer(
        (StandardScaler(), ["a", "n"]), (OneHotEncoder(), ["colour", "size"])
    )
    return make_pipeline(columns, LogisticRegression()).fit(d.FRAME, d.Y_BINARY)


def steps_of(plan):
    return {s.name.rpartition("__")[2]: s for s in plan.steps}


def test_a_step_says_what_it_takes_and_where_it_is():
    ours = fast(make_pipeline(StandardScaler(), LogisticRegression()).fit(d.X, d.Y_MULTI))
    ours.predict_proba(d.X.astype(np.float32))
    steps = steps_of(ours.explain("predict_proba"))
    assert [s.device for s in steps.values()] == ["cpu", "cpu"]
    assert [s.dtype for s in steps.values()] == ["float32", "float64"]
    assert steps["standardscaler"].n_bytes in (2 * 6 * 4, 2 * 6 * 8)  # 1.7 divides in float64
    assert steps["logisticregression"].n_bytes == 4 * 7 * 8
    ours.predict(d.X)
    assert steps_of(ours.explain("predict"))["logisticregression"].dtype == "int64"
    assert steps_of(ours.explain())["standardscaler"].dtype == "float64"


def test_what_a_pass_took_stays_listed_and_names_the_pass():
    ours = fast(mixed())
    ours.predict(d.FRAME)
    steps = steps_of(ours.explain("predict"))
    encoder = steps["onehotencoder"]
    assert (encoder.backend, encoder.taken_by) == ("torch", "fold_one_hot")
    assert encoder.reason == "taken by fold_one_hot"
    assert encoder.device == "host"  # it looks strings up
    assert steps["standardscaler"].taken_by == "fold_affine"
    assert steps["logisticregression"].n_bytes > 0


def test_an_owner_follows_its_ops_through_a_pass():
    """`(x + 1) + 2` folded into `x + 3`: the second step's op, and nothing is left of the first."""
    x = Input(Signature(2, None, None))
    inner, outer = (Step(f"step {i}") for i in range(2))
    first = Arith(np.add, x, 1)
    second = Arith(np.add, first, 2)
    inner.give(x, first), outer.give(first, second)
    owners = Owners(second, [inner, outer])
    assert (owners.of[first], owners.of[second], owners.of[x]) == (0, 1, -1)
    done = {}
    folded = rewrite(second, lambda op: Arith(np.add, x, 3) if op is second else None, done)
    owners.follow("fold", second, folded, done)
    assert owners.of[folded] == 1
    assert owners.taken == {0: "fold"}
    owners.only(folded)
    assert set(owners.of) == {x, folded}


class Step:
    """A converted step, as far as owners look at it."""

    def __init__(self, name):
        self.name = name

    def give(self, x, op):
        self.x, self.responses = x, type("Responses", (), {})()
        self.responses.transform = op


def test_native_steps_stand_on_the_host_with_their_reason():
    model = make_pipeline(StandardScaler(), Shift(), LogisticRegression()).fit(d.X, d.Y_BINARY)
    ours = fast(model)
    ours.predict(d.X)
    step = steps_of(ours.explain())["shift"]
    assert (step.backend, step.reason, step.device, step.dtype) == (
        "native",
        "no converter",
        "host",
        "float64",
    )
    stages = ours.explain("predict").stages
    assert [s.where for s in stages] == ["device", "host", "device"]
    assert stages[1].ops == ("Native(Shift.transform: no converter)",)
    assert all(s.seconds is None for s in stages)


def test_stages_are_those_of_programs_made():
    ours = fast(LogisticRegression().fit(d.X, d.Y_BINARY))
    assert ours.explain().stages == ()
    ours.predict(d.X)
    assert {s.method for s in ours.explain().stages} == {"predict"}


@pytest.mark.parametrize("asked", [None, "predict_proba"])
def test_rows_are_measured_stage_by_stage(asked):
    ours = fast(mixed())
    plan = ours.explain(asked, X=d.FRAME) if asked else ours.explain(d.FRAME)
    methods = {"predict", "predict_proba", "predict_log_proba", "decision_function"}
    assert {t.method for t in plan.timings} == ({asked} if asked else methods)
    assert plan.n_rows == len(d.FRAME)
    for timing in plan.timings:
        assert timing.native > 0
        stages = [s for s in plan.stages if s.method == timing.method]
        assert 0 < sum(s.seconds for s in stages) < 1
        assert stages[0].where == "host"
        assert stages[0].bytes_out == stages[1].bytes_in - 2 * 8 * d.N  # codes, and two numbers
        assert stages[-1].bytes_out in (8 * d.N, 2 * 8 * d.N)
    text = str(plan)
    assert "measured on 150 rows" in text
    assert re.search(r"^predict_proba +device .* [µm]?s +", text, re.MULTILINE)


def test_what_no_program_answers_is_timed_natively():
    plan = fast(Shift().fit(d.X)).explain(d.X)
    (timing,) = plan.timings
    assert (timing.ours, timing.note) == (None, "no converter")
    assert timing.native > 0
    model = LogisticRegression().fit(d.X, d.Y_BINARY)
    tied = {t.method: t for t in fast(model).explain(on_the_boundary(model)).timings}
    assert tied["predict"].ours is None
    assert "guard" in tied["predict"].note
    assert tied["predict_proba"].ours > 0
    listed = fast(StandardScaler().fit(d.X)).explain(d.X.tolist())
    assert listed.timings[0].note == "input of type list"


def test_a_diagram_tells_native_steps_apart():
    model = Pipeline(
        [
            ("both", FeatureUnion([("s", StandardScaler()), ("odd", Shift())])),
            ("skip", "passthrough"),
            ("model", LogisticRegression()),
        ]
    ).fit(d.X, d.Y_BINARY)
    ours = fast(model)
    ours.predict(d.X)
    html = ours.explain()._repr_html_()
    assert "sk-top-container" in html or "sk-container" in html
    names = re.findall(r">(\w+)<span class=\"sktensor-(\w+)\"", html)
    assert names == [
        ("StandardScaler", "torch"),
        ("Shift", "native"),
        ("LogisticRegression", "torch"),
    ]
    assert "no converter" in html
    assert html.count("<table>") == 2
    assert "\u2997" not in html


@pytest.mark.parametrize("kind", ["single", "columns", "voting"])
def test_any_estimator_has_a_diagram(kind):
    model = {
        "single": LogisticRegression(),
        "columns": make_column_transformer((MinMaxScaler(), [0]), remainder="passthrough"),
        "voting": VotingClassifier([("a", LogisticRegression())]),
    }[kind]
    html = fast(model.fit(d.X, d.Y_BINARY)).explain()._repr_html_()
    assert "sktensor-torch" in html


def test_a_plan_is_a_frame():
    ours = fast(mixed())
    frame = ours.explain().to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert {"name", "backend", "device", "dtype", "n_bytes", "taken_by"} <= set(frame)
    assert len(frame) == 3


@pytest.mark.parametrize(
    ("n", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (123456, "123 kB"), (2e12, "2e+03 GB")],
)
def test_bytes_are_said_to_three_digits(n, said):
    assert in_bytes(int(n)) == said


def test_seconds_are_said_to_three_digits():
    said = [in_seconds(t) for t in (None, 2.5, 0.0123, 4.56e-5, 1e-9)]
    assert said == ["", "2.5 s", "12.3 ms", "45.6 µs", "0.001 µs"]


# --- what is logged


def lines(caplog, level):
    return [r.getMessage() for r in caplog.records if r.levelno == level and r.name == "sktensor"]


def test_each_compilation_is_one_line(caplog):
    caplog.set_level(logging.INFO, "sktensor")
    ours = fast(RandomForestClassifier(3, random_state=0).fit(d.X, d.Y_BINARY))
    for _ in range(2):
        ours.predict(d.X)
    (line,) = lines(caplog, logging.INFO)
    assert re.fullmatch(
        r"compiled predict of RandomForestClassifier for numpy of 6 columns in \d+ ms: "
        r"1 of 1 steps, 1 stages, on cpu",
        line,
    )


def test_each_fallback_is_one_line_with_its_reason(caplog):
    model = make_pipeline(Shift(), LogisticRegression()).fit(d.X, d.Y_BINARY)
    ours = fast(model)
    ours.predict(d.X)
    caplog.set_level(logging.INFO, "sktensor")
    ours.predict(d.X.tolist())
    assert lines(caplog, logging.INFO) == ["predict answered natively: input of type list"]
    caplog.clear()
    ours.predict(d.X.astype(np.float32))
    assert "shift (Shift) runs natively: no converter" in lines(caplog, logging.INFO)


def test_values_that_send_a_call_home_are_one_line(caplog):
    model = LogisticRegression().fit(d.X, d.Y_BINARY)
    ours, tied = fast(model), on_the_boundary(model)
    ours.predict(d.X)
    caplog.set_level(logging.INFO, "sktensor")
    assert (ours.predict(tied) == model.predict(tied)).all()
    (line,) = lines(caplog, logging.INFO)
    assert re.fullmatch("predict answered natively: .* guard .*", line)


def test_passes_are_told_before_and_after(caplog):
    caplog.set_level(logging.DEBUG, "sktensor")
    fast(mixed()).predict(d.FRAME)
    said = lines(caplog, logging.DEBUG)
    (before,) = (line for line in said if line.startswith("fold_one_hot before: "))
    (after,) = (line for line in said if line.startswith("fold_one_hot after: "))
    assert "OneHot" in before
    assert "GatherSum" in after
    assert "OneHot" not in after


def test_nothing_is_printed(capsys):
    fast(mixed()).predict(d.FRAME)
    assert capsys.readouterr() == ("", "")
