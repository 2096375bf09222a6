"""TensorAccelerated: the scikit-learn face of the compiler."""

from __future__ import annotations

from copy import deepcopy
from typing import Any
from weakref import WeakKeyDictionary

import torch
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .engine import Engine
from .plan import Plan

# Programs are no state of an estimator: they are left out of its __dict__, of copies and of
# pickles, and go when it goes.
_ENGINES: WeakKeyDictionary[TensorAccelerated, Engine] = WeakKeyDictionary()


def _inner_has(method: str) -> Any:
    """Whether the estimator that answers has the method; its own AttributeError where it lacks it."""

    def check(self: TensorAccelerated) -> bool:
        getattr(self._answering, method)
        return True

    return available_if(check)


class TensorAccelerated(MetaEstimatorMixin, BaseEstimator):
    """PLACEHOLDER."""

    def __init__(
        self,
        estimator: Any,
        *,
        device: Any = "auto",
        fallback: str = "native",
        batch_size: int | None = None,
    ):
        self.estimator = estimator
        self.device = device
        self.fallback = fallback
        self.batch_size = batch_size

    @property
    def _answering(self) -> Any:
        """The estimator that answers: the one fitted here, or else the one given."""
        return self.__dict__.get("estimator_", self.estimator)

    def fit(self, X: Any, y: Any = None, **params: Any) -> TensorAccelerated:
        self.estimator_ = clone(self.estimator).fit(X, y, **params)
        _ENGINES.pop(self, None)
        return self

    @_inner_has("transform")
    def transform(self, X: Any, **params: Any) -> Any:
        return self._answer("transform", X, params)

    @_inner_has("predict")
    def predict(self, X: Any, **params: Any) -> Any:
        return self._answer("predict", X, params)

    @_inner_has("predict_proba")
    def predict_proba(self, X: Any, **params: Any) -> Any:
        return self._answer("predict_proba", X, params)

    @_inner_has("predict_log_proba")
    def predict_log_proba(self, X: Any, **params: Any) -> Any:
        return self._answer("predict_log_proba", X, params)

    @_inner_has("decision_function")
    def decision_function(self, X: Any, **params: Any) -> Any:
        return self._answer("decision_function", X, params)

    @_inner_has("score_samples")
    def score_samples(self, X: Any, **params: Any) -> Any:
        return self._answer("score_samples", X, params)

    @_inner_has("apply")
    def apply(self, X: Any, **params: Any) -> Any:
        return self._answer("apply", X, params)

    def _answer(self, method: str, X: Any, params: dict[str, Any]) -> Any:
        engine = self._engine()
        if params:
            return getattr(engine.estimator, method)(X, **params)
        return engine.answer(method, X)

    def _engine(self) -> Engine:
        inner = self._answering
        engine = _ENGINES.get(self)
        device = torch.device("cpu")
        if engine is None or not engine.is_current(inner, device, self.fallback, self.batch_size):
            if not self.__sklearn_is_fitted__():
                raise NotFittedError("not fitted")
            engine = _ENGINES[self] = Engine(inner, device, self.fallback, self.batch_size)
        return engine

    def explain(self, method: str | None = None) -> Plan:
        return self._engine().plan(method)

    def __sklearn_is_fitted__(self) -> bool:
        if "estimator_" in self.__dict__:
            return True
        try:
            check_is_fitted(self.estimator)
        except (NotFittedError, TypeError):
            return False
        return True

    def __sklearn_tags__(self) -> Any:
        return deepcopy(get_tags(self.estimator))

    @property
    def classes_(self) -> Any:
        return self._answering.classes_

    @property
    def n_features_in_(self) -> Any:
        return self._answering.n_features_in_
