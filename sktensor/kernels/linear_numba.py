"""Linear functions in leaves for CPUs: serial Numba, as the kernels of forests."""

import numpy as np
import torch
from torch import Tensor

from .jit import compiled


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
    out = torch.zeros((len(x), n_outputs), dtype=torch.float64)
    arrays = (x, leaf, output, value, const, feature, coef, out)
    _sum(*(a.numpy() for a in arrays))
    return out


@compiled()
def _sum(x, leaf, output, value, const, feature, coef, out):
    """`out[row, output] += const + x[feature 0] coef 0 + ...`, tree by tree."""
    for row in range(len(x)):
        for tree in range(len(output)):
            at = leaf[row, tree]
            answer = const[at]
            for j in range(feature.shape[1]):
                column = feature[at, j]
                if column < 0:
                    break
                seen = x[row, column]
                if np.isnan(seen):
                    answer = value[at]
                    break
                answer += seen * coef[at, j]
            out[row, output[tree]] += answer
