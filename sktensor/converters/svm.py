"""Converters for `sklearn.svm`: linear machines, and those of a kernel."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import torch
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR, OneClassSVM

from ..graph import is_exact
from ..ops import (
    Above,
    ArgMax,
    Cast,
    Column,
    Coupled,
    Map,
    MatMul,
    Op,
    Provided,
    Select,
    Take,
)
from .kernels import CANCELLED, Sums, kernel_sums
from .linear import linear_classifier, linear_function
from .registry import Responses, Unsupported, converts
from .responses import apart, labels, positive, regressor
from .validation import validate

NONE_KNOWN = "no slopes that make scores probabilities"
CLEAR = Above(1e-8)  # by how much rounds could have ended later or sooner


@converts(LinearSVC, sparse=True)
def linear_svc(est, x):
    return linear_classifier(est, linear_function(est, x))


@converts(LinearSVR, sparse=True)
def linear_svr(est, x):
    return regressor(linear_function(est, x).result)


@converts(SVR, NuSVR)
def svr(est, x):
    values = _machine(est, x, est._dual_coef_.T).values
    predict = None if values is None else Column(values, 0)
    return Responses(predict=predict, reasons={"predict": CANCELLED})


@converts(OneClassSVM)
def one_class_svm(est, x):
    f = _machine(est, x, est._dual_coef_.T)
    scores = None if f.values is None else Column(f.values, 0)
    return Responses(
        predict=Take(positive(Column(f.signs, 0)), np.array([-1, 1], np.int64)),
        decision_function=scores,
        score_samples=None if scores is None else scores + est.offset_,
        reasons={"decision_function": CANCELLED, "score_samples": CANCELLED},
    )


@converts(SVC, NuSVC)
def svc(est, x):
    if est.break_ties and est.decision_function_shape == "ovo":
        raise Unsupported("ties broken by scores of pairs")
    n = len(est.classes_)
    f = _machine(est, x, _pairs(est))
    if n == 2:
        # libsvm's sums are positive for the first class.
        codes = positive(-Column(f.signs, 0))
        decision = None if f.values is None else -Column(f.values, 0)
    else:
        votes, decision = _votes(f.signs, n), f.values
        codes = ArgMax(votes)
        if decision is not None and est.decision_function_shape == "ovr":
            decision = votes + Map(MatMul(decision, _sides(n)), _third)
        if est.break_ties:
            if decision is None:
                raise Unsupported(CANCELLED)
            codes = ArgMax(apart(decision, f.alone))
    proba, why = _probabilities(est, f)
    return Responses(
        predict=labels(codes, est.classes_),
        decision_function=decision,
        predict_proba=proba,
        predict_log_proba=None if proba is None else Map(proba, torch.log),
        reasons={
            "decision_function": CANCELLED,
            "predict_proba": why,
            "predict_log_proba": why,
        },
    )


def _probabilities(est: Any, f: Sums) -> tuple[Op | None, str]:
    """The probabilities of classes, or why there are none here."""
    slopes, offsets = est._probA, est._probB
    if len(slopes) == 0:
        return None, NONE_KNOWN
    # A probability is off by at most a quarter of the slope times what the score is off by.
    scores = f.known_to(4e-10 / np.abs(slopes))
    if scores is None:
        return None, CANCELLED
    n = len(est.classes_)
    found = Coupled(scores, slopes, offsets, n)
    return Provided(Select(found, np.arange(n)), Column(found, n), CLEAR, f.alone), ""


def _machine(est: Any, x: Op, weight: np.ndarray) -> Sums:
    """What libsvm adds up for each of its machines."""
    if callable(est.kernel) or est.kernel == "precomputed":
        raise Unsupported("a kernel that is a function, or computed beforehand")
    if est._sparse:
        raise Unsupported("fitted on a sparse matrix")
    rows, offset = est.support_vectors_, est._intercept_
    if len(rows) == 0 or len(rows) != est.n_support_.sum():
        raise Unsupported("no support vectors, or others than were counted")
    x = validate(est, x, torch.float64)
    return kernel_sums(
        est.kernel,
        x,
        rows,
        weight,
        offset,
        gamma=est._gamma,
        coef0=float(est.coef0),
        degree=est.degree,
        centred=True,
        alone=is_exact(x),
    )


def _pairs(est: Any) -> np.ndarray:
    """The weight of each support vector in the machine of each pair of classes.

    Those of class i have in row j - 1 of the coefficients, and those of j in row i, what they
    weigh in the machine of i and j.
    """
    n = len(est.classes_)
    ends = np.cumsum([0, *est._n_support])
    weight = np.zeros((ends[-1], n * (n - 1) // 2))
    for k, (i, j) in enumerate(combinations(range(n), 2)):
        first, second = slice(ends[i], ends[i + 1]), slice(ends[j], ends[j + 1])
        weight[first, k] = est._dual_coef_[j - 1, first]
        weight[second, k] = est._dual_coef_[i, second]
    return weight


def _sides(n: int) -> np.ndarray:
    """1 for the first class of each pair and -1 for the second."""
    pairs = list(combinations(range(n), 2))
    sides = np.zeros((len(pairs), n))
    for k, (i, j) in enumerate(pairs):
        sides[k, i], sides[k, j] = 1, -1
    return sides


def _votes(scores: Op, n: int) -> Op:
    """How many pairs each class wins."""
    sides = _sides(n)
    won = Cast(Map(scores, Above(), torch.bool), torch.float64)
    return MatMul(won, sides) + (sides < 0).sum(axis=0).astype(np.float64)


def _third(x: torch.Tensor) -> torch.Tensor:
    return x / (3 * (x.abs() + 1))
