"""Converters for `sklearn.calibration`: classifiers whose scores are made probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.calibration import CalibratedClassifierCV

from ..graph import is_exact
from ..ops import ArgMax, Column, Concat, Map, Op, Provided, Select, Shares, Softmax
from .ensemble.committees import total
from .isotonic import steps
from .registry import Responses, Unsupported, convert, converts
from .responses import apart, known, labels, two_columns

MOST_TEMPERED = 1e3  # by which the last bits of logarithms may be multiplied
NOT_ZERO = 1e-12  # that scikit-learn adds to probabilities before their logarithm


@converts(CalibratedClassifierCV, sparse=True)
def calibrated_classifier(est, x):
    members = est.calibrated_classifiers_
    probas = [_proba(member, x, f"calibrated_classifiers_{k}") for k, member in enumerate(members)]
    mean = total(probas) / len(probas)
    best = mean if is_exact(mean) else apart(mean)
    return Responses(predict=labels(ArgMax(best), est.classes_), predict_proba=mean)


def _proba(member: Any, x: Op, name: str) -> Op:
    """The probabilities of one fitted classifier by its calibrators."""
    classifier, n_classes = member.estimator, len(member.classes)
    # Those that a temperature is fitted for know classes by their numbers.
    known_by = np.arange(n_classes) if member.method == "temperature" else member.classes
    seen = classifier.classes_
    if not (np.array_equal(seen, known_by) or np.array_equal(seen, member.classes)):
        raise Unsupported("a member that has not seen every class")
    by_decision = hasattr(classifier, "decision_function")
    method = "decision_function" if by_decision else "predict_proba"
    scores = known(convert(classifier, x, name).get(method))
    if scores.dtype != torch.float64:
        raise Unsupported("a member whose scores are no float64")
    if scores.width is None:
        scores = Concat((scores,))
    if member.method == "temperature":
        return _tempered(scores, float(member.calibrators[0].beta_), by_decision)
    if n_classes == 2 and not by_decision:
        scores = Select(scores, np.array([1]))
    calibrated = _sigmoids if member.method == "sigmoid" else _steps
    proba = calibrated(member.calibrators, scores)
    return two_columns(proba) if n_classes == 2 else Shares(proba, uniform=True)


def _sigmoids(calibrators: list[Any], scores: Op) -> Op:
    """`1 / (1 + exp(a x + b))`, for each column (Platt, 2000)."""
    slopes = np.array([[float(c.a_) for c in calibrators]])
    offsets = np.array([[float(c.b_) for c in calibrators]])
    return Map(scores * -slopes - offsets, torch.sigmoid)


def _steps(calibrators: list[Any], scores: Op) -> Op:
    """Between the thresholds of each column's isotonic regression."""
    if not is_exact(scores):
        raise Unsupported("isotonic calibration of scores whose last bits may differ")
    return Concat(tuple(_step(c, Select(scores, np.array([k]))) for k, c in enumerate(calibrators)))


def _step(calibrator: Any, score: Op) -> Op:
    if calibrator.out_of_bounds != "clip":
        raise Unsupported("isotonic calibration out of bounds")
    return steps(calibrator, score)


def _tempered(scores: Op, beta: float, by_decision: bool) -> Op:
    """`softmax(beta z)`, where z is scores or the logarithms of probabilities.

    What scikit-learn takes for probabilities depends on all rows that are asked for at once.
    """
    if beta > MOST_TEMPERED:
        raise Unsupported("a temperature that magnifies the last bits of scores")
    if scores.width == 1:
        scores = Concat((-scores, scores))
    elif by_decision:
        scores = Provided(scores, scores, _are_no_probabilities)
    elif not is_exact(scores):
        raise Unsupported("a temperature for probabilities that rounding may put above 1")
    else:
        shares = two_columns(Column(scores, 1)) if scores.width == 2 else scores
        scores = Map(Provided(shares, shares, _are_probabilities) + NOT_ZERO, torch.log)
    return Softmax(scores * beta)


def _are_no_probabilities(x: torch.Tensor) -> torch.Tensor:
    """Whether some are below 0 or above 1, or the sum of a row is clearly not 1."""
    outside = (x < 0) | (x > 1)
    return outside.any(dim=1) | ((x.sum(dim=1) - 1).abs() > 2e-5)


def _are_probabilities(x: torch.Tensor) -> torch.Tensor:
    """Whether all are from 0 to 1, and the sum of a row is clearly 1."""
    return ((x >= 0) & (x <= 1)).all(dim=1) & ((x.sum(dim=1) - 1).abs() < 5e-6)
