"""Rows that lie where a fitted forest decides: on thresholds, and on the floats beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags

from .support import fitted_quietly


def thresholds_of(estimator: Any) -> list[tuple[int, float]]:
    """The (feature, threshold) pairs of every split of a fitted scikit-learn forest."""
    if hasattr(estimator, "tree_"):
        tree = estimator.tree_
        split = tree.children_left >= 0
        return list(zip(tree.feature[split], tree.threshold[split], strict=True))
    if hasattr(estimator, "_predictors"):
        nodes = [p.nodes for iteration in estimator._predictors for p in iteration]
        return [
            (int(n["feature_idx"]), float(n["num_threshold"]))
            for tree in nodes
            for n in tree
            if not n["is_leaf"]
        ]
    members = np.ravel(np.asarray(estimator.estimators_, dtype=object))
    return [pair for member in members for pair in thresholds_of(member)]


def rows_at_thresholds(estimator: Any, X: np.ndarray, y: Any, most: int = 300) -> np.ndarray:
    """Rows of X with values put on a like forest's thresholds and the floats around them."""
    fitted = fitted_quietly(clone(estimator), X, y)
    rng = np.random.default_rng(0)
    rows = []
    for feature, threshold in thresholds_of(fitted):
        near = np.float32(threshold)
        for value in (
            threshold,
            np.nextafter(threshold, np.inf),
            np.nextafter(threshold, -np.inf),
            near,
            np.nextafter(near, np.float32(np.inf)),
            np.nextafter(near, np.float32(-np.inf)),
            -0.0,
        ):
            if np.isfinite(value):
                row = X[rng.integers(len(X))].copy()
                row[feature] = value
                rows.append(row)
    rng.shuffle(rows)
    rows = np.array(rows[:most] or X[:1])
    if get_tags(fitted).input_tags.allow_nan and getattr(fitted, "monotonic_cst", None) is None:
        rows[rng.random(rows.shape) < 0.05] = np.nan
    return rows
