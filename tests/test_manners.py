"""Inside scikit-learn's own tools: searches, ensembles, inspection. Native results throughout."""

from __future__ import annotations

import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.inspection import DecisionBoundaryDisplay, partial_dependence, permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from sktensor import TensorAccelerated

from .support import METHODS, assert_same, assert_same_outcome

RNG = np.random.RandomState(0)
X = RNG.randn(90, 4)
Y = (X[:, 0] + X[:, 1] + 0.5 * RNG.randn(90) > 0).astype(int)
FRAME = pd.DataFrame(X, columns=list("abcd"))
PIPE = make_pipeline(StandardScaler(), LogisticRegression())
FOREST = RandomForestClassifier(5, random_state=0)


def fast(estimator):
    return TensorAccelerated(estimator, device="cpu")


SCORES = ("mean_test_score", "std_test_score", "rank_test_score", "mean_train_score")


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("scoring", [None, "roc_auc", ["accuracy", "neg_log_loss"]])
def test_a_grid_search_finds_the_same(n_jobs, scoring):
    grid = {"logisticregression__C": [0.01, 1.0, 10.0], "standardscaler": [None, MinMaxScaler()]}
    params = {"n_jobs": n_jobs, "cv": 3, "scoring": scoring, "return_train_score": True}
    params["refit"] = "accuracy" if isinstance(scoring, list) else True
    native = GridSearchCV(clone(PIPE), grid, **params).fit(X, Y)
    outside = {f"estimator__{name}": values for name, values in grid.items()}
    ours = GridSearchCV(fast(clone(PIPE)), outside, **params).fit(X, Y)
    inside = fast(GridSearchCV(clone(PIPE), grid, **params)).fit(X, Y)
    scores = [k for k in native.cv_results_ if "test" in k or "train" in k]
    assert scores
    for search in (ours, inside):
        for key in scores:
            assert_same(search.cv_results_[key], native.cv_results_[key], exact="loss" not in key)
        assert search.best_index_ == native.best_index_
        assert_same(search.predict_proba(X), native.predict_proba(X))
        assert search.score(X, Y) == native.score(X, Y)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_randomized_search_finds_the_same(n_jobs):
    params = {"n_iter": 3, "n_jobs": n_jobs, "cv": 3, "random_state": 0}
    native = RandomizedSearchCV(clone(FOREST), {"max_depth": [1, 2, 3, 4]}, **params).fit(X, Y)
    grid = {"estimator__max_depth": [1, 2, 3, 4]}
    ours = RandomizedSearchCV(fast(clone(FOREST)), grid, **params).fit(X, Y)
    for key in ("mean_test_score", "std_test_score", "rank_test_score"):
        assert_same(ours.cv_results_[key], native.cv_results_[key], exact=True)
    assert ours.best_estimator_.predict(X).tolist() == native.predict(X).tolist()


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_cross_val_predict(method):
    assert_same(
        cross_val_predict(fast(PIPE), X, Y, method=method, cv=3),
        cross_val_predict(PIPE, X, Y, method=method, cv=3),
    )


@pytest.mark.parametrize("estimator", [PIPE, FOREST, Ridge(), KMeans(2, n_init=1, random_state=0)])
def test_cross_validation(estimator):
    assert_same(
        cross_val_score(fast(estimator), X, Y, cv=3), cross_val_score(estimator, X, Y, cv=3)
    )
    ours = cross_validate(fast(estimator), FRAME, Y, cv=3, return_estimator=True)
    native = cross_validate(estimator, FRAME, Y, cv=3)
    assert_same(ours["test_score"], native["test_score"])
    assert all(isinstance(fitted, TensorAccelerated) for fitted in ours["estimator"])


WITH = {
    "calibrated": lambda wrap: CalibratedClassifierCV(wrap(PIPE), cv=3),
    "calibrated, isotonic": lambda wrap: CalibratedClassifierCV(
        wrap(FOREST), cv=3, method="isotonic", ensemble=False
    ),
    "stacking": lambda wrap: StackingClassifier(
        [("lr", wrap(PIPE)), ("rf", wrap(FOREST))], wrap(LogisticRegression()), cv=3
    ),
    "voting, soft": lambda wrap: VotingClassifier(
        [("lr", wrap(PIPE)), ("rf", wrap(FOREST))], voting="soft"
    ),
    "voting, hard": lambda wrap: VotingClassifier([("lr", wrap(PIPE)), ("rf", wrap(FOREST))]),
    "bagging": lambda wrap: BaggingClassifier(wrap(PIPE), 4, random_state=0),
    "boosting": lambda wrap: AdaBoostClassifier(
        wrap(LogisticRegression()), n_estimators=4, random_state=0
    ),
    "one-vs-rest": lambda wrap: OneVsRestClassifier(wrap(LogisticRegression())),
    "multi-output": lambda wrap: MultiOutputRegressor(wrap(Ridge())),
    "target": lambda wrap: TransformedTargetRegressor(
        wrap(LinearRegression()), transformer=wrap(StandardScaler())
    ),
    "elimination": lambda wrap: RFE(wrap(LogisticRegression()), n_features_to_select=2),
    "selection": lambda wrap: SelectFromModel(wrap(FOREST)),
    "steps": lambda wrap: make_pipeline(wrap(StandardScaler()), wrap(PCA(2)), wrap(FOREST)),
    "first step": lambda wrap: make_pipeline(wrap(StandardScaler()), LogisticRegression()),
    "union": lambda wrap: FeatureUnion([("a", wrap(StandardScaler())), ("b", wrap(PCA(2)))]),
    "columns": lambda wrap: ColumnTransformer(
        [("a", wrap(StandardScaler()), [0, 1])], remainder=wrap(MinMaxScaler())
    ),
    "function": lambda wrap: wrap(make_pipeline(FunctionTransformer(np.abs), StandardScaler())),
    "outliers": lambda wrap: make_pipeline(
        StandardScaler(), wrap(IsolationForest(n_estimators=5, random_state=0))
    ),
    "itself": lambda wrap: wrap(wrap(PIPE)),
}


