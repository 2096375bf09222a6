"""TensorAccelerated as an estimator: parameters, fitting, methods, attributes, containers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, TransformerMixin, clone, is_classifier, is_regressor
from sklearn.cluster import DBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, IsolationForest, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import RFE
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier, LocalOutlierFactor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    LabelEncoder,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.svm import SVC
from sklearn.utils import estimator_html_repr, get_tags
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from sktensor import TensorAccelerated

from .support import METHODS, assert_same, assert_same_outcome

RNG = np.random.RandomState(0)
X = RNG.randn(60, 4)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
FRAME = pd.DataFrame(X, columns=list("abcd"))
PIPE = make_pipeline(StandardScaler(), LogisticRegression())


def fast(estimator, **params):
    return TensorAccelerated(estimator, device="cpu", **params)


# Parameters


def test_the_constructor_stores_and_does_nothing_else():
    given = {"estimator": object(), "device": object(), "fallback": 3, "batch_size": "many"}
    ours = TensorAccelerated(**given)
    assert vars(ours) == given
    assert all(vars(ours)[name] is value for name, value in given.items())


def test_parameters_but_the_estimator_are_by_name():
    with pytest.raises(TypeError, match="positional"):
        TensorAccelerated(PIPE, "cpu")


def test_parameters_of_the_inner_estimator_are_got_and_set_from_outside():
    ours = fast(clone(PIPE))
    shallow = ours.get_params(deep=False)
    assert set(shallow) == {"estimator", "device", "fallback", "batch_size"}
    deep = ours.get_params()
    assert deep["estimator__logisticregression__C"] == 1.0
    assert deep["estimator__standardscaler"] is ours.estimator[0]
    assert ours.set_params(estimator__logisticregression__C=7.0, batch_size=9) is ours
    assert ours.estimator[-1].C == 7.0
    assert ours.batch_size == 9
    with pytest.raises(ValueError, match="Invalid parameter 'alpha'"):
        ours.set_params(estimator__logisticregression__alpha=1)


def test_a_clone_is_not_fitted_and_has_the_same_parameters():
    ours = fast(clone(PIPE).set_params(logisticregression__C=3.0), batch_size=5).fit(X, Y)
    other = clone(ours)
    assert not hasattr(other, "estimator_")
    assert other.estimator is not ours.estimator
    assert repr(other) == repr(ours)
    with pytest.raises(NotFittedError):
        other.predict(X)
    with pytest.raises(NotFittedError):
        clone(fast(clone(PIPE).fit(X, Y))).predict(X)


def test_a_clone_of_a_frozen_estimator_keeps_its_fit():
    native = clone(PIPE).fit(X, Y)
    ours = clone(fast(FrozenEstimator(native)))
    assert_same(ours.predict_proba(X), native.predict_proba(X))
    assert ours.fit(X, 1 - Y) is ours
    assert_same(ours.predict(X), native.predict(X))


def test_it_is_shown_as_other_meta_estimators_are():
    ours = TensorAccelerated(Ridge(alpha=2.0), batch_size=4)
    assert repr(ours) == "TensorAccelerated(batch_size=4, estimator=Ridge(alpha=2.0))"
    for shown in (ours, ours.fit(X, Y)):
        html = shown._repr_html_()
        assert "TensorAccelerated" in html
        assert "estimator: Ridge" in html
        assert html.count("sk-parallel-item") >= 1
    assert "StandardScaler" in estimator_html_repr(fast(clone(PIPE)))
    assert "Fitted" in estimator_html_repr(fast(clone(PIPE).fit(X, Y)))


@pytest.mark.parametrize("estimator", [LogisticRegression, 3, "ridge", None, object()])
def test_what_is_no_estimator_is_shown_and_refused(estimator):
    ours = fast(estimator)
    assert repr(ours)
    for call in (lambda: ours.fit(X, Y), lambda: ours.predict(X), lambda: ours.transform(X)):
        with pytest.raises(TypeError, match="needs a scikit-learn compatible estimator"):
            call()


def test_a_class_is_refused_with_advice():
    with pytest.raises(TypeError, match=r"give an instance, LogisticRegression\(\.\.\.\)"):
        fast(LogisticRegression).fit(X, Y)


def test_boosters_are_refused_with_the_estimators_to_give():
    xgboost, lightgbm = pytest.importorskip("xgboost"), pytest.importorskip("lightgbm")
    booster = xgboost.XGBClassifier(n_estimators=2).fit(X, Y).get_booster()
    with pytest.raises(TypeError, match=r"xgboost\.Booster: give the XGBClassifier"):
        fast(booster).predict(X)
    booster = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(X, Y).booster_
    with pytest.raises(TypeError, match=r"lightgbm\.Booster: give the LGBMClassifier"):
        fast(booster).predict(X)
    with pytest.raises(TypeError, match=r"lightgbm\.Booster: give the LGBMClassifier"):
        fast(booster).predict_proba(X)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"device": "gpu"}, "The 'device' parameter of TensorAccelerated must be 'auto', 'cpu'"),
        ({"device": "cuda:first"}, "The 'device' parameter"),
        ({"device": "meta"}, "The 'device' parameter"),
        ({"device": 0}, r"The 'device' parameter .* Got 0 instead"),
        ({"device": None}, "The 'device' parameter"),
        ({"fallback": "ignore"}, "The 'fallback' parameter of TensorAccelerated must be a str"),
        ({"fallback": None}, "The 'fallback' parameter"),
        ({"batch_size": 0}, "The 'batch_size' parameter of TensorAccelerated must be an int"),
        ({"batch_size": 2.5}, "The 'batch_size' parameter"),
        ({"batch_size": "all"}, "The 'batch_size' parameter"),
    ],
)
def test_bad_parameters_are_refused_where_they_are_used(params, message):
    native = clone(PIPE).fit(X, Y)
    ours = TensorAccelerated(native, **params)
    for call in (lambda: ours.fit(X, Y), lambda: ours.predict(X), ours.explain):
        with pytest.raises(ValueError, match=message):
            call()
    good = fast(native)
    good.predict(X)
    with pytest.raises(ValueError, match=message):
        good.set_params(**params).predict(X)
    assert good.set_params(device="cpu", fallback="native", batch_size=7).predict(X).shape == (60,)


# Fitting


def test_a_fitted_estimator_answers_at_once():
    native = clone(PIPE).fit(X, Y)
    ours = fast(native)
    check_is_fitted(ours)
    assert_same(ours.predict_proba(X), native.predict_proba(X))
    assert not hasattr(ours, "estimator_")


def test_fit_leaves_the_estimator_given_as_it_is():
    given = clone(PIPE)
    ours = fast(given)
    assert ours.fit(X, Y) is ours
    check_is_fitted(ours)
    assert ours.estimator is given
    with pytest.raises(NotFittedError):
        check_is_fitted(given)
    assert_same(ours.predict_proba(X), clone(PIPE).fit(X, Y).predict_proba(X))
    fitted = clone(PIPE).fit(X, Y)
    before = fitted[-1].coef_.copy()
    assert (fast(fitted).fit(X, 1 - Y).predict(X) == 1 - fitted.predict(X)).all()
    np.testing.assert_array_equal(fitted[-1].coef_, before)


def test_fit_takes_what_the_inner_fit_takes():
    weights = np.linspace(0.1, 3, 60)
    native = LogisticRegression().fit(X, Y, weights)
    for ours in (
        fast(LogisticRegression()).fit(X, Y, weights),
        fast(LogisticRegression()).fit(X, Y, sample_weight=weights),
        fast(LogisticRegression()).fit(X=X, y=Y, sample_weight=weights),
        fast(clone(PIPE)[-1]).fit(torch.from_numpy(X), torch.from_numpy(Y), weights),
    ):
        assert_same(ours.predict_proba(X), native.predict_proba(X), exact=False)
    assert_same_outcome(
        lambda: fast(LogisticRegression()).fit(X), lambda: LogisticRegression().fit(X)
    )
    assert_same_outcome(
        lambda: fast(LogisticRegression()).fit(X, Y, weight=1),
        lambda: LogisticRegression().fit(X, Y, weight=1),
    )
    assert list(fast(LabelEncoder()).fit(list("abc")).classes_) == ["a", "b", "c"]
    ours = fast(clone(PIPE)).fit(X, Y, logisticregression__sample_weight=weights)
    native = clone(PIPE).fit(X, Y, logisticregression__sample_weight=weights)
    assert_same(ours.predict_proba(X), native.predict_proba(X))


def test_the_signature_of_fit_tells_whether_it_takes_weights():
    assert has_fit_parameter(fast(Ridge()), "sample_weight")
    assert not has_fit_parameter(fast(KNeighborsClassifier()), "sample_weight")
    assert has_fit_parameter(fast(SGDClassifier()), "coef_init")


def test_a_fit_that_fails_leaves_the_fit_before():
    ours = fast(LogisticRegression()).fit(X, Y)
    before = ours.predict_proba(X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ours.fit(X, Y[:-1])
    assert_same(ours.predict_proba(X), before)


@pytest.mark.parametrize(
    "estimator", [Ridge(), PIPE, KMeans(2), StandardScaler(), FrozenEstimator(Ridge())]
)
def test_what_is_not_fitted_says_so(estimator):
    ours = fast(clone(estimator))
    with pytest.raises(NotFittedError, match="TensorAccelerated instance is not fitted yet"):
        check_is_fitted(ours)
    for method in ("predict", "transform", "inverse_transform"):
        if hasattr(estimator, method):
            with pytest.raises(NotFittedError, match="is not fitted yet"):
                getattr(ours, method)(X)
    with pytest.raises(NotFittedError, match="TensorAccelerated instance is not fitted yet"):
        ours.explain()


def test_a_pipeline_says_which_step_is_not_fitted():
    fitted = LogisticRegression().fit(X, Y)
    ours = fast(Pipeline([("scale", StandardScaler()), ("model", fitted)]))
    with pytest.raises(NotFittedError, match=r"Not fitted: step 'scale' \(StandardScaler\)\."):
        ours.predict(X)
    scaler = StandardScaler().fit(X)
    inner = make_pipeline(FeatureUnion([("a", scaler), ("b", MinMaxScaler())]), Normalizer())
    ours = fast(Pipeline([("prepare", inner), ("model", fitted)]))
    said = r"Not fitted: step 'prepare__featureunion__b' \(MinMaxScaler\)\."
    with pytest.raises(NotFittedError, match=said):
        ours.predict(X)
    ours = fast(Pipeline([("scale", scaler), ("model", LogisticRegression())]))
    with pytest.raises(NotFittedError, match=r"step 'model' \(LogisticRegression\)"):
        ours.predict(X)


class Doubler(TransformerMixin, BaseEstimator):
    """Needs no fitting, and has nothing that shows whether it was."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return 2 * np.asarray(X)


