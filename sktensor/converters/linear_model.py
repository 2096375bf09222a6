"""Converters for `sklearn.linear_model`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn import linear_model as lm

from ..ops import Cast, Concat, Finite, Map, Op, Provided, Shares, Softmax, Take
from ..table import TORCH_DTYPES
from .linear import (
    Linear,
    linear,
    linear_classifier,
    linear_function,
    one_vs_rest_proba,
    plus,
)
from .registry import Responses, Unsupported, convert, converts
from .responses import regressor, two_columns
from .validation import validate


@converts(
    lm.ARDRegression,
    lm.BayesianRidge,
    lm.ElasticNet,
    lm.ElasticNetCV,
    lm.HuberRegressor,
    lm.Lars,
    lm.LarsCV,
    lm.Lasso,
    lm.LassoCV,
    lm.LassoLars,
    lm.LassoLarsCV,
    lm.LassoLarsIC,
    lm.LinearRegression,
    lm.MultiTaskElasticNet,
    lm.MultiTaskElasticNetCV,
    lm.MultiTaskLasso,
    lm.MultiTaskLassoCV,
    lm.OrthogonalMatchingPursuit,
    lm.OrthogonalMatchingPursuitCV,
    lm.QuantileRegressor,
    lm.Ridge,
    lm.RidgeCV,
    lm.TheilSenRegressor,
    sparse=True,
)
def linear_regressor(est, x):
    return regressor(linear_function(est, x).result)


@converts(lm.SGDRegressor, lm.PassiveAggressiveRegressor, sparse=True)
def sgd_regressor(est, x):
    return regressor(linear_function(est, x).scores)


@converts(lm.GammaRegressor, lm.PoissonRegressor, lm.TweedieRegressor, sparse=True)
def generalized_linear_regressor(est, x):
    raw = linear_function(est, x, "float").result
    link = type(est._base_loss.link).__name__
    if link == "LogLink":
        # NumPy warns where this overflows, so there the native method answers.
        return regressor(Finite(Map(raw, torch.exp)))
    if link != "IdentityLink":
        raise Unsupported(f"the link {link}")
    return regressor(raw)


@converts(lm.RANSACRegressor, sparse=True)
def ransac_regressor(est, x):
    names = x.names
    if x.stays_sparse:  # whose format is kept
        validate(est, x, "numeric", accept_sparse=True)
        return regressor(convert(est.estimator_, x, "estimator_").get("predict"))
    x = validate(est, x, "numeric", allow_nan=True, accept_sparse=True)
    if names is not None:
        x = Concat((x,))  # what has been validated is an array, without names
    return regressor(convert(est.estimator_, x, "estimator_").get("predict"))


@converts(lm.LogisticRegression, lm.LogisticRegressionCV, sparse=True)
def logistic_regression(est, x):
    f = linear_function(est, x)
    return linear_classifier(est, f, proba=_logistic_proba(est, f.scores))


def _logistic_proba(est: Any, scores: Op) -> Op:
    """One-vs-rest or multinomial; until scikit-learn 1.7, `multi_class` chose."""
    binary = len(est.classes_) <= 2
    if not hasattr(est, "multi_class"):
        one_vs_rest = binary
    elif est.multi_class in ("auto", "deprecated"):
        one_vs_rest = binary or est.solver == "liblinear"
    else:
        one_vs_rest = est.multi_class in ("ovr", "warn")
    if one_vs_rest:
        return one_vs_rest_proba(scores)
    return Softmax(Concat((-scores, scores)) if scores.width is None else scores)


@converts(lm.Perceptron, lm.PassiveAggressiveClassifier, sparse=True)
def perceptron(est, x):
    return linear_classifier(est, linear_function(est, x))


@converts(lm.SGDClassifier, sparse=True)
def sgd_classifier(est, x):
    f = linear_function(est, x)
    if est.loss == "log_loss":
        return linear_classifier(est, f, proba=one_vs_rest_proba(f.scores))
    if est.loss == "modified_huber":
        return linear_classifier(est, f, proba=_clipped_proba(f.scores))
    return linear_classifier(est, f)


def _clipped_proba(scores: Op) -> Op:
    """`(clip(scores, -1, 1) + 1) / 2`; two classes are written into an array of float64."""
    if scores.width is None:
        return two_columns((Map(Cast(scores, torch.float64), _clip) + 1.0) / 2.0)
    p = Shares((Map(scores, _clip) + 1.0) / 2.0, uniform=True)
    return Provided(p, scores, _clearly_some_or_none)


def _clearly_some_or_none(scores: torch.Tensor) -> torch.Tensor:
    """Whether the sum of `clip(scores, -1, 1) + 1` is no rounding error, or none at all."""
    best = scores.amax(dim=1)
    return (best + 1).abs() > 1e-4


def _clip(x: torch.Tensor) -> torch.Tensor:
    return x.clamp(-1, 1)


@converts(lm.SGDOneClassSVM, sparse=True)
def sgd_one_class_svm(est, x):
    x = validate(est, x, "numeric", accept_sparse=True)
    f = linear(x, est.coef_, -est.offset_)
    return Responses(
        predict=Take(Cast(Map(f.decided, _not_negative, torch.bool), torch.int64), _SIGNS),
        decision_function=f.scores,
        score_samples=plus(f.scores, est.offset_),
    )


_SIGNS = np.array([-1, 1], np.int32)


def _not_negative(x: torch.Tensor) -> torch.Tensor:
    return x >= 0


@converts(lm.RidgeClassifier, lm.RidgeClassifierCV, sparse=True)
def ridge_classifier(est, x):
    f = linear_function(est, x)
    if est._label_binarizer.y_type_.startswith("multilabel"):
        return _multilabel(est, f)
    return linear_classifier(est, f)


def _multilabel(est: Any, f: Linear) -> Responses:
    """A 1 for every class with a positive score."""
    if est._label_binarizer.sparse_input_ or f.scores.width is None:
        reasons = {"predict": "labels that are not a dense array"}
        return Responses(decision_function=f.scores, reasons=reasons)
    chosen = Map(f.signs_decided, _positive, torch.bool)
    return Responses(
        predict=Cast(chosen, TORCH_DTYPES[np.dtype(np.intp)]), decision_function=f.scores
    )


def _positive(x: torch.Tensor) -> torch.Tensor:
    return x > 0
