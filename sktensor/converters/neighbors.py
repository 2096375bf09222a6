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
    LocalOutlierFactor,
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
    Finite,
    Map,
    Named,
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
    sqrt,
)
from ..ops.conditions import EPS, ROUNDING, AwayFrom
from .linear import holds_for_some, linear, nearest
from .registry import Responses, Unsupported, converts
from .responses import apart, classifier, labels, positive, regressor, transformer
from .validation import as_numbers, settled, validate

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
    best = votes if found.weights is None else apart(proba)
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


@converts(LocalOutlierFactor)
def local_outlier_factor(est, x):
    if not est.novelty:
        raise Unsupported("no answers for other rows than those fitted")
    # The array that it makes of a frame first has no names.
    x = settled(as_numbers(x.x if isinstance(x, Named) else x, "numeric"))
    x = validate(est, x, "numeric")
    if x.dtype == torch.float32:
        raise Unsupported("distances in float32")
    k = est.n_neighbors_
    found = _nearest(est, x, k)
    beyond = np.asarray(est._distances_fit_X_[:, k - 1], np.float64)
    reach: Op = Arith(torch.maximum, Map(found.squares, sqrt), Take(found.numbers, beyond))
    if est._fit_method == "brute":
        known = Arith(torch.div, Map(reach, torch.square), found.off)
        reach = guard = Provided(reach, known, WELL_KNOWN)
        if not holds_for_some(guard):
            raise Unsupported("distances so small that rounding shows")
    sparse = _mean(reach, None) + 1e-10
    score = Arith(torch.mul, _mean(Take(found.numbers, est._lrd), None), sparse) * -1
    score = Finite(Column(score, 0))
    decision = score - float(est.offset_)
    # Both are off by parts of themselves.
    clear = Provided(decision, decision / max(1.0, abs(float(est.offset_))), AwayFrom(0.0))
    return Responses(
        predict=labels(positive(clear), np.array([-1, 1])),
        decision_function=clear,
        score_samples=score,
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


def _neighbors(est: Any, x: Op) -> _Neighbors:
    if est.weights not in (None, "uniform", "distance"):
        raise Unsupported("weights that are a function")
    x = validate(est, x, "numeric")
    found = _nearest(est, settled(x) if est.weights == "distance" else x, est.n_neighbors)
    if est.weights != "distance":
        return _Neighbors(found.numbers, None)
    chosen = found.squares
    if est._fit_method == "brute":
        chosen = Provided(chosen, Arith(torch.div, chosen, found.off), WELL_KNOWN)
        if not holds_for_some(chosen):
            raise Unsupported("distances so small that rounding shows")
    return _Neighbors(found.numbers, Closeness(chosen))


@dataclass(frozen=True)
class _Nearest:
    """The k nearest rows, and the squares of how far they are."""

    numbers: Op  # (k,) columns
    squares: Op  # the same
    off: Op  # by how much the library's may be off


def _nearest(est: Any, x: Op, k: int) -> _Nearest:
    rows = _rows(est, k)
    x = cast(x, torch.float64)
    mean = rows.mean(axis=0)
    centred, near = x - mean, rows - mean
    lengths = np.square(near).sum(axis=1)
    # The one that comes after tells how clear it is which come before.
    numbers: Op = Nearest(centred, near, -lengths / 2, min(k + 1, len(rows)))
    squares: Op = Squares(x, rows, numbers)
    off = _off(x, rows) if est._fit_method == "brute" else _off(centred, near)
    if k < len(rows):
        gap = Arith(torch.sub, Column(squares, k), Column(squares, k - 1))
        clear = Arith(torch.div, gap, Column(off, 0))
        numbers = Provided(Select(numbers, np.arange(k)), clear, DECIDED)
        if not holds_for_some(numbers):
            raise Unsupported("neighbors that are as far as others")
        squares = Select(squares, np.arange(k))
    return _Nearest(numbers, squares, off)


def _off(x: Op, rows: np.ndarray) -> Op:
    """By how much squares may be off, of both, that come of `|x|^2 + |s|^2 - 2 x s`."""
    squares = RowSum(Map(x, torch.square))
    slack = 32 * (rows.shape[1] + 8) * EPS if is_exact(x) else ROUNDING
    return squares * slack + slack * float(np.square(rows).sum(axis=1).max())


def _rows(est: Any, k: int) -> np.ndarray:
    """The fixed rows, where to look at all of them is worth it."""
    rows = est._fit_X
    if est.effective_metric_ not in PLAIN or (est.effective_metric_params_ or {}).get("p", 2) != 2:
        raise Unsupported("distances of another kind")
    if sp.issparse(rows) or rows.dtype == np.float32:
        raise Unsupported("fitted on a sparse matrix, or in float32")
    if k > len(rows):
        raise Unsupported("more neighbors than rows")
    n, width = rows.shape
    if est._fit_method != "brute" and n > FEW * GROWTH ** (width - 2):
        raise Unsupported("a tree is faster for so few columns")
    return np.asarray(rows, np.float64)
