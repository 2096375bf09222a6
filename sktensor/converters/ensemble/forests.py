"""Converters for `sklearn.ensemble`: forests and boosted trees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.ensemble._gb import _init_raw_predictions
from sklearn.ensemble._iforest import _average_path_length

from ...ops import Arith, Cast, Column, Concat, Map, OnHost, Op, Select, Softmax, Take, cast
from .. import trees
from ..registry import Responses, Unsupported, convert, converts
from ..responses import classifier, two_columns
from ..tree import class_fractions, leaves_of, tree_of, validate_for_trees, votes
from ..validation import validate


@converts(RandomForestClassifier, ExtraTreesClassifier)
def forest_classifier(est, x):
    x = validate_for_trees(est, x, est.estimators_[0])
    nodes = [tree_of(tree, x, class_fractions(tree)) for tree in est.estimators_]
    sums = trees.forest(x, nodes, nodes[0].value.shape[1])
    return votes(est, sums / len(nodes), leaves_of(x, nodes))


@converts(RandomForestRegressor, ExtraTreesRegressor)
def forest_regressor(est, x):
    x = validate_for_trees(est, x, est.estimators_[0])
    nodes = [tree_of(tree, x, tree.tree_.value[:, :, 0]) for tree in est.estimators_]
    mean = trees.forest(x, nodes, est.n_outputs_) / len(nodes)
    return Responses(
        predict=Column(mean, 0) if est.n_outputs_ == 1 else mean, apply=leaves_of(x, nodes)
    )


@converts(IsolationForest)
def isolation_forest(est, x):
    # Infinities are allowed here; they go to the native method for its warnings of overflow.
    x = validate(est, x, torch.float32, allow_nan=True, accept_sparse=True)
    nodes = [
        tree_of(tree, x, _path_lengths(tree.tree_)[:, None], features)
        for tree, features in zip(est.estimators_, est.estimators_features_, strict=True)
    ]
    depths = Column(trees.forest(x, nodes, 1), 0)
    denominator = len(nodes) * float(_average_path_length([est._max_samples])[0])
    if denominator == 0:
        raise Unsupported("trees of one row")
    # A row of the training data may lie on the offset to the last bit, so that bit is NumPy's.
    samples = OnHost(-(depths / denominator), lambda mean: -(2.0**mean))
    decision = samples - float(est.offset_)
    inlier = Cast(Map(decision, _not_below_zero, torch.bool), torch.int64)
    return Responses(
        predict=Take(inlier, np.array([-1, 1])),
        decision_function=decision,
        score_samples=samples,
    )


def _not_below_zero(x: torch.Tensor) -> torch.Tensor:
    return ~(x < 0)


def _path_lengths(tree: Any) -> np.ndarray:
    """What a tree adds to the depth of a row that ends in each node."""
    lengths = np.asarray(tree.compute_node_depths())
    return lengths + _average_path_length(tree.n_node_samples) - 1.0


@converts(GradientBoostingRegressor)
def gradient_boosting_regressor(est, x):
    raw = Column(_boosted(est, x), 0)
    reasons = {"apply": "a leaf for every stage and class"}
    return Responses(predict=raw, reasons=reasons)


@converts(GradientBoostingClassifier)
def gradient_boosting_classifier(est, x):
    raw = _boosted(est, x)
    reasons = {"apply": "a leaf for every stage and class"}
    if raw.width == 1:
        raw = Column(raw, 0)
        codes = Cast(Map(raw, _not_below_zero, torch.bool), torch.int64)
        margin = 2 * raw if est.loss == "exponential" else raw
        responses = classifier(
            est, scores=raw, proba=two_columns(Map(margin, torch.sigmoid)), codes=codes
        )
    else:
        responses = classifier(est, scores=raw, proba=Softmax(raw))
    return Responses(
        predict=responses.predict,
        predict_proba=responses.predict_proba,
        predict_log_proba=responses.predict_log_proba,
        decision_function=raw,
        reasons=reasons,
    )


def _boosted(est: Any, x: Op) -> Op:
    """The initial prediction plus `learning_rate * leaf`, stage by stage."""
    x = validate(est, x, torch.float32, accept_sparse=True)
    n_outputs = est.estimators_.shape[1]
    start = _constant_start(est, n_outputs)
    constant = np.zeros(n_outputs) if start is None else start
    zero = np.dtype(np.float32)
    nodes = [trees.lone_leaf(np.float64(v), k, zero) for k, v in enumerate(constant)]
    for stage in est.estimators_:
        for k, tree in enumerate(stage):
            value = est.learning_rate * tree.tree_.value[:, 0, 0]
            found = tree_of(tree, x, value)
            nodes.append(replace(found, output=k))
    sums = trees.forest(x, nodes, n_outputs)
    return sums if start is not None else _start(est, x) + sums


def _start(est: Any, x: Op) -> Op:
    """What the init estimator predicts, as a margin."""
    init = convert(est.init_, x, "init_")
    link = type(est._loss.link).__name__
    if isinstance(est, GradientBoostingRegressor):
        if link != "IdentityLink":
            raise Unsupported(f"the link {link}")
        values = Concat((init.get("predict"),))
        return cast(values, torch.float64)
    if link != "LogitLink":
        raise Unsupported(f"an init estimator before the link {link}")
    eps = np.finfo(np.float64).eps
    p = cast(Select(init.get("predict_proba"), np.array([1])), torch.float64)
    p = Arith(torch.minimum, Arith(torch.maximum, p, np.array([eps])), np.array([1 - eps]))
    return Map(p, torch.logit)


def _constant_start(est: Any, n_outputs: int) -> np.ndarray | None:
    """What every row starts from, None where that depends on the row."""
    init = est.init_
    if isinstance(init, str):
        return np.zeros(n_outputs)
    random = isinstance(init, DummyClassifier) and init.strategy in ("stratified", "uniform")
    if type(init) not in (DummyClassifier, DummyRegressor) or random:
        return None
    row = np.zeros((1, est.n_features_in_), np.float32)
    is_classifier = isinstance(est, GradientBoostingClassifier)
    return _init_raw_predictions(row, init, est._loss, is_classifier)[0]


@converts(HistGradientBoostingRegressor)
def hist_gradient_boosting_regressor(est, x):
    raw = Column(_histogram_boosted(est, x), 0)
    link = type(est._loss.link).__name__
    if link == "IdentityLink":
        return Responses(predict=raw)
    if link == "LogLink":
        return Responses(predict=Map(raw, torch.exp))
    raise Unsupported(f"the link {link}")


@converts(HistGradientBoostingClassifier)
def hist_gradient_boosting_classifier(est, x):
    raw = _histogram_boosted(est, x)
    if raw.width != 1:
        return classifier(est, scores=raw, proba=Softmax(raw))
    raw = Column(raw, 0)
    return classifier(est, scores=raw, proba=two_columns(Map(raw, torch.sigmoid)))


def _histogram_boosted(est: Any, x: Op) -> Op:
    """The baseline plus every tree's leaf, iteration by iteration."""
    if est._preprocessor is not None:
        raise Unsupported("categorical features")
    x = validate(est, x, torch.float64, allow_nan=True, allow_inf=True)
    n_outputs = est.n_trees_per_iteration_
    baseline = np.asarray(est._baseline_prediction, np.float64).ravel()
    nodes = [trees.lone_leaf(v, k, np.dtype(np.float64)) for k, v in enumerate(baseline)]
    for iteration in est._predictors:
        for k, predictor in enumerate(iteration):
            n = predictor.nodes
            if n["is_categorical"].any():
                raise Unsupported("categorical splits")
            leaf = n["is_leaf"].astype(bool)
            nodes.append(
                trees.Tree(
                    np.where(leaf, -1, n["feature_idx"].astype(np.int64)),
                    n["num_threshold"].astype(np.float64),
                    n["left"].astype(np.int64),
                    n["right"].astype(np.int64),
                    n["missing_go_to_left"].astype(bool),
                    n["value"].astype(np.float64),
                    k,
                )
            )
    return trees.forest(x, nodes, n_outputs)
