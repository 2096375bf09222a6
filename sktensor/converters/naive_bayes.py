"""Converters for `sklearn.naive_bayes`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB

from ..ops import (
    Above,
    ArgMax,
    Between,
    Concat,
    Finite,
    GatherSum,
    LogSoftmax,
    Map,
    MatMul,
    Op,
    Provided,
    cast,
    is_table,
    signature,
)
from ..ops.conditions import Below
from ..table import TORCH_DTYPES
from .linear import Linear, linear, minus, plus
from .registry import Responses, Unsupported, converts
from .responses import apart, labels
from .validation import numpy_dtype, validate

NUMBERS = frozenset(dtype.name for dtype in TORCH_DTYPES)
HAS_DIGITS = Below(1e4)  # of a likelihood's logarithm, whose digits after the point are kept


@converts(MultinomialNB)
def multinomial_nb(est, x):
    x = validate(est, x, "numeric", accept_sparse=True)
    return _discrete(est, linear(x, est.feature_log_prob_, est.class_log_prior_))


@converts(ComplementNB)
def complement_nb(est, x):
    x = validate(est, x, "numeric", accept_sparse=True)
    return _discrete(est, linear(x, est.feature_log_prob_))


@converts(BernoulliNB)
def bernoulli_nb(est, x):
    x = validate(est, x, "numeric", accept_sparse=True)
    if est.binarize is not None:
        if x.sparse and est.binarize < 0:
            raise Unsupported("a sparse matrix binarized below 0")
        x = _binarized(x, est.binarize)
    absent = np.log(1 - np.exp(est.feature_log_prob_))
    prior = est.class_log_prior_ + absent.sum(axis=1)
    return _discrete(est, linear(x, est.feature_log_prob_ - absent, prior))


def _binarized(x: Op, threshold: float) -> Op:
    """1 where `x > threshold`, compared as NumPy compares."""
    common = np.result_type(np.empty(1, numpy_dtype(x)), threshold)
    exact = cast(x, TORCH_DTYPES[common])
    limit = float(np.asarray(threshold, common))
    above = Map(exact, Above(limit), torch.bool)
    return cast(above, x.dtype)


def _discrete(est: Any, f: Linear) -> Responses:
    if f.result.width == 1:
        raise Unsupported("a single class")
    return _bayes(est, f.result, f.decided)


@converts(GaussianNB)
def gaussian_nb(est, x):
    if not np.all(est.class_prior_ > 0):
        raise Unsupported("a class of no weight, of which each answer warns")
    x = validate(est, x, "numeric")
    if np.result_type(numpy_dtype(x), est.theta_, est.var_) == np.float32:
        raise Unsupported("a sum in float32 rounds as NumPy orders it")
    joint = []
    for prior, mean, variance in zip(est.class_prior_, est.theta_, est.var_, strict=True):
        # Fitted on float32, both terms are rounded to that, and what they are added to is not.
        scale = -0.5 * np.sum(np.log(2.0 * np.pi * variance))
        constant = np.float64(np.log(prior)) + np.float64(scale)
        variance = variance.astype(np.float64)
        squares = Map(minus(x, mean), torch.square)
        joint.append(plus(MatMul(squares, -0.5 / variance[:, None]), constant))
    scores = Finite(Concat(tuple(joint)))  # NumPy warns of squares that overflow
    return _bayes(est, scores, apart(scores))


@converts(CategoricalNB)
def categorical_nb(est, x):
    tables = [np.ascontiguousarray(t.T) for t in est.feature_log_prob_]
    if len(est.classes_) == 1 or not all(np.isfinite(t).all() for t in tables):
        raise Unsupported("a single class, or categories of no probability")
    if is_table(x) and not set(signature(x).kinds or ()) <= NUMBERS:
        raise Unsupported("categories that are no plain numbers")
    x = validate(est, x, "numeric", allow_nan=True, allow_inf=True)
    codes = _whole(x, np.array([len(t) for t in tables]))
    # Added up in the native order, so that of equal classes the same is first.
    nothing = np.zeros((1, len(est.classes_)))
    sizes = tuple(len(t) for t in tables)
    joint = GatherSum(codes, sizes, np.concatenate([*tables, nothing]), ordered=True)
    joint = joint + est.class_log_prior_
    return _bayes(est, joint, joint)


def _whole(x: Op, sizes: np.ndarray) -> Op:
    """The rows without what is behind the point, where that is a category of its column."""
    floats = cast(x, torch.float64)
    exclusive = np.nextafter(-1.0, 0.0), np.nextafter(sizes.astype(np.float64), 0.0)
    known = Between(x, floats, np.full(len(sizes), exclusive[0]), exclusive[1])
    return cast(known, torch.int64)


def _bayes(est: Any, joint: Op, decided: Op) -> Responses:
    """Responses from the joint log-likelihood, whose digits after the point are probabilities."""
    log_proba = LogSoftmax(joint)
    return Responses(
        predict=labels(ArgMax(decided), est.classes_),
        predict_log_proba=Provided(log_proba, joint, HAS_DIGITS),
        predict_proba=Provided(Map(log_proba, torch.exp), joint, HAS_DIGITS),
    )
