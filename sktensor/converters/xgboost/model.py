"""XGBoost's documented JSON model, read into trees or weights.

A field that is not known here may change what the others mean, so it makes the estimator run
natively; so do a booster and a kind of split that are not known.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..registry import Unsupported
from ..trees import Tree

F32 = np.float32

DOCUMENT = {"learner", "version"}
LEARNER = {
    "attributes",
    "feature_names",
    "feature_types",
    "gradient_booster",
    "learner_model_param",
    "objective",
}
LEARNER_PARAM = {"base_score", "boost_from_average", "num_class", "num_feature", "num_target"}
BOOSTER = {
    "gbtree": {"model", "name"},
    "dart": {"gbtree", "name", "weight_drop"},
    "gblinear": {"model", "name"},
}
MODEL = {"cats", "gbtree_model_param", "iteration_indptr", "tree_info", "trees"}
MODEL_PARAM = {"num_parallel_tree", "num_trees"}
LINEAR = {"boosted_rounds", "weights"}
TREE = {
    "base_weights",
    "categories",
    "categories_nodes",
    "categories_segments",
    "categories_sizes",
    "default_left",
    "id",
    "leaf_weights",
    "left_children",
    "loss_changes",
    "parents",
    "right_children",
    "split_conditions",
    "split_indices",
    "split_type",
    "sum_hessian",
    "tree_param",
}
TREE_PARAM = {"num_deleted", "num_feature", "num_nodes", "size_leaf_vector"}


@dataclass(frozen=True)
class Model:
    """What a booster has learned."""

    document: dict[str, Any]
    booster: str
    objective: str
    n_features: int
    n_outputs: int
    feature_names: list[str]
    feature_types: list[str]
    # The categories fitted, per feature; none where an array was, None where XGBoost keeps none.
    categories: tuple[list[Any] | None, ...] | None
    trees: list[dict[str, Any]]
    groups: list[int]
    weights: np.ndarray  # gbtree: none; dart: one a tree; gblinear: (n_features + 1, n_outputs)

    @property
    def is_linear(self) -> bool:
        return self.booster == "gblinear"


def read(est: Any) -> Model:
    """The model of a fitted estimator, with the trees that `predict` uses."""
    document = json.loads(bytes(est.get_booster().save_raw("json")))
    learner = _known("the model", _known("the file", document, DOCUMENT)["learner"], LEARNER)
    param = _known("the learner", learner["learner_model_param"], LEARNER_PARAM)
    booster = learner["gradient_booster"]
    name = booster["name"]
    if name not in BOOSTER:
        raise Unsupported(f"booster {name!r} is not known")
    if (est.booster == "gblinear") != (name == "gblinear"):
        raise Unsupported(f"booster={est.booster!r} set on a fitted {name}")
    _known("the booster", booster, BOOSTER[name])
    n_features = int(param["num_feature"])
    n_outputs = max(int(param["num_class"]), int(param.get("num_target", 1)), 1)
    trees: list[dict[str, Any]] = []
    groups: list[int] = []
    categories = None
    if name == "gblinear":
        linear = _known("the linear model", booster["model"], LINEAR)
        weights = np.array(linear["weights"], F32).reshape(n_features + 1, n_outputs)
    else:
        gbtree = booster["gbtree"] if name == "dart" else booster
        n_trees, trees, groups = _trees(est, gbtree)
        if "cats" in gbtree["model"]:
            categories = tuple(map(_categories, gbtree["model"]["cats"]["enc"]))
        weights = np.array(booster.get("weight_drop", ()), F32)
        if name == "dart" and len(weights) != n_trees:
            raise Unsupported(f"{len(weights)} weights for {n_trees} trees")
    return Model(
        document,
        name,
        learner["objective"]["name"],
        n_features,
        n_outputs,
        list(learner.get("feature_names", ())),
        list(learner.get("feature_types", ())),
        categories,
        trees,
        groups,
        weights,
    )


def _trees(est: Any, gbtree: dict[str, Any]) -> tuple[int, list[dict[str, Any]], list[int]]:
    """How many trees there are, and those up to the best iteration with the output of each."""
    model = _known("the trees", gbtree["model"], MODEL)
    _known("the trees", model["gbtree_model_param"], MODEL_PARAM)
    trees, end = model["trees"], len(model["trees"])
    if not trees:
        raise Unsupported("no trees")
    best = getattr(est, "best_iteration", None)
    if best is not None:
        ends = model["iteration_indptr"]
        if not 0 <= best < len(ends) - 1:
            raise Unsupported(f"a best iteration of {best} among {len(ends) - 1}")
        end = ends[best + 1]
    return len(trees), trees[:end], model["tree_info"][:end]


INT64 = 15  # as XGBoost numbers the types of categories


def _categories(found: dict[str, Any]) -> list[Any] | None:
    """The categories of a feature: strings as bytes one after the other, or numbers."""
    values = found["values"]
    if "offsets" in found:
        text = bytes(v & 0xFF for v in values)
        ends = found["offsets"]
        return [text[a:b].decode() for a, b in itertools.pairwise(ends)] or None
    if found["type"] != INT64:
        raise Unsupported("categories that are neither strings nor int64")
    return list(values)


def _known(what: str, found: dict[str, Any], known: set[str]) -> dict[str, Any]:
    unknown = sorted(found.keys() - known)
    if unknown:
        raise Unsupported(f"fields of {what} that are not known: {', '.join(unknown)}")
    return found


def nodes(model: Model, base: np.ndarray) -> list[Tree]:
    """The trees; `x < t` in float32 is `x <= t'` for the float t' just below t."""
    out = []
    for i, (found, group) in enumerate(zip(model.trees, model.groups, strict=True)):
        _known("a tree", found, TREE)
        size = int(_known("a tree", found["tree_param"], TREE_PARAM)["size_leaf_vector"])
        codes = _codes(found)
        left = np.array(found["left_children"], np.int64)
        right = np.array(found["right_children"], np.int64)
        condition = np.array(found["split_conditions"], F32)
        split = left >= 0
        categorical = np.zeros(len(left), bool)
        categorical[list(codes)] = True
        if not np.array_equal(categorical, np.array(found["split_type"]) == 1):
            raise Unsupported("splits of a kind that is not known")
        if size <= 1:
            value = condition
            if model.booster == "dart":
                # Each tree is predicted with the base score, which is taken off again.
                value = ((value + base[group]) - base[group]) * model.weights[i]
        elif model.booster == "dart":
            raise Unsupported("dart with a vector in a leaf")
        elif "leaf_weights" in found:
            vectors = np.array(found["leaf_weights"], F32).reshape(-1, size)
            value = vectors[np.where(split, 0, right)]
        else:
            value = np.array(found["base_weights"], F32).reshape(-1, size)
        if not np.isfinite(value[~split]).all() or np.isnan(condition[split & ~categorical]).any():
            raise Unsupported("leaves or thresholds that are not finite")
        out.append(
            Tree(
                np.where(split, np.array(found["split_indices"], np.int64), -1),
                np.where(split & ~categorical, np.nextafter(condition, F32(-np.inf)), F32(0)),
                # What is in the set goes right.
                np.where(categorical, right, left),
                np.where(categorical, left, right),
                (np.array(found["default_left"], bool) ^ categorical) & split,
                np.where(split if value.ndim == 1 else split[:, None], F32(0), value),
                group,
                codes,
            )
        )
    return out


def _codes(tree: dict[str, Any]) -> dict[int, np.ndarray]:
    """The set of each of a tree's categorical splits, by its node."""
    codes = np.array(tree["categories"], np.int64)
    parts = zip(
        tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True
    )
    return {node: codes[begin : begin + size] for node, begin, size in parts}


def categorical_features(model: Model) -> np.ndarray:
    """The features that some categorical split reads."""
    found = {
        tree["split_indices"][node] for tree in model.trees for node in tree["categories_nodes"]
    }
    return np.array(sorted(found), np.int64)


def has_lowest_threshold(model: Model) -> bool:
    """Whether a split is at -inf, where nothing is below it and nothing says so in `x <= t`."""
    return any(-np.inf in tree["split_conditions"] for tree in model.trees)
