"""Converters for imbalanced-learn: what is fitted to other rows, and then answers as ever."""

from __future__ import annotations

from copy import copy
from typing import Any

from imblearn.ensemble import (
    BalancedBaggingClassifier,
    BalancedRandomForestClassifier,
    EasyEnsembleClassifier,
    RUSBoostClassifier,
)
from imblearn.pipeline import Pipeline

from .compose import in_turn
from .ensemble.committees import ada_boost_classifier, bagging_classifier
from .ensemble.forests import forest_classifier
from .registry import METHODS, Unsupported, converts


@converts(Pipeline, sparse=True)
def pipeline(est, x):
    return in_turn([step for step in est.steps if not _resamples(step[1])], x)


@converts(BalancedRandomForestClassifier)
def balanced_random_forest(est, x):
    _check_methods(est)
    return forest_classifier(est, x)


@converts(BalancedBaggingClassifier, EasyEnsembleClassifier)
def balanced_bagging(est, x):
    _check_methods(est, but="decision_function")  # of 0.13, a copy of scikit-learn's
    bare = copy(est)
    bare.estimators_ = [_without_resampling(member) for member in est.estimators_]
    return bagging_classifier(bare, x)


@converts(RUSBoostClassifier)
def rus_boost(est, x):
    _check_methods(est)
    return ada_boost_classifier(est, x)


def _resamples(step: Any) -> bool:
    """Whether a pipeline passes a step over in all methods but `fit`."""
    return hasattr(step, "fit_resample")


def _without_resampling(member: Any) -> Any:
    """The one estimator of a pipeline that does more than resample, or the pipeline."""
    if type(member) is not Pipeline:
        return member
    steps = [step for _, step in member.steps if not _resamples(step)]
    return steps[0] if len(steps) == 1 and hasattr(steps[0], "classes_") else member


def _check_methods(est: Any, but: str = "") -> None:
    """Decline a release whose committee does not answer by the methods of scikit-learn's."""
    for cls in type(est).__mro__:
        if cls.__module__.partition(".")[0] != "imblearn":
            return
        own = [method for method in METHODS if method in vars(cls) and method != but]
        if own:
            raise Unsupported(f"{', '.join(own)} of its own")
