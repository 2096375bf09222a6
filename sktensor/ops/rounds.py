"""Missing values predicted from the others, round by round."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..kernels import rounds_numba
from .base import Op


@dataclass(frozen=True, eq=False)
class Rounds(Op):
    """`filled`, where `x` is NaN predicted step by step; last, by how much that may be off.

    Step s predicts column c = columns[s] from all: `weights[s] row + intercepts[s]`, no less than
    low[c] and no more than high[c]. The last column is by how much that is off, as a part of it: by
    `rounding` times the magnitudes a step adds up, and by what it was predicted from is. How that
    goes on is tried, roundings going up or down as `signs` have it.
    """

    x: Op
    filled: Op
    columns: tuple[int, ...] = field(repr=False)  # of each step
    weights: np.ndarray = field(repr=False)  # (n_steps, width) float64
    intercepts: np.ndarray = field(repr=False)  # (n_steps,)
    low: np.ndarray = field(repr=False)  # (width,)
    high: np.ndarray = field(repr=False)
    signs: np.ndarray = field(repr=False)  # (n_steps, n_tries) of 1 and -1
    rounding: float

    @property
    def width(self) -> int:
        return self.weights.shape[1] + 1

    @property
    def dtype(self) -> torch.dtype:
        return torch.float64

    @property
    def exact(self) -> bool:
        return False

    @cached_property
    def _order(self) -> np.ndarray:
        return np.array(self.columns, np.int64)

    def forward(
        self,
        x: Tensor,
        filled: Tensor,
        columns: tuple[int, ...],
        weights: Tensor,
        intercepts: Tensor,
        low: Tensor,
        high: Tensor,
        signs: Tensor,
        rounding: float,
    ) -> Tensor:
        if x.device.type == "cpu" and not torch.compiler.is_compiling():
            out = torch.empty((len(x), self.width), dtype=torch.float64)
            rows = (x.contiguous().numpy(), filled.contiguous().numpy())
            facts = (a.numpy() for a in (weights, intercepts, low, high, signs))
            rounds_numba.impute(*rows, self._order, *facts, rounding, out.numpy())
            return out
        missing = x.isnan()
        values = list(filled.unbind(dim=1))
        off = [filled.new_zeros(filled.shape[0], signs.shape[1])] * len(values)
        worst = torch.where(missing.all(dim=1), torch.inf, 0.0)
        for s, c in enumerate(columns):
            row, lacks = torch.stack(values, dim=1), missing[:, c]
            total = row @ weights[s] + intercepts[s]
            sizes = row.abs() @ weights[s].abs() + intercepts[s].abs()
            moved = torch.stack(off, dim=2) @ weights[s] + rounding * sizes[:, None] * signs[s]
            found = torch.minimum(torch.maximum(total, low[c]), high[c])
            values[c] = torch.where(lacks, found, values[c])
            off[c] = torch.where(lacks[:, None], moved, off[c])
            usual = rounds_numba.TIMES * moved.square().mean(dim=1).sqrt()
            share = usual / (values[c].abs() + sizes.clamp(max=1.0))
            worst = torch.where(lacks, torch.maximum(worst, share), worst)
        return torch.stack([*values, worst], dim=1)
