"""Converters for `sklearn.ensemble`: forests and boosted trees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from sklearn import __version__
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
    RandomTreesEmbedding,
)
from sklearn.ensemble._gb import _init_raw_predictions
from sklearn.ensemble._iforest import _average_path_length
from sklearn.utils.fixes import parse_version

from ...ops import (
    ArgMax,
    Arith,
    Cast,
    Column,
    Concat,
    Map,
    Native,
    OnHost,
    Op,
    Provided,
    Select,
    Softmax,
    Take,
    cast,
)
from ...table.cells import is_nan
from .. import trees
from ..compose import columns_by_name
from ..registry import Responses, Unsupported, convert, converts, select
from ..responses import apart, classifier, known, two_columns
from ..tree import check_fields, class_fractions, tree_of, validate_for_trees, votes
from ..validation import as_numbers, settled, validate
from .plain_trees import EXACT

# The fields of a histogram tree's nodes.
NODE = {
    "bin_threshold",
    "bitset_idx",
    "count",
    "depth",
    "feature_idx",
    "gain",
    "is_categorical",
    "is_leaf",
    "left",
    "missing_go_to_left",
    "num_threshold",
    "right",
    "value",
}


@converts(RandomForestClassifier, ExtraTreesClassifier)
def forest_classifier(est, x):
    x = validate_for_trees(est, x, est.estimators_[0])
    nodes = [tree_of(tree, x, class_fractions(tree)) for tree in est.estimators_]
    sums = trees.forest(x, nodes, nodes[0].value.shape[1])
    return votes(est, sums / len(nodes), trees.reached(sums))


@converts(RandomForestRegressor, ExtraTreesRegressor)
def forest_regressor(est, x):
    x = validate_for_trees(est, x, est.estimators_[0])
    nodes = [tree_of(tree, x, tree.tree_.value[:, :, 0]) for tree in est.estimators_]
    sums = trees.forest(x, nodes, est.n_outputs_)
    mean = sums / len(nodes)
    return Responses(
        predict=Column(mean, 0) if est.n_outputs_ == 1 else mean, apply=trees.reached(sums)
    )


@converts(RandomTreesEmbedding)
def random_trees_embedding(est, x):
    x = validate_for_trees(est, x, est.estimators_[0])
    nodes = [tree_of(tree, x, tree.tree_.value[:, :, 0]) for tree in est.estimators_]
    leaves = trees.reached(trees.forest(x, nodes, 1))
    indicators = convert(est.one_hot_encoder_, leaves, "one_hot_encoder_")
    return Responses(transform=indicators.get("transform"), apply=leaves)


@converts(IsolationForest)
def isolation_forest(est, x):
    # Infinities are allowed here; they go to the native method for its warnings of overflow. So
    # does NaN in a sparse matrix, where it goes right whatever the node says.
    x = validate(est, x, torch.float32, allow_nan=not x.sparse, accept_sparse=True)
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


def _not_around_zero(x: torch.Tensor) -> torch.Tensor:
    """Whether no rounding of what a sum of leaves was added to can have changed the sign."""
    return x.abs() > 1e-9


def _not_below_zero(x: torch.Tensor) -> torch.Tensor:
    return ~(x < 0)


def _path_lengths(tree: Any) -> np.ndarray:
    """What a tree adds to the depth of a row that ends in each node."""
    lengths = np.asarray(tree.compute_node_depths())
    return lengths + _average_path_length(tree.n_node_samples) - 1.0


@converts(GradientBoostingRegressor)
def gradient_boosting_regressor(est, x):
    return Responses(
        predict=Column(_boosted(est, x), 0), apply=_stage_leaves(est, x), reasons=NO_APPLY
    )


@converts(GradientBoostingClassifier)
def gradient_boosting_classifier(est, x):
    raw = _boosted(est, x)
    computed = _constant_start(est, raw.width or 1) is None
    if raw.width == 1:
        raw = Column(raw, 0)
        if computed:
            raw = Provided(raw, raw, _not_around_zero)
        codes = Cast(Map(raw, _not_below_zero, torch.bool), torch.int64)
        margin = 2 * raw if est.loss == "exponential" else raw
        responses = classifier(
            est, scores=raw, proba=two_columns(Map(margin, torch.sigmoid)), codes=codes
        )
    else:
        best = ArgMax(apart(raw) if computed else raw)
        responses = classifier(est, scores=raw, proba=Softmax(raw), codes=best)
    return replace(responses, reasons=NO_APPLY)


NO_APPLY = {"apply": "three dimensions, or names that the trees do not know"}


def _stage_leaves(est: GradientBoostingRegressor, x: Op) -> Op | None:
    """The leaf of every stage, as a float.

    The trees read the rows here, not the estimator: it has nothing to say of the columns' names.
    """
    if x.names is not None or hasattr(est, "feature_names_in_"):
        return None
    x = validate_for_trees(est, x, est.estimators_[0, 0])
    nodes = [tree_of(tree, x, tree.tree_.value[:, :, 0]) for tree in est.estimators_[:, 0]]
    return Cast(trees.reached(trees.forest(x, nodes, 1)), torch.float64)


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
    if isinstance(est, GradientBoostingRegressor):
        return cast(Concat((known(init.get("predict")),)), torch.float64)
    p = cast(known(init.get("predict_proba")), torch.float64)
    if p.width != len(est.classes_):
        raise Unsupported("an init estimator of other classes")
    if not est._loss.is_multiclass:
        p = Select(p, np.array([1]))
    if type(est.init_) not in EXACT and not isinstance(init.get("predict_proba"), Native):
        p = Provided(p, p, _well_inside)
    p = Arith(torch.minimum, Arith(torch.maximum, p, np.array([EPS])), np.array([1 - EPS]))
    link = type(est._loss.link).__name__
    if link not in LINKS:
        raise Unsupported(f"an init estimator before the link {link}")
    return Map(p, LINKS[link])


# What probabilities are clipped to before their link.
EPS = float(
    np.finfo(np.float64 if parse_version(__version__) >= parse_version("1.8") else np.float32).eps
)


def _well_inside(p: torch.Tensor) -> torch.Tensor:
    """Whether the last bits of a probability, which may not be ours, are lost in its logit."""
    return (p > 1e-4) & (p < 1 - 1e-4)


def _half_logit(p: torch.Tensor) -> torch.Tensor:
    return 0.5 * torch.logit(p)


def _symmetric_logit(p: torch.Tensor) -> torch.Tensor:
    """`log(p / (product of all p) ** (1 / n_classes))`."""
    return (p / p.log().mean(dim=1, keepdim=True).exp()).log()


LINKS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "LogitLink": torch.logit,
    "HalfLogitLink": _half_logit,
    "MultinomialLogit": _symmetric_logit,
}


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
    if est._preprocessor is None:
        x = settled(validate(est, x, torch.float64, allow_nan=True, allow_inf=True))
    else:
        x = _categories_first(est, x)
    n_outputs = est.n_trees_per_iteration_
    baseline = np.asarray(est._baseline_prediction, np.float64).ravel()
    nodes = [trees.lone_leaf(v, k, np.dtype(np.float64)) for k, v in enumerate(baseline)]
    for iteration in est._predictors:
        for k, predictor in enumerate(iteration):
            n = predictor.nodes
            check_fields(n, NODE)
            leaf = n["is_leaf"].astype(bool)
            categorical = np.flatnonzero(n["is_categorical"].astype(bool) & ~leaf)
            sets = predictor.raw_left_cat_bitsets
            nodes.append(
                trees.Tree(
                    np.where(leaf, -1, n["feature_idx"].astype(np.int64)),
                    n["num_threshold"].astype(np.float64),
                    n["left"].astype(np.int64),
                    n["right"].astype(np.int64),
                    n["missing_go_to_left"].astype(bool),
                    n["value"].astype(np.float64),
                    k,
                    {int(i): _codes_of(sets[n["bitset_idx"][i]]) for i in categorical},
                )
            )
    return trees.forest(x, nodes, n_outputs)


def _codes_of(bitset: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.unpackbits(bitset.astype("<u4").view(np.uint8), bitorder="little"))


def _categories_first(est: Any, x: Op) -> Op:
    """What the estimator's own `ColumnTransformer` makes of a table: codes, then the numbers.

    A category that is missing or unknown is NaN, which every split knows a side for.
    """
    if x.sparse:
        raise Unsupported("sparse input")
    transformer = est._preprocessor
    at = columns_by_name(transformer, x)
    parts = []
    for name, step, _ in transformer.transformers_:
        if name == "encoder":
            _check_known(est, step.categories_)
            parts.append(convert(step, select(x, at(name)), name).get("transform"))
        elif chosen := at(name):
            parts.append(settled(as_numbers(select(x, chosen), torch.float64)))
    return Concat(tuple(parts))


def _check_known(est: Any, categories: list[np.ndarray]) -> None:
    """Whether the trees know all of the encoder's codes; another would be missing to them."""
    known = [
        est._bin_mapper.bin_thresholds_[i] for i in np.flatnonzero(est._is_categorical_remapped)
    ]
    for codes, values in zip(known, categories, strict=True):
        n_missing = len(values) > 0 and is_nan(values[-1])
        if not np.array_equal(codes, np.arange(len(values) - n_missing)):
            raise Unsupported("categories that the encoder knows and the trees do not")
