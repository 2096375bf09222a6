"""Ops on codes: the positions of categories among those known, -1 for what is none of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..kernels import fill_numba, linear_numba
from ..table import TORCH_DTYPES
from .base import Op

FEWEST = 64  # rows up to which NumPy's calls take less time than a loop is worth


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


def _starts(sizes: tuple[int, ...]) -> np.ndarray:
    return np.cumsum([0, *sizes[:-1]])


@dataclass(frozen=True, eq=False)
class OneHot(Op):
    """Codes as indicator columns, all of them zero for -1."""

    x: Op
    sizes: tuple[int, ...]
    result: torch.dtype = torch.float64
    sparse_result: bool = False
    starts: np.ndarray = field(init=False, repr=False)  # (x.width,), where indicators begin

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts", _starts(self.sizes))

    @property
    def width(self) -> int:
        return sum(self.sizes)

    @property
    def dtype(self) -> torch.dtype:
        return self.result

    @property
    def sparse(self) -> bool:
        return self.sparse_result

    def place(self, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which column of codes, and which code in it, each of some columns indicates."""
        ends = np.cumsum(self.sizes)
        of = np.searchsorted(ends, columns, side="right")
        return of, columns - (ends - np.array(self.sizes))[of]

    def forward(self, x: Tensor, *others: Any) -> Tensor:
        *_, starts = others
        # One column more takes what is no category and is cut off.
        at = torch.where(x >= 0, x + starts, self.width)
        out = torch.zeros((x.shape[0], self.width + 1), dtype=self.result, device=x.device)
        return out.scatter(1, at, 1)[:, : self.width]


@dataclass(frozen=True, eq=False)
class Search(Op):
    """Each number's position among its column's sorted categories, -1 for any other number.

    A column whose categories end with NaN knows it as the last of them.
    """

    x: Op
    categories: np.ndarray = field(repr=False)  # (x.width, most categories), filled up at the end
    sizes: np.ndarray  # (x.width,), numbers among the categories
    knows_nan: np.ndarray  # (x.width,) bool

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype:
        return torch.int64

    def forward(self, x: Tensor, categories: Tensor, sizes: Tensor, knows_nan: Tensor) -> Tensor:
        columns = x.to(categories.dtype).T.contiguous()
        at = torch.searchsorted(categories, columns).clamp(max=categories.shape[1] - 1)
        found = (categories.gather(1, at) == columns) & (at < sizes[:, None])
        codes = torch.where(found, at, -1)
        if not categories.is_floating_point():
            return codes.T
        missing = columns.isnan() & knows_nan[:, None]
        return torch.where(missing, sizes[:, None], codes).T


@dataclass(frozen=True, eq=False)
class Missing(Op):
    """Where a value is missing: is NaN, or equals the value that stands for that, if one can."""

    x: Op
    marker: float | int | None  # of the dtype of x

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype:
        return torch.bool

    def forward(self, x: Tensor, marker: float | int | None) -> Tensor:
        return _missing(x, marker)


@dataclass(frozen=True, eq=False)
class Fill(Op):
    """The same, with a value of its column's wherever one is missing."""

    x: Op
    marker: float | int | None
    values: np.ndarray  # (x.width,), of the dtype of x

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    def forward(self, x: Tensor, marker: float | int | None, values: Tensor) -> Tensor:
        if marker != marker and x.ndim == 2 and values.shape == x.shape[1:] and _by_kernel(x):
            return fill_numba.fill(x, values)
        return torch.where(_missing(x, marker), values, x)


def _by_kernel(x: Tensor) -> bool:
    """Whether the CPU's own kernel may answer, which keeps rows as they lie."""
    here = x.device.type == "cpu" and not torch.compiler.is_compiling()
    return here and x.is_contiguous() and not x.requires_grad


def _missing(x: Tensor, marker: float | int | None) -> Tensor:
    if marker is None:
        return torch.zeros_like(x, dtype=torch.bool)
    return x == marker if marker == marker else x.isnan()


@dataclass(frozen=True, eq=False)
class GatherSum(Op):
    """The sum, over the columns of codes, of the rows of `weight` that they stand for.

    Where it is `ordered`, they are added from the left, and to the last bit as NumPy adds them.
    """

    x: Op
    sizes: tuple[int, ...]
    weight: np.ndarray = field(repr=False)  # (sum of sizes + 1[, n]), zeros last for what is none
    ordered: bool = False
    starts: np.ndarray = field(init=False, repr=False)  # (x.width,), where a column's rows begin

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts", _starts(self.sizes))

    @property
    def width(self) -> int | None:
        return self.weight.shape[1] if self.weight.ndim == 2 else None

    @property
    def dtype(self) -> torch.dtype:
        return TORCH_DTYPES[self.weight.dtype]

    @property
    def exact(self) -> bool:
        return self.ordered

    def forward(
        self, x: Tensor, sizes: tuple[int, ...], weight: Tensor, ordered: bool, starts: Tensor
    ) -> Tensor:
        table = weight.reshape(len(weight), -1)
        if x.device.type == "cpu" and not torch.compiler.is_compiling():
            total = linear_numba.gather_sum(x, self.starts, table)
        else:
            at = torch.where(x >= 0, x + starts, len(weight) - 1)
            if ordered:
                total = reduce(torch.add, (table[places] for places in at.unbind(dim=1)))
            else:
                total = torch.nn.functional.embedding_bag(at, table, mode="sum")
        return total if weight.ndim == 2 else total[:, 0]

    def few(self, x: np.ndarray) -> np.ndarray:
        """The ordered sum by NumPy; of more rows by a kernel, once for all columns."""
        if len(x) > FEWEST:
            codes = x if x.flags.writeable else x.copy()
            table = torch.from_numpy(self.weight.reshape(len(self.weight), -1))
            total = linear_numba.gather_sum(torch.from_numpy(codes), self.starts, table).numpy()
            return total if self.weight.ndim == 2 else total[:, 0]
        at = np.where(x >= 0, x + self.starts, len(self.weight) - 1)
        return reduce(np.add, (self.weight[places] for places in at.T))


@dataclass(frozen=True, eq=False)
class KnownCodes(Op):
    """The square root of how many of a row's codes are no -1, the length of their indicators."""

    x: Op

    @property
    def width(self) -> int:
        return 1

    @property
    def dtype(self) -> torch.dtype:
        return torch.float64

    def forward(self, x: Tensor) -> Tensor:
        return (x >= 0).sum(dim=1, keepdim=True).to(torch.float64).sqrt()
