"""Ops on codes: the positions of categories among those known, -1 for what is none of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy import sparse as sp
from torch import Tensor

from ..table import NUMPY_DTYPES, TORCH_DTYPES
from .base import Op


@dataclass(frozen=True, eq=False)
class Recode(Op):
    """Each column's codes through a table of its own: `table[column, code + 1]`."""

    x: Op
    table: np.ndarray = field(repr=False)  # (x.width, most codes + 1), of any dtype

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype:
        return TORCH_DTYPES[self.table.dtype]

    def forward(self, x: Tensor, table: Tensor) -> Tensor:
        return table.gather(1, x.T + 1).T


@dataclass(frozen=True, eq=False)
class OneHot(Op):
    """Codes as indicator columns, all of them zero for -1."""

    x: Op
    sizes: tuple[int, ...]
    result: torch.dtype = torch.float64
    sparse_result: bool = False

    @property
    def width(self) -> int:
        return sum(self.sizes)

    @property
    def dtype(self) -> torch.dtype:
        return self.result

    @property
    def sparse(self) -> bool:
        return self.sparse_result

    def forward(self, x: Tensor, sizes: tuple[int, ...], *_: Any) -> Tensor:
        starts = torch.tensor([0, *np.cumsum(sizes)[:-1]], device=x.device)
        # One column more takes what is no category and is cut off.
        at = torch.where(x >= 0, x + starts, self.width)
        out = torch.zeros((len(x), self.width + 1), dtype=self.result, device=x.device)
        return out.scatter(1, at, 1)[:, : self.width]


@dataclass(frozen=True, eq=False)
class CsrOneHot(Op):
    """`OneHot` as the sparse matrix that scikit-learn returns, straight from the codes."""

    x: Op
    sizes: tuple[int, ...]
    result: torch.dtype
    new_style: bool = False  # a sparse array rather than a matrix

    @property
    def width(self) -> int:
        return sum(self.sizes)

    @property
    def dtype(self) -> torch.dtype:
        return self.result

    @property
    def sparse(self) -> bool:
        return True

    @property
    def on_host(self) -> bool:
        return True

    def forward(self, x: np.ndarray, *_: Any) -> Any:
        starts = np.cumsum([0, *self.sizes[:-1]])
        known = x >= 0
        indices = (x + starts)[known]
        indptr = np.concatenate([[0], known.sum(axis=1).cumsum()])
        data = np.ones(len(indices), NUMPY_DTYPES[self.result])
        kind = sp.csr_array if self.new_style else sp.csr_matrix
        return kind((data, indices, indptr), shape=(len(x), self.width))
