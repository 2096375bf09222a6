"""XGBoost's linear booster, which adds term by term in float32."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ...ops import Op


@dataclass(frozen=True, eq=False)
class TermByTerm(Op):
    """`start + x[:, 0] weight[0] + x[:, 1] weight[1] + ...`, left to right; NaN adds nothing."""

    x: Op
    weight: np.ndarray = field(repr=False)  # (x.width, n_outputs)
    start: np.ndarray = field(repr=False)  # (n_outputs,)

    @property
    def width(self) -> int:
        return self.weight.shape[1]

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    def forward(self, x: Tensor, weight: Tensor, start: Tensor) -> Tensor:
        total = start.expand(x.shape[0], -1)
        for value, row in zip(torch.where(x.isnan(), 0, x).unbind(1), weight.unbind(0)):
            # Two operations, each of them rounded.
            total = total + value[:, None] * row
        return total


def gblinear(x: Op, weights: np.ndarray, base: np.ndarray) -> Op:
    """The margin: the bias, which is the last row of weights, and the base score come first."""
    return TermByTerm(x, np.ascontiguousarray(weights[:-1]), weights[-1] + base)
