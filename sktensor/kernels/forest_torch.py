"""The forest kernels in plain torch: what the others must agree with."""

import torch
from torch import Tensor


def leaves(
    x: Tensor,
    feature: Tensor,
    threshold: Tensor,
    left: Tensor,
    right: Tensor,
    missing_left: Tensor,
    roots: Tensor,
) -> Tensor:
    """Walk every row down every tree at once: left where `x <= threshold`."""
    node = roots.expand(len(x), -1)
    while ((split := feature[node]) >= 0).any():
        seen = x.gather(1, split.clamp(min=0))
        goes_left = (seen <= threshold[node]) | (seen.isnan() & missing_left[node])
        node = torch.where(split < 0, node, torch.where(goes_left, left[node], right[node]))
    return node.contiguous()


def forest(
    x: Tensor,
    feature: Tensor,
    threshold: Tensor,
    left: Tensor,
    right: Tensor,
    missing_left: Tensor,
    value: Tensor,
    roots: Tensor,
) -> Tensor:
    """Add the leaves tree by tree: the order of summation is part of the answer."""
    out = value.new_zeros(len(x), value.shape[1])
    for tree in range(len(roots)):
        root = roots[tree : tree + 1]
        leaf = leaves(x, feature, threshold, left, right, missing_left, root)
        out += value[leaf[:, 0]]
    return out
