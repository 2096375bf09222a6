"""Converters for `sklearn.neighbors`: all fixed rows looked at, a product of matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse as sp
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import (
    KernelDensity,
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
    MatMul,
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
from .kernels import rbf, some, squares_of
from .linear import holds_for_some, linear, nearest
from .registry import Responses, Unsupported, converts
from .responses import apart, classifier, labels, positive, regressor, transformer
from .validation import as_numbers, settled, validate

DECIDED = Above(1.0)  # how far the next one is from the last, in the rounding of a distance
WELL_KNOWN = Above(1e11)  # a distance in the same
TREE = 256.0  # eps of all weight, what a tree's bounds of it leave in its sums: 60 were seen
ADDED = 0.25  # eps, what each of a tree's terms adds to that, of the sum: 0.08 were seen
SEEN = 5e-11  # of a density's logarithm and 1, what it may be off
NEAR = 8.5  # bandwidths, beyond which a tree need not look
LEAST_DENSE = 1e-3  # of its weight, what is seen of it where few rows are in doubt
LEAST_NEAR = 0.2  # of the weight, what is so near that looking at all of it is faster
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


@converts(LocalOutlierFactor)
def local_outlier_factor(est, x):
    if not est.novelty:
        raise Unsupported("no answers for other rows than those fitted")
    # The array that it makes of a frame first has no names.
    x = settled(as_numbers(x, "numeric"))
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


@converts(KernelDensity)
def kernel_density(est, x):
    if est.kernel != "gaussian":
        raise Unsupported(f"a kernel that is {est.kernel}")
    if est.metric != "euclidean" or est.metric_params:
        raise Unsupported("distances of another kind")
    if est.atol or est.rtol:
        raise Unsupported("densities that are looked at no further than a tolerance")
    x = settled(validate(est, x, torch.float64))
    tree = _Tree(est.tree_, float(est.bandwidth_))
    rows, weights = tree.rows, tree.weights
    if not (weights > 0).all():
        raise Unsupported("rows of no weight, of which each answer warns")
    n, width = rows.shape
    gamma = 0.5 / tree.bandwidth**2
    kernel = rbf(x, rows, gamma, centred=True)
    tree.check_is_slower()
    total: Op = MatMul(kernel.values, np.ascontiguousarray(weights))
    norm = -width * (0.5 * np.log(2 * np.pi) + np.log(tree.bandwidth))
    density = Map(total, torch.log) + float(norm)
    # What a tree's sum is off is a part of all weight, of which far from all rows little is left.
    off = Column(kernel.moved(_ones(x), np.ones((1, 1))), 0) * EPS + ADDED * n * EPS
    off = Arith(torch.add, off, Arith(torch.div, TREE * EPS, total))
    left = Arith(torch.sub, Map(density, torch.abs) * SEEN + SEEN, off)
    return Responses(score_samples=Provided(density, left, Above(), alone=True))


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
    if est.weights not in (None, "uniform", "distance"):
        raise Unsupported("weights that are a function")
    x = validate(est, x, "numeric")
    found = _nearest(est, settled(x) if est.weights == "distance" else x, est.n_neighbors)
    if est.weights != "distance":
        return _Neighbors(found.numbers, None, found.alone)
    chosen = found.squares
    if est._fit_method == "brute":
        chosen = Provided(chosen, Arith(torch.div, chosen, found.off), WELL_KNOWN)
        if not holds_for_some(chosen):
            raise Unsupported("distances so small that rounding shows")
    return _Neighbors(found.numbers, Closeness(chosen), found.alone)


@dataclass(frozen=True)
class _Nearest:
    """The k nearest rows, and the squares of how far they are."""

    numbers: Op  # (k,) columns
    squares: Op  # the same
    off: Op  # by how much the library's may be off
    alone: bool  # whether they are looked for row by row, whatever the others are


def _nearest(est: Any, x: Op, k: int) -> _Nearest:
    rows = _rows(est, k)
    x = cast(x, torch.float64)
    mean = rows.mean(axis=0)
    centred, near = x - mean, rows - mean
    lengths = np.square(near).sum(axis=1)
    # The one that comes after tells how clear it is which come before.
    numbers: Op = Nearest(centred, near, -lengths / 2, min(k + 1, len(rows)))
    squares: Op = Squares(x, rows, numbers)
    alone = est._fit_method != "brute" and is_exact(x)  # a tree is asked row by row
    off = _off(x, rows) if est._fit_method == "brute" else _off(centred, near)
    if k < len(rows):
        gap = Arith(torch.sub, Column(squares, k), Column(squares, k - 1))
        clear = Arith(torch.div, gap, Column(off, 0))
        numbers = Provided(Select(numbers, np.arange(k)), clear, DECIDED, alone)
        if not holds_for_some(numbers):
            raise Unsupported("neighbors that are as far as others")
        squares = Select(squares, np.arange(k))
    return _Nearest(numbers, squares, off, alone)


@dataclass(frozen=True)
class _Tree:
    """The rows of Gaussian kernels, in the tree that adds them up."""

    tree: Any
    bandwidth: float

    @property
    def rows(self) -> np.ndarray:
        return np.array(self.tree.data, np.float64)

    @property
    def weights(self) -> np.ndarray:
        """What each row weighs, of 1."""
        found, n = self.tree.sample_weight, len(self.rows)
        return np.full(n, 1 / n) if found is None else np.array(found) / self.tree.sum_weight

    def check_is_slower(self) -> None:
        """Decline where it looks at few rows, or has to be asked about most, by some of its own."""
        rows, weights = some(self.rows), self.weights
        apart = pairwise_distances(rows, self.rows) / self.bandwidth
        if np.median((apart < NEAR) @ weights) < LEAST_NEAR:
            raise Unsupported("a tree is faster where so few rows are near")
        # Rows that come have no own among the fixed ones.
        others = np.exp(-0.5 * apart**2) @ weights - some(weights)
        if np.median(others) < LEAST_DENSE:
            raise Unsupported("densities so low that a tree's rounding shows")


def _ones(x: Op) -> Op:
    return Map(RowSum(x), torch.ones_like)


def _off(x: Op, rows: np.ndarray) -> Op:
    """By how much squares may be off, of both, that come of `|x|^2 + |s|^2 - 2 x s`."""
    slack = 32 * (rows.shape[1] + 8) * EPS if is_exact(x) else ROUNDING
    return squares_of(x) * slack + slack * float(np.square(rows).sum(axis=1).max())


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
