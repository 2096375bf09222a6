"""LightGBM's linear trees: a linear function in every leaf."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...kernels import linear_numba, linear_torch
from ...ops import Op
from ..registry import Unsupported
from .model import Model, numbers


@dataclass(frozen=True, eq=False)
class LinearLeaves(Op):
    """The sum over trees of `const + x[feature 0] coef 0 + x[feature 1] coef 1 + ...` of the leaf.

    Where one of these features is NaN, of `value` instead. The sums run from left to right; the
    features of a leaf that has fewer are -1.
    """

    x: Op  # float64
    leaf: Op  # (n, n_trees), the leaf reached among those of all trees
    output: np.ndarray = field(repr=False)  # (n_trees,) int64
    value: np.ndarray = field(repr=False)  # (n_leaves,)
    const: np.ndarray = field(repr=False)  # (n_leaves,)
    feature: np.ndarray = field(repr=False)  # (n_leaves, most features) int64
    coef: np.ndarray = field(repr=False)  # (n_leaves, most features)
    n_outputs: int = 1

    @property
    def width(self) -> int:
        return self.n_outputs

    @property
    def dtype(self) -> torch.dtype:
        return torch.float64

    def forward(self, x: Tensor, *arguments: Any) -> Tensor:
        on_cpu = x.device.type == "cpu" and not torch.compiler.is_compiling()
        kernel = linear_numba if on_cpu else linear_torch
        return kernel.linear_leaves(x, *arguments)


def linear_leaves(model: Model, x: Op, position: Op) -> Op:
    """The margin, where `position` says which node of each tree a row ends in."""
    values, consts, features, coefs, starts = [], [], [], [], []
    start = 0
    for tree in model.trees:
        value = numbers(tree, "leaf_value", np.float64)
        const, counts = value, np.zeros(len(value), np.int64)
        if int(tree["is_linear"]):
            const = numbers(tree, "leaf_const", np.float64)
            counts = numbers(tree, "num_features", np.int64)
        feature = numbers(tree, "leaf_features", np.int64)
        coef = numbers(tree, "leaf_coeff", np.float64)
        if len(const) != len(value) or len(counts) != len(value):
            raise Unsupported("linear leaves whose parts do not fit")
        if len(feature) != counts.sum() or len(coef) != counts.sum():
            raise Unsupported("linear leaves whose parts do not fit")
        starts.append(start - (len(value) - 1))  # leaves follow the splits
        start += len(value)
        values.append(value)
        consts.append(const)
        features += np.split(feature, np.cumsum(counts)[:-1])
        coefs += np.split(coef, np.cumsum(counts)[:-1])
    most = max(map(len, features))
    columns = np.full((len(features), most), -1, np.int64)
    slopes = np.zeros((len(features), most))
    for i, (f, c) in enumerate(zip(features, coefs, strict=True)):
        columns[i, : len(f)], slopes[i, : len(c)] = f, c
    output = np.arange(len(model.trees), dtype=np.int64) % model.n_outputs
    return LinearLeaves(
        x,
        position + np.array([starts], np.int64),
        output,
        np.concatenate(values),
        np.concatenate(consts),
        columns,
        slopes,
        model.n_outputs,
    )
