"""LightGBM's model text, read into trees.

The text holds every float to its last bit, needs no recursion however deep a tree, and is read
ten times as fast as `dump_model`. A field that is not known here may change what the others
mean, so it makes the estimator run natively.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ops import Op
from ..registry import Unsupported
from ..trees import Tree, below

# LightGBM takes values this close to 0 for 0.
ZERO = float(np.float32(1e-35))

HEADER = {
    "average_output",
    "feature_infos",
    "feature_names",
    "label_index",
    "max_feature_idx",
    "monotone_constraints",
    "num_class",
    "num_tree_per_iteration",
    "objective",
    "tree",
    "tree_sizes",
    "version",
}
TREE = {
    "Tree",
    "cat_boundaries",
    "cat_threshold",
    "decision_type",
    "internal_count",
    "internal_value",
    "internal_weight",
    "is_linear",
    "leaf_coeff",
    "leaf_const",
    "leaf_count",
    "leaf_features",
    "leaf_value",
    "leaf_weight",
    "left_child",
    "num_cat",
    "num_features",
    "num_leaves",
    "right_child",
    "shrinkage",
    "split_feature",
    "split_gain",
    "threshold",
}
NONE, ZERO_MISSING, NAN = 0, 1, 2
CATEGORICAL = 1  # the bit of a decision type that says so


@dataclass(frozen=True)
class Model:
    """What a booster has learned."""

    header: dict[str, str]
    n_features: int
    n_outputs: int
    averages: bool
    trees: list[dict[str, str]]

    @property
    def objective(self) -> str:
        """The objective and its parameters; "" for one that is not LightGBM's."""
        return self.header.get("objective", "")

    @property
    def is_linear(self) -> bool:
        return any(int(tree.get("is_linear", 0)) for tree in self.trees)


def read(booster: Any) -> Model:
    """The model of a booster, with the trees up to its best iteration."""
    text = booster.model_to_string(num_iteration=booster.best_iteration)
    lines = iter(text.splitlines())
    header = dict(_fields(lines))
    _known("the model", header, HEADER)
    if header.get("version") != "v4" or "tree" not in header:
        raise Unsupported(f"a model of version {header.get('version')!r}")
    trees = []
    while tree := dict(_fields(lines)):
        _known("a tree", tree, TREE)
        trees.append(tree)
    n_outputs = int(header["num_tree_per_iteration"])
    if not trees or len(trees) % n_outputs:
        raise Unsupported(f"{len(trees)} trees for {n_outputs} outputs")
    n_features = int(header["max_feature_idx"]) + 1
    return Model(header, n_features, n_outputs, "average_output" in header, trees)


def _fields(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """`key=value` of the next block of lines; none at the end of the trees."""
    begun = False
    for line in lines:
        if not line:
            if begun:
                return
            continue
        begun = True
        if line == "end of trees":
            return
        key, _, value = line.partition("=")
        yield key, value


def _known(what: str, found: dict[str, str], known: set[str]) -> None:
    unknown = sorted(found.keys() - known)
    if unknown:
        raise Unsupported(f"fields of {what} that are not known: {', '.join(unknown)}")


def numbers(tree: dict[str, str], key: str, dtype: Any) -> np.ndarray:
    return np.array(tree.get(key, "").split(), dtype)


def missing_types(model: Model) -> set[int]:
    """What the splits at thresholds take for missing: nothing, zeros, or NaN."""
    kinds: set[int] = set()
    for tree in model.trees:
        decision = numbers(tree, "decision_type", np.int64)
        kinds.update((decision[decision & CATEGORICAL == 0] >> 2 & 3).tolist())
    return kinds


def categorical_features(model: Model) -> np.ndarray:
    """The features that some categorical split reads."""
    found = [np.zeros(0, np.int64)]
    for tree in model.trees:
        decision = numbers(tree, "decision_type", np.int64)
        found.append(numbers(tree, "split_feature", np.int64)[decision & CATEGORICAL > 0])
    return np.unique(np.concatenate(found))


def nodes(model: Model, x: Op, *, near_zero: bool) -> list[Tree]:
    """The trees, splits before leaves; `near_zero` where x has not had values near 0 made 0."""
    trees = []
    for i, tree in enumerate(model.trees):
        trees.append(_nodes(tree, x, i % model.n_outputs, near_zero))
    return trees


def _nodes(tree: dict[str, str], x: Op, output: int, near_zero: bool) -> Tree:
    value = numbers(tree, "leaf_value", np.float64)
    threshold = numbers(tree, "threshold", np.float64)
    n_splits = len(threshold)
    if n_splits != int(tree["num_leaves"]) - 1 or len(value) != n_splits + 1:
        raise Unsupported("a tree whose parts do not fit")
    if np.isnan(threshold).any() or not np.isfinite(value).all():
        raise Unsupported("leaves or thresholds that are not finite")
    decision = numbers(tree, "decision_type", np.int64)
    if (decision > 0b1011).any() or (decision >> 2 & 3 > NAN).any():
        raise Unsupported("splits of a kind that is not known")
    # What is missing to a split that knows no missing values is 0.
    missing_left = np.where(decision >> 2 & 3 == NONE, threshold >= 0, decision & 2 != 0)
    categorical = decision & CATEGORICAL > 0
    missing_left &= ~categorical
    sets = _sets(tree)
    codes = {int(i): sets[int(threshold[i])] for i in np.flatnonzero(categorical)}
    if near_zero:
        threshold = _past_zero(threshold)

    def joined(splits: np.ndarray, leaves: Any) -> np.ndarray:
        return np.concatenate([splits, np.full(n_splits + 1, leaves, splits.dtype)])

    def child(key: str) -> np.ndarray:
        """Leaves are numbered -1, -2, ... and follow the splits here."""
        at = numbers(tree, key, np.int64)
        return joined(np.where(at < 0, n_splits - 1 - at, at), -1)

    return Tree(
        joined(numbers(tree, "split_feature", np.int64), -1),
        joined(below(threshold, x), 0),
        child("left_child"),
        child("right_child"),
        joined(missing_left, False),
        np.concatenate([np.zeros(n_splits), value]),
        output,
        codes,
    )


def _sets(tree: dict[str, str]) -> list[np.ndarray]:
    """The codes of a tree's sets, whose bits are kept in words of 32."""
    ends = numbers(tree, "cat_boundaries", np.int64)
    words = numbers(tree, "cat_threshold", np.int64).astype("<u4")
    n_sets = int(tree["num_cat"])
    if max(len(ends) - 1, 0) != n_sets or len(words) != (ends[-1] if n_sets else 0):
        raise Unsupported("sets of categories that are not whole")
    parts = np.split(words, ends[1:-1]) if len(ends) else []
    return [np.flatnonzero(np.unpackbits(p.view(np.uint8), bitorder="little")) for p in parts]


def _past_zero(threshold: np.ndarray) -> np.ndarray:
    """Thresholds among the values near 0 moved past them, to where x as 0 would go."""
    threshold = np.where((threshold >= 0) & (threshold < ZERO), ZERO, threshold)
    low = np.nextafter(-ZERO, -np.inf)
    return np.where((threshold < 0) & (threshold >= -ZERO), low, threshold)
