"""Converters for `sklearn.ensemble`: estimators that ask others and put their answers together."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import torch
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
from sklearn.utils._set_output import _auto_wrap_is_configured, _get_output_config

from ...ops import (
    ArgMax,
    Column,
    Concat,
    MatMul,
    Native,
    Op,
    Select,
    Softmax,
    Take,
    WeightedMedian,
    cast,
)
from ...table import TORCH_DTYPES
from ..compose import as_array
from ..registry import Responses, Unsupported, convert, converts, select
from ..responses import apart, classifier, known, labels, logarithm, regressor
from ..validation import numpy_dtype, validate
from .plain_trees import (
    CLASSIFIERS,
    EXACT,
    REGRESSORS,
    bagged_fractions,
    bagged_values,
    of_trees,
    values_of_trees,
    voted,
)


@converts(BaggingRegressor)
def bagging_regressor(est, x):
    if of_trees(est.estimators_, REGRESSORS):
        return regressor(bagged_values(est, x))
    members = _bagged(est, x)
    return regressor(total(m.get("predict") for m in members) / len(members))


@converts(BaggingClassifier)
def bagging_classifier(est, x):
    if of_trees(est.estimators_, CLASSIFIERS):
        return _bagging_responses(est, bagged_fractions(est, x), exact=True)
    members = _bagged(est, x)
    n = len(members)
    proba = total(map(_fractions, est.estimators_, members, [est.n_classes_] * n)) / n
    decision = None
    if hasattr(est, "decision_function"):
        decision = total(m.get("decision_function") for m in members) / n
    exact = not any(hasattr(member, "predict_proba") for member in est.estimators_)
    return _bagging_responses(est, proba, exact, decision)


def _bagging_responses(est: Any, proba: Op, exact: bool, decision: Op | None = None) -> Responses:
    """The responses of a committee with these mean probabilities and mean scores."""
    log_proba = None if hasattr(est.estimator_, "predict_log_proba") else logarithm(proba)
    return Responses(
        predict=labels(_best(proba, exact), est.classes_),
        predict_proba=proba,
        predict_log_proba=log_proba,
        decision_function=decision,
        reasons={"predict_log_proba": "a sum of probabilities by their logarithms"},
    )


def _best(proba: Op, exact: bool) -> Op:
    """The likeliest class; where members are off in the last bit, ties are not broken here."""
    return ArgMax(proba if exact or proba.width == 1 else apart(proba))


def _bagged(est: Any, x: Op) -> list[Responses]:
    """What the members answer, each from its columns."""
    x = validate(est, x, None, allow_nan=True, allow_inf=True, accept_sparse=True)
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
    proba = known(responses.get("predict_proba"))
    if len(member.classes_) == n_classes:
        return proba
    return MatMul(proba, np.eye(n_classes)[np.asarray(member.classes_, np.int64)])


def total(ops: Iterable[Op]) -> Op:
    """The sum, from the left."""
    return reduce(add, ops)


def codes(predicted: Op, classes: np.ndarray) -> Op:
    """The positions among `classes` of the labels that another classifier predicts.

    A native member that was given positions for labels predicts just those.
    """
    positions = np.array_equal(classes, np.arange(len(classes)))
    if isinstance(predicted, Native) and positions and predicted.dtype == torch.int64:
        return predicted
    if not isinstance(predicted, Take) or predicted.values.ndim != 1:
        raise Unsupported("labels that are not compiled")
    if not np.isin(predicted.values, classes).all():
        raise Unsupported("labels of other classes")
    return Take(predicted.x, np.searchsorted(classes, predicted.values).astype(np.int64))


def _named(est: Any) -> list[tuple[str, Any]]:
    """The fitted members and their names."""
    names = [name for name, member in est.estimators if member != "drop"]
    return list(zip(names, est.estimators_, strict=True))


def _average(values: list[Op], weights: list[Any] | None) -> Op:
    """The members' weighted mean, in the dtype that NumPy gives it."""
    dtype = np.result_type(*map(numpy_dtype, values))
    if weights is None:
        dtype = dtype if dtype.kind == "f" else np.dtype(np.float64)
        return total(cast(v, TORCH_DTYPES[dtype]) for v in values) / len(values)
    scale = np.asarray(weights)
    dtype = np.result_type(dtype, scale, *([] if dtype.kind == "f" else [np.float64]))
    summed = total(
        cast(v, TORCH_DTYPES[dtype]) * float(w)
        for v, w in zip(values, scale.astype(dtype), strict=True)
    )
    return summed / float(scale.sum(dtype=dtype))


