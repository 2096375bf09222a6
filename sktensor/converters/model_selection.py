"""Converters for `sklearn.model_selection`: binary classifiers with a threshold of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV

from ..graph import is_exact
from ..ops import Op, Provided
from ..ops.conditions import AwayFrom
from .registry import Responses, Unsupported, convert, converts
from .responses import column, known, labels, positive


@converts(FixedThresholdClassifier, sparse=True)
def fixed_threshold(est, x):
    classifier = getattr(est, "estimator_", est.estimator)
    threshold = est.threshold
    if threshold == "auto":
        threshold = 0.5 if _method(est, classifier) == "predict_proba" else 0.0
    return _above(est, classifier, x, float(threshold), est.pos_label)


@converts(TunedThresholdClassifierCV, sparse=True)
def tuned_threshold(est, x):
    pos_label = est._curve_scorer._get_pos_label()
    return _above(est, est.estimator_, x, float(est.best_threshold_), pos_label)


def _above(est: Any, classifier: Any, x: Op, threshold: float, pos_label: Any) -> Responses:
    """The classifier's responses, but for labels: one where a score is at least the threshold."""
    responses = convert(classifier, x, "estimator_")
    classes = est.classes_
    [positions] = np.nonzero(classes == (classes[-1] if pos_label is None else pos_label))
    if len(classes) != 2 or len(positions) != 1:
        raise Unsupported("a positive label that is no class")
    method = _method(est, classifier)
    scores = known(responses.get(method))
    if method == "predict_proba":
        scores = column(scores, int(positions[0]))
    elif positions[0] == 0:
        scores = -scores
    if scores.width is not None or scores.dtype != torch.float64:
        raise Unsupported("scores that are no float64 a row")
    if not is_exact(scores):
        scores = Provided(scores, scores, AwayFrom(threshold))
    # Where it is not below, so that a score at the threshold is above it.
    predict = labels(positive(threshold - scores), classes[[positions[0], 1 - positions[0]]])
    return Responses(
        predict=predict,
        predict_proba=responses.predict_proba,
        predict_log_proba=responses.predict_log_proba,
        decision_function=responses.decision_function,
    )


def _method(est: Any, classifier: Any) -> str:
    """Which of the classifier's answers are compared with the threshold."""
    if est.response_method != "auto":
        return str(est.response_method)
    return "predict_proba" if hasattr(classifier, "predict_proba") else "decision_function"
