"""Boosting models that are not known, or not ours to compile: native, with the reason."""

from __future__ import annotations

import json
import warnings

import lightgbm
import numpy as np
import pytest
import xgboost

from sktensor import TensorAccelerated

from .cases import data as d
from .cases.xgboost import NO_APPLY
from .support import assert_answers_alike
from .test_boosting import SMALL_LGB, SMALL_XGB


def reason(estimator, X, method="predict"):
    ours = TensorAccelerated(estimator, device="cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        getattr(ours, method)(X)
    [step] = ours.explain(method).steps
    assert step.backend == "native"
    return step.reason


def test_categories_that_run_natively():
    frame = d.FRAME[["a", "size"]]
    numbers = frame.assign(size=1.0)
    fitted = xgboost.XGBClassifier(**SMALL_XGB, enable_categorical=True).fit(frame, d.Y_BINARY)
    assert_answers_alike(fitted, frame, native=NO_APPLY)
    fitted = lightgbm.LGBMClassifier(**SMALL_LGB).fit(frame, d.Y_BINARY)
    assert_answers_alike(fitted, frame)
    with pytest.raises(ValueError, match="categorical_feature do not match"):
        TensorAccelerated(fitted, device="cpu").predict(numbers)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda learner: learner.update(extra=1), "fields of the model that are not known: extra"),
        (lambda learner: learner["objective"].update(name="reg:new"), "'reg:new' is not known"),
        (
            lambda learner: learner["gradient_booster"]["model"]["trees"][0].update(gate=[1]),
            "fields of a tree that are not known: gate",
        ),
        (lambda learner: learner["gradient_booster"].update(name="gbnew"), "booster 'gbnew'"),
        (
            lambda learner: learner["learner_model_param"].update(shift="1"),
            "fields of the learner that are not known: shift",
        ),
        (
            lambda learner: learner["gradient_booster"]["model"]["trees"][0].update(
                split_type=[2] * 99
            ),
            "of a kind that is not known",
        ),
    ],
)
def test_an_xgboost_model_that_is_not_known(change, expected, monkeypatch):
    fitted = xgboost.XGBRegressor(**SMALL_XGB).fit(d.X, d.Y_REAL)
    raw = xgboost.Booster.save_raw

    def changed(self, format):
        document = json.loads(bytes(raw(self, format)))
        change(document["learner"])
        return json.dumps(document).encode()

    monkeypatch.setattr(xgboost.Booster, "save_raw", changed)
    assert expected in reason(fitted, d.X)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("num_class=1", "num_class=1\nextra=1", "fields of the model that are not known: extra"),
        ("version=v4", "version=v5", "version 'v5'"),
        ("objective=regression", "objective=new", "objective 'new' is not known"),
        ("is_linear=0", "is_linear=0\ngate=1", "fields of a tree that are not known: gate"),
        ("decision_type=", "decision_type=16 ", "of a kind that is not known"),
        ("leaf_value=", "leaf_value=1 ", "parts do not fit"),
        ("threshold=", "threshold=x ", "cannot be read"),
        ("is_linear=0", "is_linear=1", "parts do not fit"),
        ("left_child=", "left_child=0 ", "cannot be read"),
        ("left_child=1 ", "left_child=99 ", "children that it lacks"),
        ("cat_boundaries=0 ", "cat_boundaries=0 1 ", "sets of categories that are not whole"),
        ("cat_threshold=", "cat_threshold=1 ", "sets of categories that are not whole"),
    ],
)
def test_a_lightgbm_model_that_is_not_known(old, new, expected, monkeypatch):
    rows = np.column_stack([d.X, d.CODES[:, 0]])
    target = d.Y_REAL + 5.0 * (d.CODES[:, 0] == 2)
    params = SMALL_LGB | {"max_cat_to_onehot": 1, "min_data_per_group": 1, "cat_smooth": 1.0}
    fitted = lightgbm.LGBMRegressor(**params).fit(rows, target, categorical_feature=[6])
    text = fitted.booster_.model_to_string()
    assert old in text
    monkeypatch.setattr(
        lightgbm.Booster, "model_to_string", lambda self, num_iteration: text.replace(old, new)
    )
    assert expected in reason(fitted, rows)
