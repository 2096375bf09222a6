"""Converters for `sklearn.multiclass`: a classifier for each class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import sklearn
import torch
from sklearn.base import is_regressor
from sklearn.multiclass import (
    OneVsOneClassifier,
    OneVsRestClassifier,
    OutputCodeClassifier,
    _ConstantPredictor,
)
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.fixes import parse_version

from ..graph import is_exact
from ..ops import (
    Above,
    ArgMax,
    Arith,
    Cast,
    Column,
    Concat,
    Finite,
    Forest,
    Map,
    MatMul,
    Op,
    Provided,
    RowSum,
    cast,
)
from ..ops.conditions import WHOLE, AwayFrom, OneNearest
from ..ops.elementwise import one_where_zero
from .ensemble.committees import codes, total
from .registry import Responses, Unsupported, convert, converts
from .responses import apart, column, known, labels, two_columns
from .tree import class_fractions
from .validation import check_names, validate

# A row that no member is for was 0 / 0, with a warning.
DIVIDES_NOTHING_BY_ONE = parse_version(sklearn.__version__) >= parse_version("1.7")
MOST_CODES = 256  # that scikit-learn measures distances to at a time
# Of classes whose scores are equal, the last was taken before.
FIRST_OF_EQUALS = parse_version(sklearn.__version__) >= parse_version("1.8")


@converts(OneVsRestClassifier)
def one_vs_rest_classifier(est, x):
    members = [convert(member, x, f"estimators_{k}") for k, member in enumerate(est.estimators_)]
    proba = decision = predict = None
    if hasattr(est, "predict_proba"):
        proba = _shares(est, [column(known(m.get("predict_proba")), 1) for m in members])
    if hasattr(est, "decision_function"):
        scores = [_one_value(m.get("decision_function")) for m in members]
        decision = scores[0] if len(scores) == 1 else Concat(tuple(scores))
    if est.label_binarizer_.y_type_ == "multiclass":
        scores = list(map(_score, est.estimators_, members))
        best = Concat(tuple(scores if FIRST_OF_EQUALS else scores[::-1]))
        classes = est.classes_ if FIRST_OF_EQUALS else est.classes_[::-1]
        predict = labels(ArgMax(best if is_exact(best) else apart(best)), classes)
    return Responses(
        predict=predict,
        predict_proba=proba,
        decision_function=decision,
        reasons={"predict": "labels of two classes, or of several"},
    )


def _score(member: Any, responses: Responses) -> Op:
    """How much a member is for its class."""
    if is_regressor(member):
        return _one_value(responses.get("predict"))
    if hasattr(member, "decision_function"):
        return _one_value(responses.get("decision_function"))
    return column(known(responses.get("predict_proba")), 1)


def _one_value(score: Op) -> Op:
    if score.width is not None or score.dtype is None:
        raise Unsupported("a member whose scores are not a number a row")
    return known(score)


def _shares(est: Any, columns: list[Op]) -> Op:
    """The members' probabilities, of one class alone made those of all."""
    if len(columns) == 1:
        proba = two_columns(columns[0])
    else:
        proba = Concat(tuple(columns))
    if est.multilabel_:
        return proba
    total: Op = RowSum(proba)
    if not DIVIDES_NOTHING_BY_ONE:
        return Arith(torch.div, proba, Provided(total, total, _is_something))
    return Arith(torch.div, proba, Map(total, one_where_zero))


def _is_something(total: torch.Tensor) -> torch.Tensor:
    return total != 0


@converts(OneVsOneClassifier, sparse=True)
def one_vs_one_classifier(est, x):
    if est.pairwise_indices_ is not None:
        raise Unsupported("a kernel that is precomputed")
    if any(map(is_regressor, est.estimators_)):
        raise Unsupported("regressors, whose answers are no votes")
    x = validate(est, x, "numeric", allow_nan=True, allow_inf=True, accept_sparse=True)
    members = [convert(member, x, f"estimators_{k}") for k, member in enumerate(est.estimators_)]
    chosen = [cast(codes(m.get("predict"), np.arange(2)), torch.float64) for m in members]
    confidences = [_score(*pair) for pair in zip(est.estimators_, members, strict=True)]
    if len(members) == 1:
        return _one_pair(est, chosen[0], confidences[0])
    first, second = np.triu_indices(len(est.classes_), 1)
    eye = np.eye(len(est.classes_))
    votes = MatMul(Concat(tuple(chosen)), eye[second] - eye[first]) + eye[first].sum(axis=0)
    if all(map(is_exact, confidences)):
        sums: Op = Concat(tuple(_sum_for(k, confidences, first, second) for k in range(len(eye))))
    else:
        sums = MatMul(Concat(tuple(confidences)), eye[second] - eye[first])
    scores = votes + _below_a_vote(sums)
    best = scores if is_exact(sums) else apart(scores)
    return Responses(predict=labels(ArgMax(best), est.classes_), decision_function=scores)


