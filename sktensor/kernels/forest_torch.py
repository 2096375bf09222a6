"""The forest kernels in plain torch: what the others must agree with."""

from collections.abc import Sequence

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
    sets: Sequence[Tensor] = (),
) -> Tensor:
    """Walk every row down every tree at once: left where `x <= threshold`, or x is in the set."""
    node = roots.expand(len(x), -1)
    while (feature[node] >= 0).any():
        node = step(x, node, feature, threshold, left, right, missing_left, sets)
    return node.contiguous()


def step(
    x: Tensor,
    node: Tensor,
    feature: Tensor,
    threshold: Tensor,
    left: Tensor,
    right: Tensor,
    missing_left: Tensor,
    sets: Sequence[Tensor] = (),
) -> Tensor:
    """The node after each, itself at a leaf; node (n, n_trees) int64."""
    split = feature[node]
    seen = x.gather(1, split.clamp(min=0))
    goes_left = seen <= threshold[node]
    if sets:
        goes_left = torch.where(sets[1][node] > 0, _within(seen, node, *sets), goes_left)
    goes_left = goes_left | (seen.isnan() & missing_left[node])
    return torch.where(split < 0, node, torch.where(goes_left, left[node], right[node]))


def _within(seen: Tensor, node: Tensor, begin: Tensor, size: Tensor, words: Tensor) -> Tensor:
    """Whether `trunc(seen)` is in the node's set: bit `code % 32` of word `code / 32`."""
    known = (seen > -1) & (seen < 32 * size[node])
    code = torch.where(known, seen, 0).long()
    # A node without a set begins at 0, and there is at least one word.
    word = words[torch.where(known, begin[node] + (code >> 5), 0)]
    return known & ((word >> (code & 31)) & 1).bool()


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
    """Add the leaves tree by tree: the order of summation is part of the answer."""
    out = value.new_zeros(len(x), value.shape[1])
    for tree in range(len(roots)):
        root = roots[tree : tree + 1]
        leaf = leaves(x, feature, threshold, left, right, missing_left, root, sets)
        out += value[leaf[:, 0]]
    return out
