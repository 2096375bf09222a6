"""Converters for `sklearn.cluster`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.cluster import (
    AffinityPropagation,
    Birch,
    BisectingKMeans,
    FeatureAgglomeration,
    KMeans,
    MeanShift,
    MiniBatchKMeans,
)

from ..ops import (
    Above,
    ArgMax,
    Cast,
    CenterDistances,
    Decided,
    Finite,
    Map,
    MatMul,
    Op,
    Provided,
    cast,
)
from ..ops.centers import SeenTogether
from ..ops.conditions import EPS
from .linear import closeness, holds_for_some, linear, nearest
from .registry import Responses, Unsupported, converts
from .responses import labels, transformer
from .validation import numpy_dtype, validate

MOST_LEAVES = 100  # for each of which all splits are looked at
CANCELLED = {"transform": "distances that lose digits to cancellation"}
SEEN = 1e-10  # of a distance, what is off by more may be seen


@converts(KMeans, MiniBatchKMeans)
def k_means(est, x):
    x = validate(est, x, accept_sparse=True)
    centers = est.cluster_centers_
    if numpy_dtype(x) != centers.dtype:
        raise Unsupported("rows of another dtype than the centers")
    if len(centers) == 1:
        raise Unsupported("a single center")
    return Responses(
        predict=Cast(ArgMax(closeness(x, centers).decided), torch.int32),
        transform=_distances(x, centers),
        reasons=CANCELLED,
    )


def _distances(x: Op, centers: np.ndarray) -> Op | None:
    """The distances from all centers, where it does not show that rounding moves their squares.

    Sums of t products are off by a fraction of `t eps` of what they are of. What is not finite in
    a row makes a distance that is not.
    """
    if x.stays_sparse or centers.dtype != np.float64:
        return None
    centers = np.ascontiguousarray(centers)
    distances = CenterDistances(x.x if isinstance(x, Finite) else x, centers)
    lengths = np.square(centers).sum(axis=1)
    least = np.sqrt(np.square(centers - centers[0]).sum(axis=1).max()) / 2
    slack = (centers.shape[1] + 8) / 4 * EPS / SEEN
    sure = Provided(distances, distances, SeenTogether(slack, float(lengths.max()), float(least)))
    return sure if holds_for_some(sure) else None


@converts(FeatureAgglomeration)
def feature_agglomeration(est, x):
    if est.pooling_func != np.mean:
        raise Unsupported("a function that pools other than by the mean")
    x = validate(est, x, "numeric")
    sums = linear(x, (est.labels_ == np.arange(est.labels_.max() + 1)[:, None]) * 1.0).result
    return transformer(sums / np.bincount(est.labels_).astype(np.float64))


@converts(AffinityPropagation, MeanShift)
def nearest_center(est, x):
    if len(getattr(est, "cluster_centers_", ())) == 0:
        raise Unsupported("no centers")
    return Responses(predict=ArgMax(nearest(validate(est, x, "numeric"), est.cluster_centers_)))


@converts(Birch)
def birch(est, x):
    x, centers = validate(est, x, "numeric"), est.subcluster_centers_
    if centers.dtype != np.float64:
        raise Unsupported("fitted in float32")
    return Responses(
        predict=labels(ArgMax(nearest(x, centers)), est.subcluster_labels_),
        transform=_distances(cast(x, torch.float64), centers),
        reasons=CANCELLED,
    )


@converts(BisectingKMeans)
def bisecting_k_means(est, x):
    x = validate(est, x)
    if numpy_dtype(x) != est.cluster_centers_.dtype:
        raise Unsupported("rows of another dtype than the centers")
    if not 2 <= len(est.cluster_centers_) <= MOST_LEAVES:
        raise Unsupported(f"a single center, or over {MOST_LEAVES}")
    left, right, turns, numbers = _bisections(est)
    squares = [np.einsum("ij,ij->i", side, side) for side in (left, right)]
    # The right center is nearer where 2 x (r - l) - |r|^2 + |l|^2 is above 0.
    f = linear(x, 2.0 * (right - left), squares[0] - squares[1])
    sizes = np.ascontiguousarray(2.0 * (np.abs(left) + np.abs(right)).T)
    sure = Decided(f.result, f.rows, sizes, float(np.max(squares[0] + squares[1])), signs=True)
    goes_right = cast(Map(sure, Above(), torch.bool), torch.float64)
    # A row is in the one leaf to which it takes all turns: each adds 1, or takes away none.
    taken = MatMul(goes_right, turns) - np.maximum(turns, 0).sum(axis=0)
    return Responses(
        predict=labels(ArgMax(taken), numbers),
        transform=_distances(x, est.cluster_centers_),
        reasons=CANCELLED,
    )


def _bisections(est: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The two centers of each split, its turn to each leaf (1: right, -1: left), leaves' labels."""
    centers: list[tuple[np.ndarray, np.ndarray]] = []
    leaves: list[tuple[int, dict[int, int]]] = []
    todo: list[tuple[Any, dict[int, int]]] = [(est._bisecting_tree, {})]
    while todo:
        node, path = todo.pop()
        if node.left is None:
            leaves.append((node.label, path))
            continue
        split = len(centers)
        centers.append((node.left.center, node.right.center))
        todo += [(node.left, {**path, split: -1}), (node.right, {**path, split: 1})]
    turns = np.zeros((len(centers), len(leaves)))
    for k, (_, path) in enumerate(leaves):
        turns[list(path), k] = list(path.values())
    mean = getattr(est, "_X_mean", 0.0)
    left, right = (np.array(side) + mean for side in zip(*centers, strict=True))
    return left, right, turns, np.array([number for number, _ in leaves], np.int32)
