"""The forest kernels in plain torch: what the others must agree with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
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


MOST_AT_ONCE = 1 << 20  # rows times trees, of which a step keeps some dozen arrays
MOST_ROWS = 1 << 18


class WalkedForest:
    """A forest's plain arrays on one device, for cards that nothing else is there for.

    As many steps as the deepest tree has levels are walked, so nothing waits for an answer of the
    device; of many rows, or trees, some at a time.
    """

    def __init__(self, arrays: Sequence[np.ndarray], depth: int, device: torch.device):
        feature, threshold, left, right, missing_left, value, roots, *sets = (
            torch.from_numpy(np.array(a)).to(device) for a in arrays
        )
        self._nodes = feature, threshold, left, right, missing_left
        self._value, self._roots, self._sets, self._depth = value, roots, sets, depth

    def __call__(self, x: Tensor) -> Tensor:
        """The sums of the leaves, added tree by tree."""
        out = self._value.new_zeros(x.shape[0], self._value.shape[1])
        for lo, _, leaf in self._walked(x):
            part = out[lo : lo + len(leaf)]
            for k in range(leaf.shape[1]):
                part += self._value[leaf[:, k]]
        return out

    def leaves(self, x: Tensor) -> Tensor:
        """The node each row ends in, (n, n_trees)."""
        out = self._roots.new_empty(x.shape[0], len(self._roots))
        for lo, tree, leaf in self._walked(x):
            out[lo : lo + len(leaf), tree : tree + leaf.shape[1]] = leaf
        return out

    def _walked(self, x: Tensor) -> Iterator[tuple[int, int, Tensor]]:
        """The leaves of some rows in some trees, the first of either, trees in their order."""
        for lo in range(0, x.shape[0], MOST_ROWS):
            rows = x[lo : lo + MOST_ROWS]
            n_trees = max(1, MOST_AT_ONCE // len(rows))
            for tree in range(0, len(self._roots), n_trees):
                node = self._roots[tree : tree + n_trees].expand(len(rows), -1)
                for _ in range(self._depth):
                    node = step(rows, node, *self._nodes, self._sets)
                yield lo, tree, node