def test_what_needs_no_fitting_answers():
    assert_same(fast(Doubler()).transform(X), 2 * X)
    assert_same(fast(Normalizer()).transform(X), Normalizer().transform(X))
    native = make_pipeline(Doubler(), Ridge()).fit(X, Y)
    assert_same(fast(native).predict(X), native.predict(X))


def test_partial_fit_goes_on_from_what_there_is():
    given = SGDClassifier(random_state=0)
    ours, native = fast(given), clone(given)
    for part in (slice(0, 20), slice(20, 40), slice(40, 60)):
        assert ours.partial_fit(X[part], Y[part], classes=[0, 1]) is ours
        native.partial_fit(X[part], Y[part], classes=[0, 1])
        assert_same(ours.predict(X), native.predict(X))
        assert_same(ours.decision_function(X), native.decision_function(X))
    assert not hasattr(given, "coef_")
    before = native.coef_.copy()
    ours = fast(native).partial_fit(X, 1 - Y)
    np.testing.assert_array_equal(native.coef_, before)
    assert_same(ours.decision_function(X), native.partial_fit(X, 1 - Y).decision_function(X))
    assert not hasattr(fast(Ridge()), "partial_fit")


# Methods

MAYBE = (
    *METHODS,
    *("fit", "partial_fit", "fit_transform", "fit_predict", "score", "inverse_transform"),
    *("set_output", "get_feature_names_out"),
    *("kneighbors", "staged_predict", "decision_path", "sample", "__getitem__"),
)


