"""Metadata: routed where the inner estimator requests it, or passed straight on."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.metadata_routing import get_routing_for_object, process_routing

from sktensor import TensorAccelerated

from .support import assert_same

RNG = np.random.RandomState(0)
X = RNG.randn(60, 4)
Y = (X[:, 0] + RNG.randn(60) > 0).astype(int)
W = RNG.rand(60) * 3


def fast(estimator):
    return TensorAccelerated(estimator, device="cpu")


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def weighted():
    return LogisticRegression().set_fit_request(sample_weight=True)


def test_without_routing_metadata_goes_straight_to_the_inner_method():
    native = Ridge().fit(X, Y, sample_weight=W)
    ours = fast(Ridge()).fit(X, Y, sample_weight=W)
    assert_same(ours.predict(X), native.predict(X))
    assert ours.score(X, Y, sample_weight=W) == native.score(X, Y, sample_weight=W)
    assert ours.score(X, Y, W) == native.score(X, Y, W)
    assert ours.score(X, y=Y, sample_weight=W) == native.score(X, y=Y, sample_weight=W)


def test_without_routing_requests_cannot_be_set():
    with pytest.raises(RuntimeError, match="enable_metadata_routing"):
        fast(Ridge()).set_fit_request(sample_weight=True)


@pytest.mark.usefixtures("routing")
def test_what_the_inner_estimator_requests_reaches_it():
    native = LogisticRegression().fit(X, Y, sample_weight=W)
    ours = fast(weighted()).fit(X, Y, sample_weight=W)
    assert_same(ours.predict_proba(X), native.predict_proba(X))
    renamed = LogisticRegression().set_fit_request(sample_weight="weight")
    assert_same(fast(renamed).fit(X, Y, weight=W).predict_proba(X), native.predict_proba(X))
    ours = fast(weighted()).fit(X, y=Y, sample_weight=W)
    assert_same(ours.predict_proba(X), native.predict_proba(X))


@pytest.mark.usefixtures("routing")
def test_what_it_does_not_request_is_refused():
    with pytest.raises(UnsetMetadataPassedError, match="LogisticRegression"):
        fast(LogisticRegression()).fit(X, Y, sample_weight=W)
    with pytest.raises(TypeError, match=r"TensorAccelerated\.fit got unexpected argument"):
        fast(weighted()).fit(X, Y, groups=W)
    refusing = LogisticRegression().set_fit_request(sample_weight=False)
    with pytest.raises(TypeError, match=r"TensorAccelerated\.fit got unexpected argument"):
        fast(refusing).fit(X, Y, sample_weight=W)


@pytest.mark.usefixtures("routing")
def test_requests_set_here_are_those_of_the_inner_estimator():
    ours = fast(LogisticRegression())
    assert ours.set_fit_request(sample_weight=True) is ours
    assert ours.set_score_request(sample_weight=True) is ours
    assert ours.estimator.get_metadata_routing().fit.requests == {"sample_weight": True}
    native = LogisticRegression().fit(X, Y, sample_weight=W)
    ours = clone(ours).fit(X, Y, sample_weight=W)
    assert ours.score(X, Y, sample_weight=W) == native.score(X, Y, sample_weight=W)
    assert "sample_weight" in inspect.signature(ours.set_fit_request).parameters
    with pytest.raises(TypeError, match="Unexpected args"):
        ours.set_fit_request(weight=True)
    for name in ("set_fit_request", "set_predict_request"):
        assert not hasattr(fast(make_pipeline(Ridge())), name)
        assert hasattr(fast(Ridge()), name) == hasattr(Ridge(), name)


@pytest.mark.usefixtures("routing")
def test_it_is_a_router():
    ours = fast(weighted())
    routed = process_routing(ours, "fit", sample_weight=W)
    assert routed.estimator.fit["sample_weight"] is W
    assert set(routed.estimator) == {"fit"}
    router = get_routing_for_object(ours)
    assert "TensorAccelerated" in str(router._serialize()) or router.owner == "TensorAccelerated"
    assert router.consumes("fit", ["sample_weight", "groups"]) == {"sample_weight"}


@pytest.mark.usefixtures("routing")
def test_extra_arguments_of_answers_are_routed_too():
    native = GaussianProcessRegressor().fit(X, X[:, 0])
    ours = fast(clone(native).set_predict_request(return_std=True)).fit(X, X[:, 0])
    assert_same(ours.predict(X, return_std=True), native.predict(X, return_std=True))
    with pytest.raises(UnsetMetadataPassedError):
        fast(native).predict(X, return_std=True)


@pytest.mark.usefixtures("routing")
def test_pipelines_route_on():
    pipe = make_pipeline(
        StandardScaler().set_fit_request(sample_weight=False),
        weighted().set_score_request(sample_weight=True),
    )
    native = clone(pipe).fit(X, Y, sample_weight=W)
    ours = fast(clone(pipe)).fit(X, Y, sample_weight=W)
    assert_same(ours.predict_proba(X), native.predict_proba(X))
    assert ours.score(X, Y) == native.score(X, Y)
    assert ours.score(X, Y, sample_weight=W) == native.score(X, Y, sample_weight=W)
    outside = make_pipeline(
        fast(StandardScaler().set_fit_request(sample_weight=True)), fast(weighted())
    )
    native = make_pipeline(StandardScaler().set_fit_request(sample_weight=True), weighted())
    assert_same(
        outside.fit(X, Y, sample_weight=W).predict_proba(X),
        native.fit(X, Y, sample_weight=W).predict_proba(X),
    )


@pytest.mark.usefixtures("routing")
def test_partial_fit_and_fit_transform_are_routed():
    inner = SGDClassifier(random_state=0).set_partial_fit_request(sample_weight=True, classes=True)
    native = clone(inner).partial_fit(X, Y, classes=[0, 1], sample_weight=W)
    ours = fast(inner).partial_fit(X, Y, classes=[0, 1], sample_weight=W)
    assert_same(ours.decision_function(X), native.decision_function(X))
    scaler = StandardScaler().set_fit_request(sample_weight=True)
    assert_same(
        fast(scaler).fit_transform(X, sample_weight=W),
        clone(scaler).fit(X, sample_weight=W).transform(X),
    )


@pytest.mark.usefixtures("routing")
def test_searches_and_scores_route_through_it():
    def scores(estimator):
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        search = GridSearchCV(estimator, {}, cv=GroupKFold(3), scoring=scorer)
        groups = np.repeat([0, 1, 2], 20)
        search.fit(X, Y, sample_weight=W, groups=groups)
        params = {"sample_weight": W, "groups": groups}
        crossed = cross_val_score(estimator, X, Y, cv=GroupKFold(3), params=params, scoring=scorer)
        return search.cv_results_["mean_test_score"], crossed

    inner = weighted().set_score_request(sample_weight=True)
    for ours, native in zip(scores(fast(inner)), scores(inner), strict=True):
        assert_same(ours, native, exact=True)
