"""A booster whose leaves are all zero: XGBoost's own base score and link, to be asked.

Each release has its own way to write and to transform the base score, and each platform its own
`expf`. A booster that adds nothing to the margin it is given answers for both.
"""

from __future__ import annotations

import copy
import json
import warnings
from typing import Any

import numpy as np
import xgboost

from ..registry import Unsupported
from .model import Model

F32 = np.float32
GRID = 1024


class Bare:
    """The model of an estimator without what it has learned but for the base score."""

    def __init__(self, model: Model):
        self.n_features, self.n_outputs = model.n_features, model.n_outputs
        raw = bytearray(json.dumps(_bare(model)).encode())
        with warnings.catch_warnings(), xgboost.config_context(verbosity=0):
            warnings.simplefilter("ignore")
            self._booster = xgboost.Booster({"nthread": 1})
            try:
                self._booster.load_model(raw)
            except xgboost.core.XGBoostError as error:
                raise Unsupported("a model that XGBoost does not load again") from error
        self.is_linear = model.is_linear

    def base(self) -> np.ndarray:
        """The margin before anything is added, one value an output."""
        return self._predict(None, 1, output_margin=True).reshape(-1)

    def link(self, margin: np.ndarray) -> np.ndarray:
        """The values that native prediction makes of margins, (n,) or (n, n_outputs)."""
        return self._predict(margin, len(margin), output_margin=False)

    def _predict(self, margin: np.ndarray | None, n_rows: int, output_margin: bool) -> np.ndarray:
        rows = xgboost.DMatrix(np.zeros((n_rows, self.n_features), F32), nthread=1)
        if margin is not None:
            rows.set_base_margin(margin)
        with warnings.catch_warnings(), xgboost.config_context(verbosity=0):
            warnings.simplefilter("ignore")
            return self._booster.predict(rows, output_margin=output_margin, validate_features=False)

    def boundary(self) -> np.float32:
        """The largest margin whose value is not above 0.5; the link never falls."""
        low, high = _key(F32(-np.inf)), _key(F32(np.inf))
        while high - low > 1:
            # The value is at most 0.5 at low, and more at high.
            tried = np.unique(np.linspace(low, high, GRID).astype(np.int64))
            margins = np.tile(_float(tried)[:, None], (1, self.n_outputs))
            above = (self.link(margins).reshape(len(tried), -1) > F32(0.5)).all(axis=1)
            first = int(np.argmax(above))
            if not first:
                raise Unsupported("an objective that no margin decides")
            low, high = int(tried[first - 1]), int(tried[first])
        return F32(_float(np.array([low]))[0])


def _bare(model: Model) -> dict[str, Any]:
    document = copy.copy(model.document)
    learner = document["learner"] = dict(document["learner"], attributes={})
    learner.update(feature_names=[], feature_types=[])
    booster = learner["gradient_booster"] = dict(learner["gradient_booster"])
    if model.is_linear:
        weights = [0.0] * model.weights.size
        booster["model"] = dict(booster["model"], weights=weights)
        return document
    tree = _lone_leaf(model.trees[0])
    n = 1 if int(tree["tree_param"]["size_leaf_vector"]) > 1 else model.n_outputs
    trees: dict[str, Any] = {
        "trees": [dict(tree, id=i) for i in range(n)],
        "tree_info": list(range(n)),
        "iteration_indptr": [0, n],
        "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": str(n)},
    }
    if model.booster == "dart":
        gbtree = dict(booster["gbtree"])
        booster.update(gbtree=gbtree, weight_drop=[1.0] * n)
    else:
        gbtree = booster
    if "cats" in gbtree["model"]:
        trees["cats"] = {"enc": [], "feature_segments": [], "sorted_idx": []}
    gbtree["model"] = dict(gbtree["model"], **trees)
    return document


def _lone_leaf(tree: dict[str, Any]) -> dict[str, Any]:
    """A tree of one leaf, worth 0, with the fields that `tree` has."""
    size = max(int(tree["tree_param"]["size_leaf_vector"]), 1)
    vector, is_vector = [0.0] * size, size > 1
    fields: dict[str, list[Any]] = {
        "left_children": [-1],
        "right_children": [0 if "leaf_weights" in tree and is_vector else -1],
        "parents": [-1 if is_vector else 2**31 - 1],
        "split_conditions": [0.0],
        "split_indices": [0],
        "split_type": [0],
        "default_left": [0],
        "loss_changes": [0.0],
        "sum_hessian": [0.0],
        "base_weights": vector,
        "leaf_weights": vector,
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
    }
    param = dict(tree["tree_param"], num_nodes="1", num_deleted="0")
    return {k: fields[k] for k in tree if k in fields} | {"tree_param": param}


def _key(x: np.float32) -> int:
    """Floats as integers in the same order."""
    bits = int(np.asarray(x, F32).view(np.int32))
    return bits if bits >= 0 else -(bits & (2**31 - 1))


def _float(keys: np.ndarray) -> np.ndarray:
    """The inverse of `_key`."""
    bits = np.where(keys >= 0, keys, -keys | 2**31).astype(np.uint32)
    return bits.view(F32)
