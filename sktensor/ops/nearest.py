"""Ops that look for the nearest of many fixed rows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ..kernels import nearest_numba
from .base import Op

ON_CPU, ON_CARD = 2**17, 2**24  # scores that are there at once
TOGETHER = 64  # rows that are compared with some of the fixed ones before others are


@dataclass(frozen=True, eq=False)
class Nearest(Op):
    """The numbers of those fixed rows that have the largest `x s + offset`, largest first.

    Where the offsets are `-|s|^2 / 2`, those are the nearest.
    """

    x: Op
    rows: np.ndarray = field(repr=False)  # (n, x.width) float64
    offsets: np.ndarray = field(repr=False)  # (n,)
    count: int

    @property
    def width(self) -> int:
        return self.count

    @property
    def dtype(self) -> torch.dtype:
        return torch.int64

    @property
    def exact(self) -> bool:
        return False

    def forward(self, x: Tensor, rows: Tensor, offsets: Tensor, count: int) -> Tensor:
        if torch.compiler.is_compiling():
            return torch.addmm(offsets, x, rows.T).topk(count, dim=1).indices
        found = torch.zeros((len(x), count), dtype=torch.int64, device=x.device)
        if x.device.type != "cpu":
            size = max(1, ON_CARD // len(rows))
            for i in range(0, len(x), size):
                scores = torch.addmm(offsets, x[i : i + size], rows.T)
                found[i : i + size] = scores.topk(count, dim=1).indices
            return found
        best = torch.full(found.shape, -torch.inf, dtype=x.dtype)
        for i in range(0, len(x), TOGETHER):
            some, top, at = (t[i : i + TOGETHER] for t in (x, best, found))
            size = ON_CPU // len(some)
            for j in range(0, len(rows), size):
                part = _scores(some, rows[j : j + size], offsets[j : j + size])
                nearest_numba.keep_largest(part, j, top.numpy(), at.numpy())
        return found


def _scores(x: Tensor, rows: Tensor, offsets: Tensor) -> np.ndarray:
    """`x rows' + offsets`; of a single row by NumPy, whose BLAS may take a fifth of the time."""
    if len(x) > 1:
        return np.asarray(torch.addmm(offsets, x, rows.T).numpy())
    return np.asarray((rows.numpy() @ x[0].numpy() + offsets.numpy())[None])


@dataclass(frozen=True, eq=False)
class Squares(Op):
    """`|x - s|^2` for some of the fixed rows s, by their numbers."""

    x: Op
    rows: np.ndarray = field(repr=False)  # (n, x.width) float64
    numbers: Op

    @property
    def width(self) -> int | None:
        return self.numbers.width

    @property
    def dtype(self) -> torch.dtype:
        return torch.float64

    @property
    def exact(self) -> bool:
        return False

    def forward(self, x: Tensor, rows: Tensor, numbers: Tensor) -> Tensor:
        if x.device.type != "cpu" or torch.compiler.is_compiling():
            return (rows[numbers] - x[:, None]).square().sum(dim=2)
        found = torch.empty(numbers.shape, dtype=torch.float64)
        nearest_numba.squares(x.numpy(), rows.numpy(), numbers.numpy(), found.numpy())
        return found


@dataclass(frozen=True, eq=False)
class Closeness(Op):
    """`1 / sqrt(x)`, or where a row has values for which that is infinite, 1 for those alone."""

    x: Op

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    @property
    def exact(self) -> bool:
        return False

    def forward(self, x: Tensor) -> Tensor:
        weights = 1 / x.sqrt()
        endless = weights.isinf()
        return torch.where(endless.any(dim=1, keepdim=True), endless.to(x.dtype), weights)


@dataclass(frozen=True, eq=False)
class Votes(Op):
    """How much weight the codes of a row give to each class, one each without weights."""

    codes: Op
    weights: Op | None
    n_classes: int

    @property
    def width(self) -> int:
        return self.n_classes

    @property
    def dtype(self) -> torch.dtype:
        return torch.float64

    @property
    def exact(self) -> bool:
        return self.weights is None

    def forward(self, codes: Tensor, weights: Tensor | None, n_classes: int) -> Tensor:
        classes = torch.arange(n_classes, device=codes.device)
        votes = (codes[:, :, None] == classes).to(torch.float64)
        return (votes if weights is None else votes * weights[:, :, None]).sum(dim=1)
