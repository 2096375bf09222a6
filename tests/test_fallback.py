"""What becomes of answers that cannot be compiled, and of programs that fail."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import SparsePCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sktensor import TensorAccelerated, Unsupported
from sktensor import engine as module
from sktensor.program import Program

from .support import assert_same, assert_same_outcome

RNG = np.random.RandomState(0)
X = RNG.randn(40, 3)
Y = (X[:, 0] > 0).astype(int)


class Shift(TransformerMixin, BaseEstimator):
    """A transformer without a converter, which takes no NaN."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        if np.isnan(X).any():
            raise ValueError("no NaN, please")
        return np.asarray(X) + 1


def mixed():
    columns = ColumnTransformer([("s", StandardScaler(), [0]), ("odd", Shift(), [1, 2])])
    return Pipeline(
        [("columns", columns), ("again", FunctionTransformer(lambda X: X * 2)), ("model", KNN)]
    )


KNN = KNeighborsClassifier(p=1)


def test_every_native_step_is_named_with_its_reason():
    native = mixed().fit(X, Y)
    ours = TensorAccelerated(native, device="cpu", fallback="raise")
    with pytest.raises(Unsupported) as error:
        ours.predict(X)
    said = str(error.value)
    assert said.startswith("predict cannot be compiled: ")
    for name in ("columns__odd (Shift): no converter", "again (FunctionTransformer): "):
        assert name in said
    assert_same(ours.set_params(fallback="native").predict(X), native.predict(X))
    plan = ours.explain("predict")
    listed = [s for s in plan.steps if s.backend == "native"]
    assert all(f"{s.name} ({s.estimator}): {s.reason}" in said for s in listed)


def test_what_is_compiled_in_full_is_answered():
    native = LogisticRegression().fit(X, Y)
    ours = TensorAccelerated(native, device="cpu", fallback="raise")
    assert_same(ours.predict_proba(X), native.predict_proba(X))
    assert ours.score(X, Y) == native.score(X, Y)


@pytest.mark.parametrize("bad", [X[:, :2], X[0], [["a", "b", "c"]], X[:0], None])
def test_the_native_error_comes_first(bad):
    native = LogisticRegression().fit(X, Y)
    ours = TensorAccelerated(native, device="cpu", fallback="raise")
    assert_same_outcome(lambda: ours.predict(bad), lambda: native.predict(bad))


def test_what_goes_the_native_way_for_other_reasons_is_refused_too():
    scaler = StandardScaler().fit(X)
    ours = TensorAccelerated(scaler, device="cpu", fallback="raise")
    for call in (
        lambda: ours.transform(X.tolist()),
        lambda: ours.transform(X, copy=True),
        lambda: ours.inverse_transform(X),
    ):
        with pytest.raises(Unsupported, match="cannot be compiled"):
            call()
    assert_same(ours.transform(X), scaler.transform(X))
    assert_same(TensorAccelerated(scaler, fallback="raise").fit_transform(X), scaler.transform(X))


def failing(self, X, doubtful=None):
    raise ZeroDivisionError("a bug")


def test_a_program_that_fails_is_reported_and_replaced(monkeypatch, caplog):
    native = LogisticRegression().fit(X, Y)
    ours = TensorAccelerated(native, device="cpu")
    monkeypatch.setattr(Program, "__call__", failing)
    with (
        caplog.at_level(logging.WARNING, "sktensor"),
        pytest.warns(RuntimeWarning, match="sktensor failed at predict of LogisticReg") as warned,
    ):
        answer = ours.predict(X)
    assert_same(answer, native.predict(X))
    assert warned[0].filename == __file__
    assert "please report ZeroDivisionError('a bug')" in str(warned[0].message)
    assert "ZeroDivisionError" in caplog.text
    assert_same(ours.predict(X), native.predict(X))
    strict = TensorAccelerated(native, device="cpu", fallback="raise")
    with pytest.raises(ZeroDivisionError):
        strict.predict(X)


def test_a_compiler_that_fails_is_reported_and_replaced(monkeypatch):
    native = LogisticRegression().fit(X, Y)
    ours = TensorAccelerated(native, device="cpu")
    monkeypatch.setattr(module, "build", failing)
    with pytest.warns(RuntimeWarning, match="please report") as warned:
        answer = ours.predict(X)
    assert_same(answer, native.predict(X))
    assert warned[0].filename == __file__
    assert_same(ours.predict(X), native.predict(X))
    assert_same_outcome(lambda: ours.predict(X[0]), lambda: native.predict(X[0]))


def test_a_native_error_is_not_said_to_come_of_a_program():
    native = LogisticRegression().fit(X, Y)
    ours = TensorAccelerated(native, device="cpu")
    ours.predict(X)
    with pytest.raises(ValueError, match="contains NaN") as error:
        ours.predict(np.full((3, 3), np.nan))
    assert error.value.__context__ is None
    assert error.value.__cause__ is None


def test_rows_that_a_step_refuses_tell_nothing_of_others():
    steps = [("scale", StandardScaler()), ("odd", Shift()), ("model", LogisticRegression())]
    native = Pipeline(steps).fit(X, Y)
    ours = TensorAccelerated(native, device="cpu")
    bad = np.full((3, 3), np.nan)
    assert_same_outcome(lambda: ours.predict(bad), lambda: native.predict(bad))
    assert_same(ours.predict(X), native.predict(X))
    compiled = [s.name for s in ours.explain("predict").steps if s.backend == "torch"]
    assert compiled == ["scale", "model"]


def test_the_plan_is_of_input_like_the_last():
    native = LogisticRegression().fit(X, Y)
    ours = TensorAccelerated(native, device="cpu")
    assert str(ours.explain()).startswith("1 of 1 steps compiled, on cpu")
    ours.predict(X)
    ours.predict(X.astype(np.float32))
    with pytest.raises(AttributeError, match="no response method 'transform'"):
        ours.explain("transform")


def test_a_step_that_makes_no_table_of_a_single_row():
    def fitted():
        sparse = SparsePCA(1, max_iter=5, random_state=0)  # which makes one value of one row
        front = ColumnTransformer([("sparse", sparse, [1]), ("odd", Shift(), [0])])
        return Pipeline([("front", front), ("odd", Shift())]).fit(X)

    native, ours = fitted(), TensorAccelerated(fitted(), device="cpu")
    for rows in (X[:1], X, X[:1]):
        assert_same_outcome(lambda x=rows: ours.transform(x), lambda x=rows: native.transform(x))
