"""Committees whose members are plain trees: one forest, where others ask member by member."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from ...ops import Column, Finite, Op, Take
from .. import trees
from ..tree import class_fractions, takes_nan, tree_of
from ..validation import as_numbers, validate

CLASSIFIERS = (DecisionTreeClassifier, ExtraTreeClassifier)
REGRESSORS = (DecisionTreeRegressor, ExtraTreeRegressor)
# Classifiers whose probabilities are those of scikit-learn to the last bit.
EXACT = (*CLASSIFIERS, ExtraTreesClassifier, RandomForestClassifier)


def of_trees(members: Iterable[Any], kinds: tuple[type, ...]) -> bool:
    """Whether every member is a tree that a forest may stand for."""
    return all(type(member) in kinds for member in members)


def bagged_fractions(est: Any, x: Op) -> Op:
    """The mean of the members' class fractions, of classes that some may not have seen."""
    x = _validate_members(est, x)
    nodes = []
    for tree, features in zip(est.estimators_, est.estimators_features_, strict=True):
        value = np.zeros((tree.tree_.node_count, est.n_classes_))
        value[:, np.asarray(tree.classes_, np.int64)] = class_fractions(tree)
        nodes.append(tree_of(tree, x, value, features))
    return trees.forest(x, nodes, est.n_classes_) / len(nodes)


def bagged_values(est: Any, x: Op) -> Op:
    """The mean of the members' values."""
    x = _validate_members(est, x)
    nodes = [
        tree_of(tree, x, tree.tree_.value[:, :, 0], features)
        for tree, features in zip(est.estimators_, est.estimators_features_, strict=True)
    ]
    n_outputs = est.estimators_[0].n_outputs_
    mean = trees.forest(x, nodes, n_outputs) / len(nodes)
    return Column(mean, 0) if n_outputs == 1 else mean


def _validate_members(est: Any, x: Op) -> Op:
    """The rows as the committee lets them through and its trees take them."""
    x = validate(est, x, None, allow_nan=True, allow_inf=True, accept_sparse=True)
    allow_nan = all(takes_nan(tree, x) for tree in est.estimators_)
    return Finite(as_numbers(x, torch.float32), allow_nan)


def voted(est: Any, x: Op, votes: Sequence[np.ndarray]) -> Op:
    """The sum of `vote[class]`, over the classes that the trees predict."""
    x = Finite(as_numbers(x, torch.float32))
    nodes = []
    for tree, vote in zip(est.estimators_, votes, strict=False):
        best = tree.classes_[class_fractions(tree).argmax(axis=1)]
        nodes.append(tree_of(tree, x, vote[np.searchsorted(est.classes_, best)]))
    return trees.forest(x, nodes, len(est.classes_))


def values_of_trees(est: Any, x: Op) -> Op:
    """What every tree answers, one column a tree."""
    x = Finite(as_numbers(x, torch.float32))
    nodes = [tree_of(tree, x, tree.tree_.value[:, 0]) for tree in est.estimators_]
    return Take(trees.leaves_among_all(x, nodes), np.concatenate([n.value[:, 0] for n in nodes]))
