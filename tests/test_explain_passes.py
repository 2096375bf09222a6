"""`explain` names the pass that took a step."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .cases import data as d
from .support import assert_answers_alike, fitted_quietly

TREES = HistGradientBoostingClassifier(max_iter=3)


@pytest.mark.parametrize(
    ("estimator", "X", "expected"),
    [
        (
            make_pipeline(SimpleImputer(), StandardScaler(), TREES),
            d.X,
            {"simpleimputer": "fold_thresholds", "standardscaler": "fold_thresholds"},
        ),
        (make_pipeline(SelectKBest(k=2), TREES), d.X, {}),  # what it refuses is still looked for
        (make_pipeline(PCA(2), LogisticRegression()), d.X, {}),
        (
            make_pipeline(
                make_column_transformer(
                    (StandardScaler(), ["a"]), (OneHotEncoder(), ["colour", "size"])
                ),
                LogisticRegression(),
            ),
            d.FRAME,
            {
                "columntransformer__standardscaler": "fold_affine",
                "columntransformer__onehotencoder": "fold_one_hot",
            },
        ),
    ],
)
def test_the_pass_is_the_reason(estimator, X, expected):
    fitted = fitted_quietly(estimator, X, d.Y_MULTI)
    ours = assert_answers_alike(fitted, X)
    for method in (None, "predict"):
        steps = ours.explain(method).steps
        assert {s.backend for s in steps} == {"torch"}
        reasons = {s.name: s.reason for s in steps}
        assert {k: f"taken by {v}" for k, v in expected.items()}.items() <= reasons.items()
        assert {v for k, v in reasons.items() if k not in expected} <= {""}


def test_a_step_that_something_else_reads_is_not_taken():
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    fitted = fitted_quietly(pipe, d.X, d.Y_MULTI)
    ours = assert_answers_alike(fitted[:1], np.asarray(d.X))
    assert [s.reason for s in ours.explain().steps] == [""]
