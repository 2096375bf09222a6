"""Linear functions for CPUs, in leaves and of codes: serial Numba, as the kernels of forests."""

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
    out = torch.zeros((len(x), n_outputs), dtype=torch.float64, device="cpu")
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


def gather_sum(codes: Tensor, starts: np.ndarray, weight: Tensor) -> Tensor:
    """The sum over columns of `weight[starts[column] + code]`, of its last row for a code of -1.

    codes (n, n_columns) int64; weight (n_rows, n_outputs), whose dtype is that of the sum.
    """
    out = torch.zeros((codes.shape[0], weight.shape[1]), dtype=weight.dtype, device="cpu")
    _gather_sum(codes.contiguous().numpy(), starts, weight.numpy(), out.numpy())
    return out


@compiled()
def _gather_sum(codes, starts, weight, out):
    """`out[row] += weight[place of row's code]`, column by column."""
    last = len(weight) - 1
    for row in range(len(codes)):
        for column in range(codes.shape[1]):
            code = codes[row, column]
            at = starts[column] + code if code >= 0 else last
            for j in range(weight.shape[1]):
                out[row, j] += weight[at, j]