@converts(VotingClassifier)
def voting_classifier(est, x):
    members = [convert(member, x, name) for name, member in _named(est)]
    weights = est._weights_not_none
    if est.voting == "hard":
        return _counted_votes(est, [m.get("predict") for m in members], weights)
    probas = [known(m.get("predict_proba")) for m in members]
    mean = _average(probas, weights)
    exact = all(type(member) in EXACT for member in est.estimators_)
    flat = Concat(tuple(probas)) if est.flatten_transform else None
    return Responses(
        predict=labels(_best(mean, exact), est.classes_),
        predict_proba=mean,
        transform=flat,
        reasons={"transform": "three dimensions"},
    )


def _counted_votes(est: Any, votes: list[Op], weights: list[Any] | None) -> Responses:
    """The responses of members that each vote for a class."""
    eye = np.eye(len(est.classes_))
    scale = [1.0] * len(votes) if weights is None else weights
    if min(scale) < 0:
        raise Unsupported("votes against a class")
    chosen = [codes(v, np.arange(len(eye))) for v in votes]
    counts = total(Take(c, float(w) * eye) for c, w in zip(chosen, scale, strict=True))
    return Responses(predict=labels(ArgMax(counts), est.classes_), transform=Concat(tuple(votes)))


@converts(VotingRegressor)
def voting_regressor(est, x):
    values = [known(convert(member, x, name).get("predict")) for name, member in _named(est)]
    return Responses(
        predict=_average(values, est._weights_not_none), transform=Concat(tuple(values))
    )


@converts(AdaBoostClassifier)
def ada_boost_classifier(est, x):
    x = validate(est, x, None, accept_sparse=True)
    n_classes = est.n_classes_
    if n_classes == 1:
        raise Unsupported("one class")
    eye = np.eye(n_classes, dtype=bool)
    votes = [np.where(eye, w, -1 / (n_classes - 1) * w) for w in est.estimator_weights_]
    if of_trees(est.estimators_, CLASSIFIERS):
        scores: Op = voted(est, x, votes)
    else:
        scores = total(
            Take(codes(convert(member, x, f"estimators_{k}").get("predict"), est.classes_), vote)
            for k, (member, vote) in enumerate(zip(est.estimators_, votes, strict=False))
        )
    scores = scores / float(est.estimator_weights_.sum())
    if n_classes == 2:
        decision = Column(scores, 1) - Column(scores, 0)
        return classifier(est, scores=decision, proba=Softmax(Concat((-decision, decision)) / 2))
    return classifier(est, scores=scores, proba=Softmax(scores / (n_classes - 1)))


@converts(AdaBoostRegressor)
def ada_boost_regressor(est, x):
    x = validate(est, x, None, accept_sparse=True)
    weights = np.asarray(est.estimator_weights_[: len(est.estimators_)], np.float64)
    if of_trees(est.estimators_, REGRESSORS):
        return regressor(WeightedMedian(values_of_trees(est, x), weights))
    values = tuple(
        convert(member, x, f"estimators_{k}").get("predict")
        for k, member in enumerate(est.estimators_)
    )
    return regressor(WeightedMedian(Concat(values), weights))


@converts(StackingRegressor)
def stacking_regressor(est, x):
    answers = _stacked(est, x)
    if _final_reads_frames(est):
        return Responses(transform=answers, reasons=FRAMES)
    final = convert(est.final_estimator_, answers, "final_estimator_")
    return Responses(transform=answers, predict=final.get("predict"))


FRAMES = dict.fromkeys(
    ("predict", "predict_proba", "decision_function"),
    "the final estimator warns of the DataFrame that transform gives",
)


def _final_reads_frames(est: Any) -> bool:
    """Whether the final estimator, fitted on an array, is given a DataFrame to answer."""
    return (
        _auto_wrap_is_configured(est) and _get_output_config("transform", est)["dense"] != "default"
    )


@converts(StackingClassifier)
def stacking_classifier(est, x):
    if isinstance(est._label_encoder, list):
        raise Unsupported("several outputs")
    answers = _stacked(est, x)
    if _final_reads_frames(est):
        return Responses(transform=answers, reasons=FRAMES)
    final = convert(est.final_estimator_, answers, "final_estimator_")
    chosen = codes(final.get("predict"), np.arange(len(est.classes_)))
    return Responses(
        transform=answers,
        predict=labels(chosen, est.classes_),
        predict_proba=final.predict_proba,
        decision_function=final.decision_function,
    )


def _stacked(est: Any, x: Op) -> Op:
    """The members' answers side by side, one column of two left out; then x, if passed on."""
    parts = []
    for (name, member), method in zip(_named(est), est.stack_method_, strict=True):
        answer = known(convert(member, x, name).get(method))
        if answer.dtype is None:
            raise Unsupported(f"{method} of {name} is no array of numbers")
        if method == "predict_proba" and len(est.classes_) == 2:
            answer = Select(answer, np.arange(1, answer.width or 1))
        parts.append(answer)
    if est.passthrough:
        parts.append(as_array(x))
    return Concat(tuple(parts), est.passthrough and x.sparse)
