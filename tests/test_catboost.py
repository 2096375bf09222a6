"""CatBoost: floats at borders, labels, names, and estimators that are changed in place."""

from __future__ import annotations

import pickle
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy import sparse
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktensor import TensorAccelerated

from .cases import data as d
from .cases.catboost import CASES, EDGES, classifier, regressor
from .support import assert_answers_alike, assert_same, assert_same_outcome

OF_ARRAYS = [case for case in CASES if case.frame]
FRAME = pd.DataFrame(d.X_NAN, columns=list("abcdef"))


def fast(estimator):
    return TensorAccelerated(estimator, device="cpu")


def reason(estimator, X, method="predict"):
    """Why the method runs natively for rows, which are answered as they are natively."""
    ours = fast(estimator)
    assert_same_outcome(lambda: getattr(ours, method)(X), lambda: getattr(estimator, method)(X))
    (step,) = ours.explain(method).steps
    assert step.backend == "native"
    return step.reason


def at_borders(estimator, X):
    """Rows of X with one value put at a border, beside it, and halfway to the next float32."""
    rng, rows = np.random.default_rng(0), []
    for feature, borders in estimator.get_borders().items():
        for border in np.array(borders, np.float32):
            with np.errstate(over="ignore"):  # the largest float is a border of what may be missing
                above, below = np.nextafter(border, np.array([np.inf, -np.inf], np.float32))
            middle = (np.float64(border) + np.float64(above)) / 2
            rounded = [np.nextafter(middle, -np.inf), middle, np.nextafter(middle, np.inf)]
            for value in (border, above, below, *rounded, np.nan, np.inf, -np.inf, -0.0):
                row = X[rng.integers(len(X))].astype(np.float64)
                row[feature] = value
                rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("case", OF_ARRAYS, ids=lambda case: type(case.estimator).__name__)
def test_values_at_borders_go_where_they_go_natively(case):
    X = d.X if case.X is None else case.X
    estimator = type(case.estimator)(**case.estimator.get_params())
    estimator.fit(X, case.y, **case.fit_params)
    rows = at_borders(estimator, X)
    with np.errstate(over="ignore"):
        narrow = rows.astype(np.float32)
    for some in (rows, narrow, np.asfortranarray(rows), rows[:1]):
        assert_answers_alike(estimator, some, native=case.native, exact=case.exact)


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"]
)
def test_integers_are_read(dtype):
    X = np.abs(np.round(d.X * (20 if dtype != "bool" else 1))).astype(dtype)
    model = regressor().fit(X, d.Y_REAL)
    assert_answers_alike(model, X, exact=True)
    frame = pd.DataFrame(X).add_prefix("c").astype({"c1": "float64", "c2": "float32"})
    assert_answers_alike(model, frame, exact=True)


