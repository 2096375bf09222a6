"""Kernels: functions of tensors, one file per technology; torch picks by where `x` lives."""

from typing import Sequence  # noqa: UP035 - torch 2.6 knows no other in the types of an op

import torch
from torch import Tensor

from . import forest_numba, forest_torch
from .packed import PackedForest, PackedLeaves

__all__ = ["PackedForest", "PackedLeaves", "forest", "leaves"]


def forest(
    x: Tensor,
    feature: Tensor,
    threshold: Tensor,
    left: Tensor,
    right: Tensor,
    missing_left: Tensor,
    value: Tensor,
    roots: Tensor,
    sets: Sequence[Tensor] = (),
) -> Tensor:
    """The sum over trees of the leaf each row ends in, added tree by tree.

    x (n, n_features) float32 or float64; feature, left, right (n_nodes,) int64, feature -1 at a
    leaf; threshold (n_nodes,) of the dtype of x; missing_left (n_nodes,) bool; value
    (n_nodes, n_outputs), whose dtype is that of the sum; roots (n_trees,) int64; sets as those of
    the `Forest` op.

    This is what graphs hold; eager calls go to a `PackedForest`.
    """
    return _forest_op(x, feature, threshold, left, right, missing_left, value, roots, sets)


def leaves(
    x: Tensor,
    feature: Tensor,
    threshold: Tensor,
    left: Tensor,
    right: Tensor,
    missing_left: Tensor,
    roots: Tensor,
    sets: Sequence[Tensor] = (),
) -> Tensor:
    """The node each row ends in, (n, n_trees) int64: positions among all nodes of the forest.

    Eager calls are for rows on the CPU: on a card they go to a `PackedLeaves`.
    """
    kernel = _leaves_op if torch.compiler.is_compiling() else forest_numba.leaves
    return kernel(x, feature, threshold, left, right, missing_left, roots, sets)


# A call through torch's dispatcher costs some 10 us, so eager calls go straight to the kernel and
# only torch.export and torch.compile see the registered ops, each as one node.
@torch.library.custom_op("sktensor::forest", mutates_args=())
def _forest_op(
    x: Tensor,
    feature: Tensor,
    threshold: Tensor,
    left: Tensor,
    right: Tensor,
    missing_left: Tensor,
    value: Tensor,
    roots: Tensor,
    sets: Sequence[Tensor],
) -> Tensor:
    return forest_torch.forest(x, feature, threshold, left, right, missing_left, value, roots, sets)


@_forest_op.register_fake
def _(x, feature, threshold, left, right, missing_left, value, roots, sets):
    return value.new_empty(x.shape[0], value.shape[1])


@torch.library.custom_op("sktensor::leaves", mutates_args=())
def _leaves_op(
    x: Tensor,
    feature: Tensor,
    threshold: Tensor,
    left: Tensor,
    right: Tensor,
    missing_left: Tensor,
    roots: Tensor,
    sets: Sequence[Tensor],
) -> Tensor:
    return forest_torch.leaves(x, feature, threshold, left, right, missing_left, roots, sets)


@_leaves_op.register_fake
def _(x, feature, threshold, left, right, missing_left, roots, sets):
    return feature.new_empty(x.shape[0], len(roots))


_forest_op.register_kernel("cpu")(forest_numba.forest)
_leaves_op.register_kernel("cpu")(forest_numba.leaves)