@pytest.mark.parametrize(
    "estimator",
    [
        Ridge(),
        SVC(),
        SVC(probability=False),
        StandardScaler(),
        KMeans(),
        DBSCAN(),
        LocalOutlierFactor(),
        LocalOutlierFactor(novelty=True),
        PIPE,
        make_pipeline(StandardScaler(), PCA()),
        make_pipeline(StandardScaler(), "passthrough"),
        RandomForestClassifier(),
        IsolationForest(),
        GaussianMixture(),
        FrozenEstimator(StandardScaler().fit(X)),
        RFE(Ridge()),
    ],
)
def test_methods_are_there_if_the_inner_ones_are(estimator):
    ours = fast(estimator)
    for method in MAYBE:
        assert hasattr(ours, method) == hasattr(estimator, method), method


def test_what_is_missing_is_missed_in_the_words_of_the_inner_estimator():
    for name in ("predict_proba", "partial_fit", "transform"):
        with pytest.raises(AttributeError, match=f"no attribute '{name}'") as error:
            getattr(fast(LinearRegression()), name)
        cause = error.value.__cause__
        assert isinstance(cause, AttributeError)
        assert str(cause) == f"'LinearRegression' object has no attribute '{name}'"
    with pytest.raises(AttributeError) as error:
        _ = fast(SVC(probability=False)).predict_proba
    with pytest.raises(AttributeError) as native:
        _ = SVC(probability=False).predict_proba
    assert str(error.value.__cause__) == str(native.value)
    with pytest.raises(AttributeError, match="'Ridge' object has no attribute 'coef_'"):
        _ = fast(Ridge()).coef_


