"""Converters for `sklearn.ensemble`: estimators that ask others and put their answers together."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)

from ...ops import ArgMax, Column, Concat, MatMul, Op, Select, Softmax, Take, WeightedMedian
from ..compose import as_array
from ..registry import Responses, Unsupported, convert, converts, select
from ..responses import classifier, labels, logarithm, regressor
from ..validation import validate


@converts(BaggingRegressor)
def bagging_regressor(est, x):
    members = _bagged(est, x)
    return regressor(total(m.get("predict") for m in members) / len(members))


@converts(BaggingClassifier)
def bagging_classifier(est, x):
    members = _bagged(est, x)
    n = len(members)
    proba = total(map(_fractions, est.estimators_, members, [est.n_classes_] * n)) / n
    decision = None
    if hasattr(est, "decision_function"):
        decision = total(m.get("decision_function") for m in members) / n
    log_proba = None if hasattr(est.estimator_, "predict_log_proba") else logarithm(proba)
    return Responses(
        predict=labels(ArgMax(proba), est.classes_),
        predict_proba=proba,
        predict_log_proba=log_proba,
        decision_function=decision,
        reasons={"predict_log_proba": "a sum of probabilities by their logarithms"},
    )


def _bagged(est: Any, x: Op) -> list[Responses]:
    """What the members answer, each from its columns."""
    x = validate(est, x, "numeric", allow_nan=True, allow_inf=True, accept_sparse=True)
    return [
        convert(member, select(x, [int(i) for i in features]), f"estimators_{k}")
        for k, (member, features) in enumerate(
            zip(est.estimators_, est.estimators_features_, strict=True)
        )
    ]


def _fractions(member: Any, responses: Responses, n_classes: int) -> Op:
    """A member's probabilities, or its vote, for all classes: it may not have seen some."""
    if not hasattr(member, "predict_proba"):
        return Take(codes(responses.get("predict"), np.arange(n_classes)), np.eye(n_classes))
    proba = responses.get("predict_proba")
    if len(member.classes_) == n_classes:
        return proba
    return MatMul(proba, np.eye(n_classes)[np.asarray(member.classes_, np.int64)])


def total(ops: Iterable[Op]) -> Op:
    """The sum, from the left."""
    return reduce(add, ops)


def codes(predicted: Op, classes: np.ndarray) -> Op:
    """The positions among `classes` of the labels that another classifier predicts."""
    if not isinstance(predicted, Take) or predicted.values.ndim != 1:
        raise Unsupported("labels that are not compiled")
    if not np.isin(predicted.values, classes).all():
        raise Unsupported("labels of other classes")
    return Take(predicted.x, np.searchsorted(classes, predicted.values).astype(np.int64))


def _named(est: Any) -> list[tuple[str, Any]]:
    """The fitted members and their names."""
    names = [name for name, member in est.estimators if member != "drop"]
    return list(zip(names, est.estimators_, strict=True))


@converts(VotingClassifier)
def voting_classifier(est, x):
    members = [convert(member, x, name) for name, member in _named(est)]
    weights = est._weights_not_none
    if est.voting == "hard":
        votes = [m.get("predict") for m in members]
        eye = np.eye(len(est.classes_))
        scale = [1.0] * len(votes) if weights is None else weights
        known = [codes(v, np.arange(len(eye))) for v in votes]
        counts = total(Take(c, w * eye) for c, w in zip(known, scale, strict=True))
        return Responses(
            predict=labels(ArgMax(counts), est.classes_), transform=Concat(tuple(votes))
        )
    probas = [m.get("predict_proba") for m in members]
    if weights is None:
        mean = total(probas) / len(probas)
    else:
        mean = total(p * float(w) for p, w in zip(probas, weights, strict=True))
        mean = mean / float(np.sum(weights))
    flat = Concat(tuple(probas)) if est.flatten_transform else None
    return Responses(
        predict=labels(ArgMax(mean), est.classes_),
        predict_proba=mean,
        transform=flat,
        reasons={"transform": "three dimensions"},
    )


@converts(VotingRegressor)
def voting_regressor(est, x):
    values = [convert(member, x, name).get("predict") for name, member in _named(est)]
    weights = est._weights_not_none
    if weights is None:
        mean = total(values) / len(values)
    else:
        mean = total(v * float(w) for v, w in zip(values, weights, strict=True))
        mean = mean / float(np.sum(weights))
    return Responses(predict=mean, transform=Concat(tuple(values)))


@converts(AdaBoostClassifier)
def ada_boost_classifier(est, x):
    x = validate(est, x, "numeric", accept_sparse=True)
    n_classes = est.n_classes_
    if n_classes == 1:
        raise Unsupported("one class")
    eye = np.eye(n_classes, dtype=bool)
    scores = total(
        Take(
            codes(convert(member, x, f"estimators_{k}").get("predict"), est.classes_),
            np.where(eye, w, -1 / (n_classes - 1) * w),
        )
        for k, (member, w) in enumerate(zip(est.estimators_, est.estimator_weights_, strict=False))
    )
    scores = scores / float(est.estimator_weights_.sum())
    if n_classes == 2:
        decision = Column(scores, 1) - Column(scores, 0)
        return classifier(est, scores=decision, proba=Softmax(Concat((-decision, decision)) / 2))
    return classifier(est, scores=scores, proba=Softmax(scores / (n_classes - 1)))


@converts(AdaBoostRegressor)
def ada_boost_regressor(est, x):
    x = validate(est, x, "numeric", accept_sparse=True)
    values = tuple(
        convert(member, x, f"estimators_{k}").get("predict")
        for k, member in enumerate(est.estimators_)
    )
    weights = np.asarray(est.estimator_weights_[: len(values)], np.float64)
    return regressor(WeightedMedian(Concat(values), weights))


@converts(StackingRegressor)
def stacking_regressor(est, x):
    answers = _stacked(est, x)
    final = convert(est.final_estimator_, answers, "final_estimator_")
    return Responses(transform=answers, predict=final.get("predict"))


@converts(StackingClassifier)
def stacking_classifier(est, x):
    if isinstance(est._label_encoder, list):
        raise Unsupported("several outputs")
    answers = _stacked(est, x)
    final = convert(est.final_estimator_, answers, "final_estimator_")
    known = codes(final.get("predict"), np.arange(len(est.classes_)))
    return Responses(
        transform=answers,
        predict=labels(known, est.classes_),
        predict_proba=final.predict_proba,
        decision_function=final.decision_function,
    )


def _stacked(est: Any, x: Op) -> Op:
    """The members' answers side by side, one column of two left out; then x, if passed on."""
    parts = []
    for (name, member), method in zip(_named(est), est.stack_method_, strict=True):
        answer = convert(member, x, name).get(method)
        if answer.dtype is None:
            raise Unsupported(f"{method} of {name} is no array of numbers")
        if method == "predict_proba" and answer.width == 2:
            answer = Select(answer, np.array([1]))
        parts.append(answer)
    if est.passthrough:
        parts.append(as_array(x))
    return Concat(tuple(parts), est.passthrough and x.sparse)