def test_long_integers_are_rounded_once():
    low, high = np.float32(2.0**62), np.nextafter(np.float32(2.0**62), np.float32(np.inf))
    X = np.repeat(np.array([[low, 0], [high, 0]]), 50, axis=0)
    model = regressor(iterations=1).fit(X, np.repeat([0.0, 1.0], 50))
    border = int(low)
    step = int(np.spacing(low))
    rows = np.array([[border + step // 2 + i, 0] for i in (-1, 0, 1, 2)])
    frame = pd.DataFrame(rows).astype({1: "float64"})
    for table in (rows, rows.astype(np.uint64), frame, frame.astype({0: "uint64"})):
        assert_answers_alike(model, table, exact=True)


def test_names_are_those_fitted_or_native():
    model = regressor().fit(FRAME, d.Y_REAL)
    for table in (FRAME, FRAME.iloc[:1], d.X_NAN):
        assert_answers_alike(model, table, exact=True)
    assert "other than those fitted" in reason(model, FRAME[list("fedcba")])
    for names in (list("abcdeg"), range(6), list("aabcde")):
        assert reason(model, FRAME.set_axis(names, axis=1))
    of_arrays = regressor().fit(d.X_NAN, d.Y_REAL)
    assert_answers_alike(of_arrays, FRAME, exact=True)
    assert "same name" in reason(of_arrays, FRAME.set_axis(list("aabcde"), axis=1))
    of_numbers = regressor().fit(FRAME.set_axis(range(6), axis=1), d.Y_REAL)
    for table in (FRAME, FRAME.set_axis(range(6), axis=1), FRAME.set_axis(range(1, 7), axis=1)):
        assert_answers_alike(of_numbers, table, exact=True, compiled=False)


@pytest.mark.parametrize(
    ("X", "why"),
    [
        (d.X_NAN[:, :5], "columns where 6 were fitted"),
        (np.hstack([d.X_NAN, d.X]), "columns where 6 were fitted"),
        (d.X_NAN.astype(object), "array of objects"),
        (d.X_NAN.astype(str), "array of objects"),
        (sparse.csr_matrix(d.X), "sparse input"),
        (FRAME.astype({"a": object}), "a column of object"),
        (FRAME.astype({"a": "category"}), "a column of category"),
        (FRAME.astype({"a": "Float64"}), "a column of Float64"),
        (pl.DataFrame({name: FRAME[name].to_numpy() for name in FRAME}), "a polars DataFrame"),
    ],
)
def test_odd_tables_are_answered_natively(X, why):
    model = regressor().fit(d.X_NAN, d.Y_REAL)
    assert why in reason(model, X)


@pytest.mark.parametrize("threshold", [None, 0.001, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("y", [d.Y_LABELS, d.Y_BINARY == 1])
def test_thresholds_of_probability_decide(threshold, y):
    model = classifier().fit(d.X_NAN, y)
    ours = fast(model)
    assert_same(ours.predict(d.X_NAN), model.predict(d.X_NAN))
    model.set_probability_threshold(threshold)
    assert_same(ours.predict(d.X_NAN), model.predict(d.X_NAN))
    assert ours.explain("predict").steps[0].backend == "torch"


def test_the_threshold_of_a_class_is_found_to_the_last_bit():
    model = classifier(iterations=1).fit(d.X, d.Y_BINARY)
    (margin,) = np.unique(model.predict(d.X[:1], prediction_type="RawFormulaVal"))
    for bias in np.nextafter(-margin, [-np.inf, -margin, np.inf]):
        model.set_scale_and_bias(1.0, float(bias))
        assert_answers_alike(model, d.X)


@pytest.mark.parametrize("loss", ["MultiClass", "MultiClassOneVsAll"])
def test_the_first_of_equal_classes_is_chosen(loss):
    model = classifier(loss_function=loss, iterations=1).fit(d.X, d.Y_MULTI)
    leaves = np.random.default_rng(0).integers(0, 2, len(model.get_leaf_values()))
    model.set_leaf_values(leaves.astype(float))
    assert_answers_alike(model, d.X)


def test_scale_and_bias_are_applied():
    model = regressor().fit(d.X_NAN, d.Y_REAL)
    model.set_scale_and_bias(0.37, 1.7)
    assert_answers_alike(model, d.X_NAN, exact=True)
    model = classifier().fit(d.X_NAN, d.Y_MULTI)
    model.set_scale_and_bias(3.7, [0.1, -0.2, 0.3, 0.4])
    assert_answers_alike(model, d.X_NAN)


@pytest.mark.parametrize("bias", [-800.0, -720.0, -690.0, 690.0, 800.0])
def test_exponentials_may_be_at_the_ends_of_what_a_float_holds(bias):
    model = regressor(loss_function="Poisson").fit(d.X_NAN, d.Y_POSITIVE)
    model.set_scale_and_bias(1.0, bias)
    for rows in (d.X_NAN, d.X_NAN[:1], d.X_NAN[:3]):
        assert_answers_alike(model, rows)


def changes():
    yield "scale", lambda model: model.set_scale_and_bias(2.0, 0.5)
    yield "leaves", lambda model: model.set_leaf_values(model.get_leaf_values() * 2)
    yield "leaves then scale", lambda model: _set_leaves_and_scale(model)
    yield "shrink", lambda model: model.shrink(3)
    yield "fit", lambda model: model.fit(d.X_NAN, -d.Y_REAL)
    yield "load", _load_another
    yield "fit alike", lambda model: model.fit(d.X_NAN, d.Y_REAL)


def _load_another(model):
    other = regressor().fit(d.X_NAN, -d.Y_REAL)
    with TemporaryDirectory() as folder:
        other.save_model(f"{folder}/model.cbm")
        model.load_model(f"{folder}/model.cbm")


def _set_leaves_and_scale(model):
    model.set_leaf_values(model.get_leaf_values() * 2)
    model.set_scale_and_bias(*model.get_scale_and_bias())


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("change", [c for _, c in changes()], ids=[name for name, _ in changes()])
def test_a_change_in_place_is_seen(change, answered):
    model = regressor().fit(d.X_NAN, d.Y_REAL)
    pipe = make_pipeline(StandardScaler(), regressor()).fit(d.X_NAN, d.Y_REAL)
    for estimator, inner in ((model, model), (pipe, pipe[-1])):
        ours = fast(estimator)
        if answered:  # leaves set after an answer change no more answers natively
            assert_same(ours.predict(d.X_NAN), estimator.predict(d.X_NAN), exact=True)
        change(inner)
        assert_same(ours.predict(d.X_NAN), estimator.predict(d.X_NAN), exact=True)


def test_answers_change_nothing_of_it():
    model = classifier().fit(d.X_NAN, d.Y_LABELS)
    ours = fast(model)
    ours.predict(d.X_NAN)
    model.predict(d.X_NAN)
    program = ours.explain("predict")
    assert str(program) == str(ours.explain("predict"))
    assert model.get_scale_and_bias() == classifier().fit(d.X_NAN, d.Y_LABELS).get_scale_and_bias()


def test_saved_and_loaded_models_are_compiled(tmp_path):
    for model, methods in (
        (regressor().fit(FRAME, d.Y_REAL), ("predict",)),
        (classifier().fit(FRAME, d.Y_TEXT), ("predict", "predict_proba")),
    ):
        again = pickle.loads(pickle.dumps(model))
        assert_answers_alike(again, FRAME, methods=methods)
        loaded = type(model)()
        for form in ("cbm", "json"):
            model.save_model(tmp_path / f"model.{form}", format=form)
            loaded.load_model(tmp_path / f"model.{form}", format=form)
            assert_answers_alike(loaded, FRAME, methods=methods)
        ours = pickle.loads(pickle.dumps(fast(model)))
        assert_same(ours.predict(FRAME), model.predict(FRAME))


def test_columns_that_nothing_is_learned_from_are_passed_over():
    X = np.column_stack([np.ones(d.N), d.X_NAN[:, :2], np.full(d.N, np.nan)])
    for fitted in (X, pd.DataFrame(X, columns=list("abcd"))):
        model = regressor().fit(fitted, d.Y_REAL)
        for table in (X, pd.DataFrame(X, columns=list("abcd")), X * 2):
            assert_answers_alike(model, table, exact=True)
    model = regressor(ignored_features=[0, 2]).fit(d.X_NAN, d.Y_REAL)
    assert_answers_alike(model, d.X_NAN, exact=True)
    assert_answers_alike(regressor().fit(d.X[:, :1], d.Y_REAL), d.X[:, :1], exact=True)


def test_frames_made_on_the_way_are_read():
    frame = FRAME.fillna(0.0)
    scaler = StandardScaler().set_output(transform="pandas")
    for y, last in ((d.Y_REAL, regressor()), (d.Y_TEXT, classifier())):
        pipe = make_pipeline(scaler, last).fit(frame, y)
        assert_answers_alike(pipe, frame)


def test_tensors_are_answered_by_tensors():
    model = classifier().fit(d.X_NAN, d.Y_MULTI)
    rows = torch.from_numpy(d.X_NAN)
    for method in ("predict", "predict_proba"):
        ours = getattr(fast(model), method)(rows)
        assert isinstance(ours, torch.Tensor)
        assert_same(ours.numpy(), getattr(model, method)(d.X_NAN))


def test_it_is_compiled_within_others():
    for y in (d.Y_BINARY, d.Y_MULTI):
        pipe = make_pipeline(StandardScaler(), classifier()).fit(d.X_NAN, y)
        for X in (d.X_NAN, d.X_NAN.astype(np.float32), EDGES[:4]):
            assert_answers_alike(pipe, X)
        voting = VotingClassifier([("a", classifier()), ("b", classifier(depth=2))], voting="soft")
        assert_answers_alike(voting.fit(d.X_NAN, y), d.X_NAN)
    voting = VotingRegressor([("a", regressor()), ("b", regressor(depth=2))])
    assert_answers_alike(voting.fit(d.X_NAN, d.Y_REAL), d.X_NAN)
    hard = VotingClassifier([("a", classifier()), ("b", classifier(depth=2))])
    assert_answers_alike(hard.fit(d.X_NAN, d.Y_BINARY), d.X_NAN, compiled=False)
    hard.fit(d.X_NAN, d.Y_MULTI)
    assert_answers_alike(hard, d.X_NAN, compiled=False)


class Halves:
    """A loss of one's own."""

    def calc_ders_range(self, approxes, targets, weights):
        return [(t - a, -1.0) for a, t in zip(approxes, targets)]


def test_losses_of_ones_own_are_native():
    model = regressor(loss_function=Halves(), eval_metric="RMSE").fit(d.X_NAN, d.Y_REAL)
    assert "one's own" in reason(model, d.X_NAN)


def test_what_is_not_known_is_native(monkeypatch):
    model = regressor().fit(d.X_NAN, d.Y_REAL)
    module = "sktensor.converters.catboost.model"
    for name, why in (
        ("DOCUMENT", "the model"),
        ("FEATURE", "a feature"),
        ("OBLIVIOUS", "a tree"),
        ("SPLIT", "a split"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(f"{module}.{name}", set())
            assert f"fields of {why} that are not known" in reason(model, d.X_NAN)
    assert_answers_alike(model, d.X_NAN, exact=True)
