"""The ops of forests."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import kernels
from ..table import TORCH_DTYPES
from .base import Op


@dataclass(frozen=True, eq=False)
class Forest(Op):
    """The sum over trees of the leaf each row ends in: left where `x[feature] <= threshold`.

    A categorical split goes left where `trunc(x[feature])` is in a set of codes: `sets` has it, and
    is () where all splits are at thresholds.

    The sum is taken tree by tree in the dtype of `value`. A forest with a base score has it as
    its first tree, a single leaf, where the library starts its sum with it.
    """

    x: Op
    feature: np.ndarray = field(repr=False)  # (n_nodes,) int64, column tested, -1 at a leaf
    threshold: np.ndarray = field(repr=False)  # (n_nodes,), of the dtype of x
    left: np.ndarray = field(repr=False)  # (n_nodes,) int64, node to go on with
    right: np.ndarray = field(repr=False)  # (n_nodes,) int64
    missing_left: np.ndarray = field(repr=False)  # (n_nodes,) bool, whether NaN goes left
    value: np.ndarray = field(repr=False)  # (n_nodes, n_outputs)
    roots: np.ndarray = field(repr=False)  # (n_trees,) int64
    # Where each node's words begin and how many they are, (n_nodes,) int64, none but at a
    # categorical split; and all words, int32: code c is bit c % 32 of a node's word c / 32.
    sets: tuple[np.ndarray, ...] = field(default=(), repr=False)

    @property
    def width(self) -> int:
        return self.value.shape[1]

    @property
    def dtype(self) -> torch.dtype:
        return TORCH_DTYPES[self.value.dtype]

    @property
    def layout(self) -> str:
        """The layout that kernels on the CPU read a forest of this shape in."""
        return self._packed.layout

    def forward(self, x: Tensor, *arrays: Any) -> Tensor:
        if torch.compiler.is_compiling():
            return kernels.forest(x, *arrays)
        return self._packed(x)

    @property
    def packs_constants(self) -> bool:
        return True

    def few(self, x: np.ndarray) -> np.ndarray:
        """The same on the CPU, of an array."""
        return self._packed.sums(x)

    @cached_property
    def _packed(self) -> kernels.PackedForest:
        """The forest as kernels want it, once on each device for all methods that read it."""
        return kernels.PackedForest(*self.arrays)


@dataclass(frozen=True, eq=False)
class Leaves(Op):
    """The node each row ends in, one column a tree: positions among all nodes of the forest."""

    x: Op
    feature: np.ndarray = field(repr=False)
    threshold: np.ndarray = field(repr=False)
    left: np.ndarray = field(repr=False)
    right: np.ndarray = field(repr=False)
    missing_left: np.ndarray = field(repr=False)
    roots: np.ndarray = field(repr=False)
    sets: tuple[np.ndarray, ...] = field(default=(), repr=False)

    @property
    def width(self) -> int:
        return len(self.roots)

    @property
    def dtype(self) -> torch.dtype:
        return torch.int64

    def forward(self, x: Tensor, *arrays: Any) -> Tensor:
        if torch.compiler.is_compiling() or x.device.type == "cpu":
            return kernels.leaves(x, *arrays)
        return self._packed(x)

    @property
    def packs_constants(self) -> bool:
        return True

    @cached_property
    def _packed(self) -> kernels.PackedLeaves:
        """The forest as kernels of cards want it, once on each."""
        return kernels.PackedLeaves(*self.arrays)
