"""A booster made to answer given margins: LightGBM's own link, to be asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np

from ..boundaries import boundary
from ..registry import Unsupported
from .model import Model


class Bare:
    """The objective of a model, on trees that lead row i to margin i."""

    def __init__(self, model: Model):
        self.n_outputs, self._objective = model.n_outputs, model.objective
        kept = ("version", "num_class", "num_tree_per_iteration", "label_index", "objective")
        header = {k: model.header[k] for k in kept if k in model.header}
        header.update(max_feature_idx="0", feature_names="x", feature_infos="[0:1]")
        self._header = "tree\n" + "".join(f"{k}={v}\n" for k, v in header.items()) + "\n"

    def link(self, margin: np.ndarray) -> np.ndarray:
        """The values that native prediction makes of margins, (n,) or (n, n_outputs)."""
        columns = margin.reshape(len(margin), -1).T
        text = "\n\n".join(_tree(i, column) for i, column in enumerate(columns))
        model = f"{self._header}{text}\n\nend of trees\n"
        try:
            booster = lightgbm.Booster(model_str=model)
        except lightgbm.basic.LightGBMError as error:
            raise Unsupported(f"objective {self._objective!r} cannot be asked") from error
        rows = np.arange(len(margin), dtype=np.float64)[:, None]
        return np.asarray(booster.predict(rows, num_threads=1))

    def boundary(self, chosen: Callable[[np.ndarray], np.ndarray]) -> float:
        """The largest margin whose value is not chosen; those above it all are."""
        return boundary(lambda margin: chosen(self.link(margin)))


def _tree(number: int, values: np.ndarray) -> str:
    """A tree that ends in leaf i where x is i: halving keeps it as shallow as can be."""
    n = len(values)
    fields: dict[str, Any] = {"Tree": number, "num_leaves": n, "num_cat": 0}
    if n > 1:
        left, right = np.empty(n - 1, np.int64), np.empty(n - 1, np.int64)
        threshold = np.empty(n - 1)
        todo, free = [(0, 0, n)], 1
        while todo:
            node, lo, hi = todo.pop()
            middle = (lo + hi) // 2
            threshold[node] = middle - 0.5
            for side, a, b in ((left, lo, middle), (right, middle, hi)):
                if b - a == 1:
                    side[node] = ~a
                else:
                    side[node] = free
                    todo.append((free, a, b))
                    free += 1
        zeros = " ".join(["0"] * (n - 1))
        fields |= {
            "split_feature": zeros,
            "split_gain": zeros,
            "threshold": _joined(threshold),
            "decision_type": zeros,
            "left_child": _joined(left),
            "right_child": _joined(right),
        }
    fields["leaf_value"] = _joined(values)
    if n > 1:
        ones = " ".join(["1"] * n)
        fields |= {"leaf_weight": ones, "leaf_count": ones}
        fields |= {"internal_value": zeros, "internal_weight": zeros, "internal_count": zeros}
    fields |= {"is_linear": 0, "shrinkage": 1}
    return "".join(f"{k}={v}\n" for k, v in fields.items())


def _joined(values: np.ndarray) -> str:
    return " ".join(map(repr, values.tolist()))
