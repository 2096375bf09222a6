"""Linear functions in leaves, in plain torch: what the other kernel must agree with."""

import torch
from torch import Tensor


def linear_leaves(
    x: Tensor,
    leaf: Tensor,
    output: Tensor,
    value: Tensor,
    const: Tensor,
    feature: Tensor,
    coef: Tensor,
    n_outputs: int,
) -> Tensor:
    """Add `const + x[feature 0] coef 0 + ...` of each row's leaf, tree by tree.

    x (n, n_features) float64; leaf (n, n_trees) int64; output (n_trees,) int64; value and const
    (n_leaves,); feature and coef (n_leaves, most features), feature -1 where a leaf has fewer.
    A leaf answers its value where one of its features is NaN.
    """
    total = x.new_zeros(x.shape[0], n_outputs)
    for tree, at in enumerate(leaf.unbind(1)):
        answer = const[at]
        missing = torch.zeros_like(answer, dtype=torch.bool)
        for j in range(feature.shape[1]):
            column = feature[at, j]
            seen = x.gather(1, column.clamp(min=0)[:, None])[:, 0]
            used = column >= 0
            # Two operations, each of them rounded.
            answer = torch.where(used, answer + seen * coef[at, j], answer)
            missing = missing | (used & seen.isnan())
        answer = torch.where(missing, value[at], answer)
        total = total.index_add(1, output[tree : tree + 1], answer[:, None])
    return total