def test_more_arguments_go_to_the_native_method():
    process = GaussianProcessRegressor().fit(X, X[:, 0])
    assert_same(fast(process).predict(X, return_std=True), process.predict(X, return_std=True))
    assert_same(fast(process).predict(X, True), process.predict(X, True))
    scaler = StandardScaler().fit(X)
    mine, theirs = X.copy(), X.copy()
    ours = fast(scaler)
    assert ours.transform(mine, copy=False) is mine
    assert_same(mine, scaler.transform(theirs, False))
    assert_same(ours.transform(X, True), scaler.transform(X, True))
    assert_same_outcome(lambda: ours.transform(X, cpy=1), lambda: scaler.transform(X, cpy=1))
    assert_same(ours.transform(X=X), scaler.transform(X=X))
    assert_same(ours.inverse_transform(X), scaler.inverse_transform(X))


def test_attributes_read_through():
    ours = fast(clone(PIPE)).fit(FRAME, Y)
    assert list(ours.classes_) == [0, 1]
    assert ours.n_features_in_ == 4
    assert list(ours.feature_names_in_) == list("abcd")
    assert ours.named_steps["standardscaler"] is ours.estimator_[0] is ours[0]
    assert len(ours.steps) == 2
    neighbors = KNeighborsClassifier().fit(X, Y)
    assert_same(fast(neighbors).kneighbors(X[:3]), neighbors.kneighbors(X[:3]))
    boosting = GradientBoostingClassifier(n_estimators=3).fit(X, Y)
    assert_same(list(fast(boosting).staged_predict(X)), list(boosting.staged_predict(X)))
    ridge = Ridge().fit(X, Y)
    assert fast(ridge).coef_ is ridge.coef_
    assert not hasattr(fast(RFE(Ridge()).fit(X, Y)), "estimator_")


def test_parameters_of_the_inner_estimator_do_not_read_through():
    # Others would set what they find: `if hasattr(est, "max_iter"): est.set_params(max_iter=...)`.
    ours = fast(Ridge())
    with pytest.raises(AttributeError, match="'alpha' is a parameter of the inner estimator"):
        _ = ours.alpha


def test_private_names_do_not_read_through():
    inner = Ridge()
    inner._note = 1
    assert not hasattr(fast(inner), "_note")
    assert not hasattr(fast(StandardScaler()), "_sklearn_auto_wrap_output_keys")


def test_tags_are_those_of_the_inner_estimator():
    for estimator in (Ridge(), PIPE, OneHotEncoder(), KMeans(), SVC(kernel="precomputed")):
        assert get_tags(fast(estimator)) == get_tags(estimator)
    assert is_classifier(fast(PIPE))
    assert is_regressor(fast(Ridge()))
    tags = get_tags(fast(PIPE))
    tags.input_tags.sparse = None
    assert get_tags(PIPE).input_tags.sparse is not None
