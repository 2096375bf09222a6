"""Converters for `sklearn.multiclass`: a classifier for each class."""

from __future__ import annotations

from typing import Any

import sklearn
import torch
from sklearn.base import is_regressor
from sklearn.multiclass import OneVsRestClassifier
from sklearn.utils.fixes import parse_version

from ..graph import is_exact
from ..ops import ArgMax, Arith, Concat, Map, Op, Provided, RowSum
from ..ops.elementwise import one_where_zero
from .registry import Responses, Unsupported, convert, converts
from .responses import apart, column, known, labels, two_columns

# A row that no member is for was 0 / 0, with a warning.
DIVIDES_NOTHING_BY_ONE = parse_version(sklearn.__version__) >= parse_version("1.7")
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
