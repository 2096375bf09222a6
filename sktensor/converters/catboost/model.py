"""CatBoost's JSON model, read into trees.

Numbers are written to their last bit. A field that is not known here may change what the others
mean, so it makes the estimator run natively; so do features and splits of a kind that is not known.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from catboost import CatBoostError

from ..registry import Unsupported
from ..trees import Tree, lone_leaf

F32 = np.float32

DOCUMENT = {"features_info", "model_info", "oblivious_trees", "scale_and_bias", "trees"}
FEATURE = {
    "borders",
    "feature_id",
    "feature_index",
    "feature_name",
    "flat_feature_index",
    "has_nans",
    "nan_value_treatment",
}
OBLIVIOUS = {"leaf_values", "leaf_weights", "splits"}
SPLIT = {"border", "float_feature_index", "split_index", "split_type"}
NODE = {"left", "right", "split"}
LEAF = {"value", "weight"}
MOST_LEAVES = 2**21  # of oblivious trees, whose splits are written out
# Whether a missing value is above every border: else, being NaN, it is above none.
TREATMENTS = {"AsIs": False, "AsFalse": False, "AsTrue": True}


@dataclass(frozen=True)
class Model:
    """What an estimator has learned."""

    document: dict[str, Any]
    names: list[str]  # of the features that were fitted as a frame's columns, or none
    n_features: int
    column: dict[int, int]  # of each float feature
    missing_above: dict[int, bool]  # whether a missing value of it is above every border
    scale: float
    bias: np.ndarray  # (n_outputs,)
    loss: str

    @property
    def n_outputs(self) -> int:
        return len(self.bias)


def read(est: Any) -> Model:
    """The model of a fitted estimator, whose features are all numbers."""
    for kind in ("cat", "text", "embedding"):
        if getattr(est, f"get_{kind}_feature_indices")():
            raise Unsupported(f"{CALLED.get(kind, kind)} features")
    document = _document(est)
    _check_known("the model", document, DOCUMENT)
    others = document["features_info"].keys() - {"float_features"}
    if others:
        raise Unsupported(f"a model of {', '.join(sorted(others))}")
    features = document["features_info"]["float_features"]
    for feature in features:
        _check_known("a feature", feature, FEATURE)
        if feature["nan_value_treatment"] not in TREATMENTS:
            raise Unsupported(f"missing values {feature['nan_value_treatment']}")
    fitted_names = list(est.feature_names_)
    scale, bias = document["scale_and_bias"]
    if not np.isfinite([scale, *bias]).all():
        raise Unsupported("a scale or bias that is not finite")
    return Model(
        document,
        fitted_names if any(f["feature_id"] for f in features) else [],
        len(fitted_names),
        {f["feature_index"]: f["flat_feature_index"] for f in features},
        {f["feature_index"]: TREATMENTS[f["nan_value_treatment"]] for f in features},
        float(scale),
        np.array(bias, np.float64),
        document["model_info"]["params"]["loss_function"]["type"],
    )


CALLED = {"cat": "categorical"}


def _document(est: Any) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        file = Path(folder, "model.json")
        try:
            est.save_model(str(file), format="json")
            return json.loads(file.read_text(encoding="utf-8"))
        except CatBoostError as error:
            raise Unsupported("a model that CatBoost writes no JSON of") from error


def _check_known(what: str, found: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(found.keys() - known)
    if unknown:
        raise Unsupported(f"fields of {what} that are not known: {', '.join(unknown)}")


def nodes(model: Model) -> list[Tree]:
    """The trees, of which each adds to all outputs."""
    if "oblivious_trees" in model.document:
        written = model.document["oblivious_trees"]
        if sum(len(tree["leaf_values"]) for tree in written) > MOST_LEAVES:
            raise Unsupported("trees of too many leaves")
        trees = [_oblivious(tree, model) for tree in written]
    else:
        trees = [_grown(tree, model) for tree in model.document["trees"]]
    if not trees:
        raise Unsupported("no trees")
    return trees


def _oblivious(tree: dict[str, Any], model: Model) -> Tree:
    """A tree that asks the same of all nodes of a level: the last split first, in a heap."""
    _check_known("a tree", tree, OBLIVIOUS)
    splits = [_split(split, model) for split in reversed(tree["splits"] or [])]
    n = (1 << len(splits)) - 1  # of splits before the leaves
    value = np.array(tree["leaf_values"], np.float64).reshape(n + 1, model.n_outputs)
    if not np.isfinite(value).all():
        raise Unsupported("leaves that are not finite")
    if not splits:
        return replace(lone_leaf(np.float64(0), 0, np.dtype(F32)), value=value)
    feature, threshold, missing_left = (
        np.repeat(np.array(part), 1 << np.arange(len(splits))) for part in zip(*splits)
    )
    heap = np.arange(n)
    none = np.full(n + 1, -1)
    return Tree(
        np.concatenate([feature, none]),
        np.concatenate([threshold, np.zeros(n + 1, F32)]),
        np.concatenate([2 * heap + 1, none]),
        np.concatenate([2 * heap + 2, none]),
        np.concatenate([missing_left, np.zeros(n + 1, bool)]),
        np.concatenate([np.zeros((n, model.n_outputs)), value]),
    )


def _grown(root: dict[str, Any], model: Model) -> Tree:
    """A tree whose nodes each have a split of their own."""
    feature, threshold, left, right, missing_left, value = ([] for _ in range(6))  # type: ignore
    nothing = [0.0] * model.n_outputs
    todo = [root]
    for node in todo:  # which grows meanwhile
        if "split" not in node:
            _check_known("a leaf", node, LEAF)
            found = node["value"]
            value.append(found if isinstance(found, list) else [found])
            parts = (-1, F32(0), False, -1, -1)
        else:
            _check_known("a node", node, NODE)
            value.append(nothing)
            parts = (*_split(node["split"], model), len(todo), len(todo) + 1)
            todo += [node["left"], node["right"]]
        for part, whole in zip(parts, (feature, threshold, missing_left, left, right)):
            whole.append(part)
    values = np.array(value, np.float64)
    if values.shape[1] != model.n_outputs or not np.isfinite(values).all():
        raise Unsupported("leaves that are not finite, or not one of each output")
    return Tree(
        np.array(feature, np.int64),
        np.array(threshold, F32),
        np.array(left, np.int64),
        np.array(right, np.int64),
        np.array(missing_left, bool),
        values,
    )


def _split(split: dict[str, Any], model: Model) -> tuple[int, np.float32, bool]:
    """The column that a split reads, its border, and whether what is missing is not above it."""
    if split["split_type"] != "FloatFeature":
        raise Unsupported(f"splits of {split['split_type']}")
    _check_known("a split", split, SPLIT)
    border, feature = split["border"], split["float_feature_index"]
    if float(F32(border)) != border:
        raise Unsupported("borders that are no float32")
    return model.column[feature], F32(border), not model.missing_above[feature]
