"""What can be asked of any estimator: whether it is one, is fitted, and how it scores."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import update_wrapper, wraps
from types import MethodType
from typing import Any

from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.validation import check_is_fitted

from ..converters.registry import is_pipeline

STEPS = ("steps", "transformer_list", "transformers", "estimators")
PLAIN_SCORES = (ClassifierMixin.score, RegressorMixin.score)
INSTEAD_OF_A_BOOSTER = {
    "xgboost": "XGBClassifier, XGBRegressor or XGBRanker",
    "lightgbm": "LGBMClassifier, LGBMRegressor or LGBMRanker",
    "catboost": "CatBoostClassifier or CatBoostRegressor",
}
# The methods whose metadata scikit-learn routes.
ROUTED = (
    "fit",
    "partial_fit",
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score",
    "transform",
    "inverse_transform",
    "fit_transform",
    "fit_predict",
)


def is_estimator(item: Any) -> bool:
    """Whether it is an instance with what every scikit-learn estimator has."""
    return not isinstance(item, type) and hasattr(item, "fit") and hasattr(item, "get_params")


def check_estimator(item: Any) -> None:
    """TypeError, with what to give instead, for what is no estimator."""
    if is_estimator(item):
        return
    if isinstance(item, type):
        instead = f"got the class {item.__name__}: give an instance, {item.__name__}(...)"
    else:
        library = type(item).__module__.partition(".")[0]
        instead = f"got an instance of {library}.{type(item).__name__}"
        if type(item).__name__ == "Booster" and library in INSTEAD_OF_A_BOOSTER:
            instead += f": give the {INSTEAD_OF_A_BOOSTER[library]} that it belongs to"
        else:
            instead += ", which lacks `fit` or `get_params`"
    raise TypeError(f"TensorAccelerated needs a scikit-learn compatible estimator; {instead}")


def is_fitted(estimator: Any) -> bool:
    """Whether scikit-learn takes the estimator for fitted."""
    try:
        check_is_fitted(estimator)
    except (NotFittedError, TypeError):
        return False
    return True


def is_parameter(estimator: Any, name: str) -> bool:
    """Whether it is a parameter, which is set on the estimator that has it; steps may be read."""
    if name in STEPS or not is_estimator(estimator):
        return False
    return name in estimator.get_params(deep=False)


def unfitted_steps(estimator: Any, path: str = "") -> Iterator[str]:
    """The steps that are not fitted, of an estimator whose steps are fitted where they stand."""
    for name, step in _steps(estimator):
        if not is_estimator(step):
            continue
        here = f"{path}__{name}" if path else name
        deeper = list(unfitted_steps(step, here))
        yield from deeper
        if not deeper and not is_fitted(step):
            yield f"step {here!r} ({type(step).__name__})"


def _steps(estimator: Any) -> list[tuple[str, Any]]:
    for attribute in (*STEPS[:2], "transformers_"):
        steps = getattr(estimator, attribute, None)
        if isinstance(steps, list):
            return [(step[0], step[1]) for step in steps]
    return []


def router(owner: str, estimator: Any) -> MetadataRouter:
    """Where metadata goes: to the estimator's method of the same name."""
    mapping = MethodMapping()
    for method in ROUTED:
        mapping.add(caller=method, callee=method)
    # scikit-learn before 1.8 took the owner's name for the owner.
    return MetadataRouter(owner=owner).add(estimator=estimator, method_mapping=mapping)


def plain_score(estimator: Any) -> Callable[..., float] | None:
    """The mixin's `score` where it says how good `predict` is, and nothing else is behind it."""
    if is_pipeline(estimator):
        return plain_score(estimator.steps[-1][1])
    if type(estimator) is FrozenEstimator:
        return plain_score(estimator.estimator)
    score = getattr(type(estimator), "score", None)
    return score if score in PLAIN_SCORES and "score" not in vars(estimator) else None


class like_inner:
    """A method that is there if the inner estimator's is, with the signature of that.

    Other meta-estimators read the signature of `fit` to learn whether it takes `sample_weight`.
    """

    def __init__(self, fn: Callable[..., Any]):
        self.fn = fn
        update_wrapper(self, fn)  # type: ignore[arg-type]

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self.fn
        name = self.fn.__name__
        try:
            inner = getattr(obj.estimator, name)
        except AttributeError as error:
            if is_estimator(obj.estimator):
                kind = type(obj).__name__
                raise AttributeError(f"This {kind!r} has no attribute {name!r}") from error
            return MethodType(self.fn, obj)

        @wraps(self.fn)
        def method(*args: Any, **params: Any) -> Any:
            return self.fn(*args, **params)

        signature = _signature(inner)
        if signature is not None:
            method.__signature__ = signature  # type: ignore[attr-defined]
        return MethodType(method, obj)


def _signature(method: Any) -> inspect.Signature | None:
    """The signature of a bound method before it was bound."""
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):
        return None
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    parameters = list(signature.parameters.values())
    if any(p.name == "self" for p in parameters):
        return None
    return signature.replace(parameters=[this, *parameters])
