"""Converters for `sklearn.multioutput`: an estimator for each output."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy import sparse as sp
from sklearn.base import is_classifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.utils.multiclass import type_of_target

from ..graph import is_exact
from ..ops import Concat, Labels, Native, Op, Provided, Several, Take, cast
from ..ops.conditions import AwayFrom, FarApart
from .registry import Responses, Unsupported, convert, converts
from .responses import column, known, regressor
from .validation import validate

MOST_CLASSES = 20  # beyond, scikit-learn warns that they may be no classes
MOST_MAGNIFIED = 1e3  # by which the last bits of earlier outputs may be multiplied


@converts(MultiOutputRegressor)
def multi_output_regressor(est, x):
    values = [m.get("predict") for m in _members(est, x)]
    if any(v.width is not None or v.dtype is None for v in values):
        raise Unsupported("members that answer with more than a number a row")
    return regressor(Concat(tuple(values)))


@converts(MultiOutputClassifier)
def multi_output_classifier(est, x):
    members = _members(est, x)
    proba = None
    if all(m.predict_proba is not None for m in members):
        proba = Several(tuple(m.get("predict_proba") for m in members))
    return Responses(predict=_labels([m.get("predict") for m in members]), predict_proba=proba)


def _members(est: Any, x: Op) -> list[Responses]:
    return [convert(member, x, f"estimators_{k}") for k, member in enumerate(est.estimators_)]


def _labels(predicted: list[Op]) -> Op:
    """The members' labels side by side, as NumPy makes one array of them."""
    codes, classes = [], []
    for p in predicted:
        if not isinstance(p, Take) or p.values.ndim != 1:
            raise Unsupported("labels that are not compiled")
        codes.append(p.x)
        classes.append(p.values)
    if len({c.dtype.kind for c in classes}) > 1:
        raise Unsupported("labels of several kinds")
    dtype = np.result_type(*classes)
    return Labels(tuple(codes), tuple(c.astype(dtype) for c in classes))


@converts(RegressorChain)
def regressor_chain(est, x):
    members = _chain(est, x, "predict")
    return regressor(_in_order(est, members, "predict"))


@converts(ClassifierChain)
def classifier_chain(est, x):
    members = _chain(est, x, est.chain_method_)
    ops: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(est, method):
            try:
                ops[method] = _in_order(est, members, method)
            except Unsupported as why:
                reasons[method] = str(why)
    reasons["predict_log_proba"] = "logarithms of probabilities that may be 0, or close to 1"
    return Responses(**ops, reasons=reasons)


Link = tuple[Any, Responses, bool]  # a member, what it answers, and whether its rows are exact


def _chain(est: Any, x: Op, method: str) -> list[Link]:
    """The members, each of which reads the rows and what those before it answer."""
    x = cast(validate(est, x, "numeric", accept_sparse=True), torch.float64)
    members: list[Link] = []
    answers: list[Op] = []
    for k, member in enumerate(est.estimators_):
        rows = Concat((x, *answers), x.sparse) if answers else x
        exact = all(map(is_exact, answers))
        if not exact:
            _check_weights(member, x.width or 0)
        responses = convert(member, rows, f"estimators_{k}")
        members.append((member, responses, exact))
        if k + 1 < len(est.estimators_):
            answers.append(_number(*members[-1], method))
    return members


def _check_weights(member: Any, n: int) -> None:
    """Decline a member to which the last bits of the answers behind the n-th column matter."""
    weights: Any = getattr(member, "coef_", np.zeros(n))
    weights = weights.toarray() if sp.issparse(weights) else weights
    if np.abs(np.atleast_2d(weights)[:, n:]).max(initial=0) > MOST_MAGNIFIED:
        raise Unsupported("coefficients that magnify the last bits of earlier outputs")


def _in_order(est: Any, members: list[Link], method: str) -> Op:
    """The members' answers, in the order of the outputs that they are for."""
    numbers = [_number(*member, method) for member in members]
    return Concat(tuple(numbers[k] for k in np.argsort(est.order_)))


def _number(member: Any, responses: Responses, exact: bool, method: str) -> Op:
    """A member's answer as a float64 a row."""
    if is_classifier(member):
        classes = member.classes_
        if isinstance(classes, list) or len(classes) > MOST_CLASSES:
            raise Unsupported(f"a member of several outputs, or of over {MOST_CLASSES} classes")
        if method != "predict" and (len(classes) != 2 or type_of_target(classes) != "binary"):
            raise Unsupported("a member that does not tell two classes apart")
    answer = known(responses.get(method))
    if method in ("predict_proba", "predict_log_proba"):
        answer = column(answer, 1)
    if answer.width is not None or answer.dtype is None:
        raise Unsupported("a member that answers with more than a number a row")
    if method == "predict" and is_classifier(member) and not exact:
        answer = _clear(answer, member, responses)
    if isinstance(answer, Take):
        return Take(answer.x, answer.values.astype(np.float64))
    return cast(answer, torch.float64)


def _clear(answer: Op, member: Any, responses: Responses) -> Op:
    """The labels, where the last bits of what the member reads cannot turn one."""
    if isinstance(answer, Native):  # it reads what is made natively
        return answer
    by_decision = responses.decision_function is not None
    scores = responses.get("decision_function" if by_decision else "predict_proba")
    if not isinstance(answer, Take) or scores.dtype is None:
        raise Unsupported("labels that rounding may turn")
    clear = AwayFrom(0.0) if scores.width is None else FarApart()
    return Take(Provided(answer.x, scores, clear), answer.values)
