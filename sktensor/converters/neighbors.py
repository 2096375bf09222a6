"""Converters for `sklearn.neighbors`: all fixed rows looked at, a product of matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse as sp
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestCentroid,
    NeighborhoodComponentsAnalysis,
)

from ..graph import is_exact
from ..ops import (
    Above,
    ArgMax,
    Arith,
    Closeness,
    Column,
    Concat,
    Map,
    Nearest,
    Op,
    Provided,
    RowSum,
    Select,
    Shares,
    Squares,
    Take,
    Votes,
    cast,
)
from ..ops.conditions import EPS, ROUNDING
from .linear import holds_for_some, linear, nearest
from .registry import Responses, Unsupported, converts
from .responses import apart, classifier, labels, regressor, transformer
from .validation import settled, validate

DECIDED = Above(1.0)  # how far the next one is from the last, in the rounding of a distance
WELL_KNOWN = Above(1e11)  # a distance in the same
PLAIN = {"euclidean", "minkowski"}
FEW, GROWTH = 500, 2.5  # rows from which on a tree is faster: of 2 columns, and by each more


@converts(KNeighborsClassifier)
def k_neighbors_classifier(est, x):
    if est.outputs_2d_:
        raise Unsupported("several outputs")
    found = _neighbors(est, x)
    votes = Votes(Take(found.numbers, est._y), found.weights, len(est.classes_))
    proba = Shares(votes)
    best = votes if found.weights is None else apart(proba, found.alone)
    return classifier(est, proba=proba, codes=ArgMax(best))


@converts(KNeighborsRegressor)
def k_neighbors_regressor(est, x):
    if est._y.dtype == np.float32:
        raise Unsupported("means in float32")
    found = _neighbors(est, x)
    y = np.asarray(est._y, np.float64)
    means = [
        _mean(Take(found.numbers, column), found.weights) for column in y.reshape(len(y), -1).T
    ]
    return regressor(Column(means[0], 0) if y.ndim == 1 else Concat(tuple(means)))


@converts(NeighborhoodComponentsAnalysis)
def neighborhood_components_analysis(est, x):
    return transformer(linear(validate(est, x, "numeric"), est.components_).result)


@converts(NearestCentroid)
def nearest_centroid(est, x):
    if est.metric != "euclidean":
        raise Unsupported(f"{est.metric} distances")
    if not np.isclose(est.class_prior_, 1 / len(est.classes_)).all():
        raise Unsupported("classes that are not equally probable")
    scores = nearest(validate(est, x, "numeric"), est.centroids_)
    why = "likelihoods by distances that lose digits to cancellation"
    return Responses(
        predict=labels(ArgMax(scores), est.classes_),
        reasons=dict.fromkeys(("predict_proba", "predict_log_proba", "decision_function"), why),
    )


def _mean(values: Op, weights: Op | None) -> Op:
    if weights is None:
        return RowSum(values) / float(values.width or 1)
    return Arith(torch.div, RowSum(Arith(torch.mul, values, weights)), RowSum(weights))


@dataclass(frozen=True)
class _Neighbors:
    """The numbers of the nearest rows, and what each of them weighs: None for the same."""

    numbers: Op  # (n_neighbors,) columns
    weights: Op | None
    alone: bool  # whether they are looked for row by row, whatever the others are


def _neighbors(est: Any, x: Op) -> _Neighbors:
    rows, k = _rows(est), est.n_neighbors
    x = validate(est, x, "numeric")
    x = cast(settled(x) if est.weights == "distance" else x, torch.float64)
    mean = rows.mean(axis=0)
    centred, near = x - mean, rows - mean
    lengths = np.square(near).sum(axis=1)
    # The one that comes after tells how clear it is which come before.
    numbers: Op = Nearest(centred, near, -lengths / 2, min(k + 1, len(rows)))
    squares = Squares(x, rows, numbers)
    alone = est._fit_method != "brute" and is_exact(x)  # a tree is asked row by row
    off = _off(x, rows) if est._fit_method == "brute" else _off(centred, near)
    if k < len(rows):
        gap = Arith(torch.sub, Column(squares, k), Column(squares, k - 1))
        clear = Arith(torch.div, gap, Column(off, 0))
        numbers = Provided(Select(numbers, np.arange(k)), clear, DECIDED, alone)
        if not holds_for_some(numbers):
            raise Unsupported("neighbors that are as far as others")
    if est.weights != "distance":
        return _Neighbors(numbers, None, alone)
    chosen: Op = Select(squares, np.arange(k))
    if est._fit_method == "brute":
        chosen = Provided(chosen, Arith(torch.div, chosen, off), WELL_KNOWN)
        if not holds_for_some(chosen):
            raise Unsupported("distances so small that rounding shows")
    return _Neighbors(numbers, Closeness(chosen), alone)


def _off(x: Op, rows: np.ndarray) -> Op:
    """By how much squares may be off, of both, that come of `|x|^2 + |s|^2 - 2 x s`."""
    squares = RowSum(Map(x, torch.square))
    slack = 32 * (rows.shape[1] + 8) * EPS if is_exact(x) else ROUNDING
    return squares * slack + slack * float(np.square(rows).sum(axis=1).max())


def _rows(est: Any) -> np.ndarray:
    """The fixed rows, where to look at all of them is worth it."""
    rows = est._fit_X
    if est.effective_metric_ not in PLAIN or (est.effective_metric_params_ or {}).get("p", 2) != 2:
        raise Unsupported("distances of another kind")
    if est.weights not in (None, "uniform", "distance"):
        raise Unsupported("weights that are a function")
    if sp.issparse(rows) or rows.dtype == np.float32:
        raise Unsupported("fitted on a sparse matrix, or in float32")
    if est.n_neighbors > len(rows):
        raise Unsupported("more neighbors than rows")
    n, width = rows.shape
    if est._fit_method != "brute" and n > FEW * GROWTH ** (width - 2):
        raise Unsupported("a tree is faster for so few columns")
    return np.asarray(rows, np.float64)