def _one_pair(est: Any, vote: Op, confidence: Op) -> Responses:
    """The responses of a single member, for the second of two classes or against it."""
    limit = 0.0 if hasattr(est.estimators_[0], "decision_function") else 0.5
    scores = vote + _below_a_vote(confidence)
    clear = scores if is_exact(scores) else Provided(scores, scores, AwayFrom(limit))
    above = Cast(Map(clear, Above(limit), torch.bool), torch.int64)
    return Responses(predict=labels(above, est.classes_), decision_function=scores)


def _sum_for(k: int, confidences: list[Op], first: np.ndarray, second: np.ndarray) -> Op:
    """The confidences of a class's pairs, added up in their order."""
    pairs = np.flatnonzero((first == k) | (second == k))
    return total(confidences[i] if second[i] == k else -confidences[i] for i in pairs)


def _below_a_vote(sums: Op) -> Op:
    """`x / (3 (|x| + 1))`, which breaks ties between votes."""
    return Arith(torch.div, sums, (Map(sums, torch.abs) + 1) * 3)


@converts(OutputCodeClassifier, sparse=True)
def output_code_classifier(est, x):
    book = est.code_book_
    if len(book) > MOST_CODES:
        raise Unsupported(f"over {MOST_CODES} classes, of which equally near ones have no order")
    if len(np.unique(book, axis=0)) < len(book):
        raise Unsupported("classes of the same code, between which rounding decides")
    offset = -np.square(book).sum(axis=1)
    answers, varies = [], []
    for k, member in enumerate(est.estimators_):
        if type(member) is _ConstantPredictor:
            _check_input(member, x)
            offset += 2.0 * float(member.y_[0]) * book[:, k]
        else:
            answers.append(_alone(_score(member, convert(member, x, f"estimators_{k}"))))
            varies.append(k)
            _check_ties(member, answers[-1])
    if not answers:
        raise Unsupported("members that always answer the same")
    # |y - c|^2 is smallest where 2 y c - |c|^2 is largest.
    rows = cast(Concat(tuple(answers)), torch.float64)
    scores = MatMul(rows, np.ascontiguousarray(2.0 * book[:, varies].T)) + offset
    nearest = Provided(scores, Concat((scores, rows)), OneNearest(len(book)))
    return Responses(predict=labels(ArgMax(Finite(nearest)), est.classes_))


def _alone(answer: Op) -> Op:
    """The answer without the output of trees beside it, which nobody reads."""
    if not isinstance(answer, Column) or not isinstance(answer.x, Forest):
        return answer
    value = np.ascontiguousarray(answer.x.value[:, [answer.index]])
    return Column(replace(answer.x, value=value), 0)


def _check_input(member: Any, x: Op) -> None:
    """What a member that always answers the same asks of the rows."""
    if x.stays_sparse and hasattr(member, "feature_names_in_"):
        raise Unsupported("sparse input without the names that were fitted")
    if x.width != member.n_features_in_:
        raise Unsupported(f"{x.width} columns where {member.n_features_in_} were fitted")
    check_names(member, x)


def _check_ties(member: Any, answer: Op) -> None:
    """Decline fractions by which classes are often equally near, and rounding decides.

    Nothing is rounded of those of a tree that was grown until its leaves were of one class.
    """
    if not is_exact(answer) or hasattr(member, "decision_function"):
        return
    grown = False
    if type(member) is DecisionTreeClassifier:
        parts = class_fractions(member)[member.tree_.children_left < 0] * WHOLE
        grown = np.array_equal(parts, np.rint(parts))
    if not grown:
        raise Unsupported("fractions by which classes are often equally near")