@pytest.mark.parametrize("table", [X, FRAME], ids=["array", "frame"])
@pytest.mark.parametrize("name", WITH)
def test_as_a_part_of_others(name, table):
    target = np.column_stack([X[:, 0], X[:, 1]]) if name == "multi-output" else Y
    ours, native = WITH[name](fast), WITH[name](clone)
    assert repr(clone(ours)) == repr(ours)
    ours.fit(table, target)
    native.fit(table, target)
    for method in METHODS:
        assert hasattr(ours, method) == hasattr(native, method), method
        if hasattr(native, method):
            assert_same_outcome(
                lambda m=method: getattr(ours, m)(table),
                lambda m=method: getattr(native, m)(table),
            )
    if hasattr(native, "score"):
        assert_same_outcome(lambda: ours.score(table, target), lambda: native.score(table, target))
    outside = fast(native)
    for method in METHODS:
        if hasattr(native, method):
            assert_same_outcome(
                lambda m=method: getattr(outside, m)(table),
                lambda m=method: getattr(native, m)(table),
            )


@pytest.mark.parametrize("name", ["boosting", "bagging", "voting, soft"])
def test_weights_reach_it_inside_others(name):
    ours, native = WITH[name](fast), WITH[name](clone)
    if name == "bagging":
        ours.set_params(estimator=fast(FOREST))
        native.set_params(estimator=FOREST)
    if name == "voting, soft":
        ours.set_params(lr=fast(LogisticRegression()))
        native.set_params(lr=LogisticRegression())
    weight = RNG.rand(90)
    assert_same(
        ours.fit(X, Y, sample_weight=weight).predict_proba(X),
        native.fit(X, Y, sample_weight=weight).predict_proba(X),
    )


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_steps_pass_frames_on(container):
    ours = make_pipeline(fast(StandardScaler()), fast(PCA(2))).set_output(transform=container)
    native = make_pipeline(StandardScaler(), PCA(2)).set_output(transform=container)
    assert_same(ours.fit_transform(FRAME), native.fit_transform(FRAME))
    assert_same(ours.transform(FRAME), native.transform(FRAME))
    assert list(ours.get_feature_names_out()) == list(native.get_feature_names_out())
    assert list(ours[0].feature_names_in_) == list("abcd")
    columns = ColumnTransformer([("s", fast(StandardScaler()), ["b"])], remainder="passthrough")
    columns.set_output(transform=container)
    native = ColumnTransformer([("s", StandardScaler(), ["b"])], remainder="passthrough")
    native.set_output(transform=container)
    assert_same(columns.fit_transform(FRAME), native.fit_transform(FRAME))


def test_permutation_importance():
    native = clone(FOREST).fit(X, Y)
    ours = permutation_importance(fast(native), X, Y, n_repeats=3, random_state=0)
    wanted = permutation_importance(native, X, Y, n_repeats=3, random_state=0)
    assert_same(ours.importances, wanted.importances, exact=True)


@pytest.mark.parametrize("native", [PIPE, FOREST], ids=["pipeline", "forest"])
def test_partial_dependence(native):
    native = clone(native).fit(FRAME, Y)
    ours = partial_dependence(fast(native), FRAME, ["a", "b"], grid_resolution=5)
    wanted = partial_dependence(native, FRAME, ["a", "b"], grid_resolution=5)
    assert_same(ours.average, wanted.average)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_learning_and_validation_curves(n_jobs):
    params = {"cv": 3, "n_jobs": n_jobs}
    assert_same(
        list(learning_curve(fast(PIPE), X, Y, train_sizes=[0.3, 1.0], **params)),
        list(learning_curve(PIPE, X, Y, train_sizes=[0.3, 1.0], **params)),
    )
    named = {"param_range": [1, 3], **params}
    assert_same(
        list(validation_curve(fast(FOREST), X, Y, param_name="estimator__max_depth", **named)),
        list(validation_curve(FOREST, X, Y, param_name="max_depth", **named)),
    )


def test_a_decision_boundary_is_drawn():
    mpl.use("Agg")
    native = clone(PIPE).fit(X[:, :2], Y)
    for method in ("predict", "predict_proba", "decision_function", "auto"):
        params = {"response_method": method, "grid_resolution": 11}
        ours = DecisionBoundaryDisplay.from_estimator(fast(native), X[:, :2], **params)
        wanted = DecisionBoundaryDisplay.from_estimator(native, X[:, :2], **params)
        assert_same(ours.response, wanted.response)
    mpl.pyplot.close("all")


def test_names_of_columns_are_checked_as_natively():
    native = clone(PIPE).fit(FRAME, Y)
    ours = fast(native)
    for table in (
        FRAME[["b", "a", "c", "d"]],
        FRAME.drop(columns="a"),
        FRAME.assign(e=1.0),
        FRAME.rename(columns={"a": "z"}),
        X,
        FRAME,
    ):
        assert_same_outcome(lambda t=table: ours.predict(t), lambda t=table: native.predict(t))
    with pytest.warns(UserWarning, match="does not have valid feature names") as warned:
        ours.predict(X)
    assert warned[0].filename == __file__
    nameless = clone(PIPE).fit(X, Y)
    assert_same_outcome(lambda: fast(nameless).predict(FRAME), lambda: nameless.predict(FRAME))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours.predict(FRAME)
