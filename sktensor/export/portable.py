"""Forests in ops that torch has of its own, for programs that run where this package is not."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..converters import Unsupported
from ..graph import walk
from ..kernels.forest_torch import step
from ..ops import Bins, BoxCox, Forest, Interpolate, Leaves, Map, OnHost, Op, Search, YeoJohnson
from ..ops.elementwise import Elementwise

KNOWN = {
    kind: {
        *("x", "feature", "threshold", "left", "right", "missing_left", "roots", "sets"),
        *(("value",) if kind is Forest else ()),
    }
    for kind in (Forest, Leaves)
}
COMPARES = (Forest, Leaves, Bins, Search, Interpolate)


@dataclass(frozen=True, eq=False)
class WalkedLeaves(Op):
    """`Leaves` by as many steps as the deepest tree has levels, which a traced graph can hold."""

    x: Op
    feature: np.ndarray = field(repr=False)
    threshold: np.ndarray = field(repr=False)
    left: np.ndarray = field(repr=False)
    right: np.ndarray = field(repr=False)
    missing_left: np.ndarray = field(repr=False)
    roots: np.ndarray = field(repr=False)
    sets: tuple[np.ndarray, ...] = field(repr=False)
    depth: int

    @property
    def width(self) -> int:
        return len(self.roots)

    @property
    def dtype(self) -> torch.dtype:
        return torch.int64

    def forward(self, x: Tensor, *arguments: Any) -> Tensor:
        feature, threshold, left, right, missing_left, roots, sets, depth = arguments
        node = roots.expand(x.shape[0], -1)
        for _ in range(depth):
            node = step(x, node, feature, threshold, left, right, missing_left, sets)
        return node.contiguous()


@dataclass(frozen=True, eq=False)
class SummedLeaves(Op):
    """The values of a row's leaves added tree by tree, in their dtype."""

    x: Op
    value: np.ndarray = field(repr=False)  # (n_nodes, n_outputs)

    @property
    def width(self) -> int:
        return self.value.shape[1]

    @property
    def dtype(self) -> torch.dtype:
        return torch.float64 if self.value.dtype == np.float64 else torch.float32

    def forward(self, x: Tensor, value: Tensor) -> Tensor:
        if value.dtype == torch.float64:  # which is what torch accumulates in
            return value[x].cumsum(dim=1)[:, -1]
        total = value[x[:, 0]]
        for tree in range(1, x.shape[1]):
            total = total + value[x[:, tree]]
        return total


def portable(op: Op) -> Op | None:
    """`op` by torch's own ops, if it is a forest: the sum over trees of the leaves walked to."""
    if not isinstance(op, Forest | Leaves):
        return None
    if {f.name for f in fields(op)} != KNOWN[type(op)]:
        raise Unsupported("a forest of a kind not known here")
    arrays = (op.feature, op.threshold, op.left, op.right, op.missing_left, op.roots)
    leaves = WalkedLeaves(op.x, *arrays, op.sets, _depth(op))
    return leaves if isinstance(op, Leaves) else SummedLeaves(leaves, op.value)


def _depth(op: Forest | Leaves) -> int:
    """How many splits are on the longest way down."""
    depth, nodes = 0, np.unique(op.roots[op.feature[op.roots] >= 0])
    while len(nodes):
        depth += 1
        nodes = np.concatenate([op.left[nodes], op.right[nodes]])
        nodes = nodes[op.feature[nodes] >= 0]
    return depth


def check_last_bits(root: Op) -> None:
    """Raise Unsupported where values are compared that torch rounds in another way than NumPy."""
    rounded: dict[Op, bool] = {}
    for op in walk(root):
        if isinstance(op, OnHost):
            raise Unsupported("a function of NumPy's whose last bit decides, by torch alone")
        by_numpy = isinstance(op, YeoJohnson | BoxCox) or (
            isinstance(op, Map) and isinstance(op.fn, Elementwise)
        )
        rounded[op] = by_numpy or any(rounded[x] for x in op.inputs)
        if isinstance(op, COMPARES) and any(rounded[x] for x in op.inputs):
            raise Unsupported("thresholds among values that NumPy rounds otherwise, by torch alone")
