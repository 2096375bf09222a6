"""Converters for `sklearn.tree`, and its trees as others are made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from ..ops import ArgMax, Column, Labels, Op, Select, Several
from . import trees
from .registry import Responses, Unsupported, converts
from .responses import classifier, logarithm
from .validation import validate

NODE = {
    "feature",
    "impurity",
    "left_child",
    "missing_go_to_left",
    "n_node_samples",
    "right_child",
    "threshold",
    "weighted_n_node_samples",
}


@converts(DecisionTreeClassifier, ExtraTreeClassifier)
def tree_classifier(est, x):
    x = validate_for_trees(est, x, est)
    value = class_fractions(est)
    fractions = trees.forest(x, [tree_of(est, x, value)], value.shape[1])
    return votes(est, fractions, Column(trees.reached(fractions), 0))


@converts(DecisionTreeRegressor, ExtraTreeRegressor)
def tree_regressor(est, x):
    x = validate_for_trees(est, x, est)
    sums = trees.forest(x, [tree_of(est, x, est.tree_.value[:, :, 0])], est.n_outputs_)
    return Responses(
        predict=Column(sums, 0) if est.n_outputs_ == 1 else sums,
        apply=Column(trees.reached(sums), 0),
    )


def validate_for_trees(est: Any, x: Op, tree: Any) -> Op:
    """The rows in float32, with NaN where trees like `tree` take it."""
    allow_nan = takes_nan(tree, x)
    return validate(est, x, torch.float32, allow_nan=allow_nan, accept_sparse=True)


def takes_nan(tree: Any, x: Op) -> bool:
    """Whether the tree knows where to send NaN, which in a sparse matrix none does."""
    return not x.sparse and bool(tree._support_missing_values(np.empty((0, 0))))


def tree_of(est: Any, x: Op, value: np.ndarray, features: np.ndarray | None = None) -> trees.Tree:
    """A fitted tree with these values for its nodes, reading the columns `features` of x."""
    tree = est.tree_
    check_fields(tree.__getstate__()["nodes"], NODE)
    leaf = tree.children_left < 0
    feature = tree.feature
    if features is not None:
        feature = np.asarray(features)[np.maximum(feature, 0)]  # a leaf has feature -2
    # scikit-learn 1.6 writes NaN where it tells missing values from others, which then go right.
    threshold = np.where(np.isnan(tree.threshold), -np.inf, tree.threshold)
    return trees.Tree(
        np.where(leaf, -1, feature),
        trees.below(threshold, x),
        tree.children_left,
        tree.children_right,
        tree.missing_go_to_left.astype(bool),
        np.ascontiguousarray(value, np.float64),
    )


def check_fields(nodes: np.ndarray, known: set[str]) -> None:
    """Unsupported where nodes have fields that may change what the others mean."""
    unknown = sorted(set(nodes.dtype.names or ()) - known)
    if unknown:
        raise Unsupported(f"fields of a tree that are not known: {', '.join(unknown)}")


def class_fractions(est: Any) -> np.ndarray:
    """The value of each node: the classes' fractions, output by output."""
    value = est.tree_.value
    sizes = np.atleast_1d(est.n_classes_)
    parts = [value[:, k, :n] for k, n in enumerate(sizes)]
    return np.hstack(parts) if len(parts) > 1 else parts[0]  # which a deep forest would copy twice


def votes(est: Any, fractions: Op, leaves: Op | None) -> Responses:
    """The responses of a classifier that averages the fractions of its trees."""
    if est.n_outputs_ == 1:
        responses = classifier(est, proba=fractions)
        return Responses(
            predict=responses.predict,
            predict_proba=fractions,
            predict_log_proba=responses.predict_log_proba,
            apply=leaves,
        )
    ends = np.cumsum(est.n_classes_)
    parts = tuple(
        Select(fractions, np.arange(end - n, end))
        for end, n in zip(ends, est.n_classes_, strict=True)
    )
    return Responses(
        predict=Labels(tuple(ArgMax(p) for p in parts), tuple(est.classes_)),
        predict_proba=Several(parts),
        predict_log_proba=Several(tuple(logarithm(p) for p in parts)),
        apply=leaves,
    )
