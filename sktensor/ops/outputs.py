"""Ops that end a response: links, the best class, labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..table import TORCH_DTYPES
from .base import Op


@dataclass(frozen=True, eq=False)
class Softmax(Op):
    """`exp(x - max) / sum`, over the columns."""

    x: Op

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    def forward(self, x: Tensor) -> Tensor:
        # torch.softmax takes six times as long over the few columns that classes are.
        e = (x - x.amax(dim=1, keepdim=True)).exp()
        return e / e.sum(dim=1, keepdim=True)


@dataclass(frozen=True, eq=False)
class ArgMax(Op):
    """The first column with the largest value."""

    x: Op

    @property
    def width(self) -> None:
        return None

    @property
    def dtype(self) -> torch.dtype:
        return torch.int64

    def forward(self, x: Tensor) -> Tensor:
        return x.argmax(dim=1)


@dataclass(frozen=True, eq=False)
class Take(Op):
    """`values[x]`: labels from codes; on the host where they are no numbers."""

    x: Op
    values: np.ndarray = field(repr=False)

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype | None:
        return TORCH_DTYPES.get(self.values.dtype)

    @property
    def on_host(self) -> bool:
        return self.dtype is None

    def forward(self, x: Any, values: Any) -> Any:
        return values[x]
