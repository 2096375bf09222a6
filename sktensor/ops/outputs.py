"""Ops that end a response: links, the best class, labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..table import TORCH_DTYPES
from .base import Guard, Op
from .elementwise import exp
from .rows import WORTH_A_KERNEL, argmax, is_best_by, row_sum, runs_kernels, two_largest


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

    @property
    def exact(self) -> bool:
        return False

    def forward(self, x: Tensor) -> Tensor:
        # torch.softmax takes six times as long over the few columns that classes are.
        e = exp(x - x.amax(dim=1, keepdim=True))
        return e / row_sum(e)


@dataclass(frozen=True, eq=False)
class LogSoftmax(Op):
    """`x - log(sum(exp(x)))`, over the columns."""

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
        return x - x.logsumexp(dim=1, keepdim=True)


@dataclass(frozen=True, eq=False)
class Shares(Op):
    """`x / sum`, over the columns; with `uniform`, the same for all columns where the sum is 0."""

    x: Op
    uniform: bool = False

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    @property
    def exact(self) -> bool:
        return False

    def forward(self, x: Tensor, uniform: bool) -> Tensor:
        total = row_sum(x)
        if uniform:
            nothing = total == 0
            x, total = torch.where(nothing, 1, x), torch.where(nothing, x.shape[1], total)
        return x / total


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
        return argmax(x)


@dataclass(frozen=True, eq=False)
class Decided(Guard):
    """Scores `rows @ weight + offset`, where rounding cannot change which is best, or the signs.

    However it orders the sum, a product of n terms is within `n eps |rows| @ |weight|` of the exact
    one, so two orders agree on which of two scores is larger if these differ by twice as much.
    """

    rows: Op
    weight: np.ndarray = field(repr=False)  # (rows.width, n_scores) or (rows.width,)
    offset: float  # the largest magnitude
    signs: bool = False  # whether each score's sign decides, as that of a lone score does
    terms: int = 0  # how many are added up, if more than the rows here have columns
    shift: float = 0.0  # what is added to |rows| @ |weight|, for terms folded into the offset

    def holds(self, x: Tensor, *arguments: Any) -> Tensor:
        rows, weight, _, signs, _, shift = arguments
        signs = signs or x.ndim == 1
        x = x if x.ndim == 2 else x[:, None]
        # On a card a look at a value waits for all that was launched before.
        looks = not torch.compiler.is_compiling() and x.device.type == "cpu"
        if looks and rows.numel():
            # No magnitude of a row is above the largest of all, which is found in one look.
            least, most = (end.item() for end in torch.aminmax(rows))
            loosely = self._clear(x, max(-least, most) * self.heaviest + shift, signs)
            if loosely:
                return loosely
        # |row| |w|, of lengths, bounds the product of magnitudes and costs no second product.
        length = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
        # Of values whose squares are too small for a float, it says less than there is.
        length = length + 2.0**30 * torch.finfo(length.dtype).tiny ** 0.5
        reach = length * torch.linalg.vector_norm(weight, dim=0).max() + shift
        loosely = self._clear(x, reach, signs)
        if looks and loosely:
            return loosely
        reach = (rows.abs() @ weight.abs()).reshape(rows.shape[0], -1).amax(dim=1, keepdim=True)
        return self._clear(x, reach + shift, signs)

    @cached_property
    def heaviest(self) -> float:
        """The largest sum of magnitudes that a score's weights have."""
        return float(np.abs(self.weight).sum(axis=0).max(initial=0.0))

    @cached_property
    def longest(self) -> float:
        """The largest length that a score's weights have."""
        return float(np.sqrt(np.square(self.weight).sum(axis=0)).max(initial=0.0))

    def slack(self, reach: Any, eps: float) -> Any:
        """By how much scores may be off whose terms' magnitudes add up to `reach`."""
        # Where nothing is added up, nothing is rounded: rows of zeros are decided.
        terms = max(len(self.weight), self.terms)
        return eps * (4 * (terms + 4) * reach + 4 * self.offset * (reach > 0))

    def _clear(self, x: Tensor, reach: Any, signs: bool) -> Tensor:
        """Whether every row's decision stands when scores are off by the rounding of `reach`."""
        slack = self.slack(reach, torch.finfo(x.dtype).eps)
        if signs:
            return (x.abs() >= slack).all()
        if x.shape[1] == 1:
            return torch.ones((), dtype=torch.bool, device=x.device)
        if isinstance(slack, float) and x.numel() >= WORTH_A_KERNEL and runs_kernels(x):
            return torch.tensor(is_best_by(x.numpy(), 2 * slack))
        best, second = two_largest(x)
        return (second <= best - 2 * slack).all()


@dataclass(frozen=True, eq=False)
class Take(Op):
    """`values[x]`: labels or rows from codes; on the host where they are no numbers."""

    x: Op
    values: np.ndarray = field(repr=False)

    @property
    def width(self) -> int | None:
        return self.x.width if self.values.ndim == 1 else self.values.shape[1]

    @property
    def dtype(self) -> torch.dtype | None:
        return TORCH_DTYPES.get(self.values.dtype)

    @property
    def on_host(self) -> bool:
        return self.dtype is None

    def forward(self, x: Any, values: Any) -> Any:
        if isinstance(values, Tensor) and x.ndim == 1:
            return values.index_select(0, x)
        return values[x]


@dataclass(frozen=True, eq=False)
class Labels(Op):
    """One column of labels an output, from its codes; on the host where they are no numbers.

    The columns have the dtype of the first output's classes.
    """

    codes: tuple[Op, ...]
    classes: tuple[np.ndarray, ...] = field(repr=False)

    @property
    def width(self) -> int:
        return len(self.codes)

    @property
    def dtype(self) -> torch.dtype | None:
        return TORCH_DTYPES.get(self.classes[0].dtype)

    @property
    def on_host(self) -> bool:
        return any(values.dtype not in TORCH_DTYPES for values in self.classes)

    def forward(self, codes: list[Any], classes: Any) -> Any:
        if not isinstance(classes[0], Tensor):
            return self.few(*codes)
        columns = zip(codes, classes, strict=True)
        return torch.stack([v[code].to(classes[0].dtype) for code, v in columns], dim=1)

    def few(self, *codes: np.ndarray) -> np.ndarray:
        """The same by NumPy."""
        found = np.empty((len(codes[0]), len(codes)), self.classes[0].dtype)
        for k, (code, values) in enumerate(zip(codes, self.classes, strict=True)):
            found[:, k] = values[code]
        return found


@dataclass(frozen=True, eq=False)
class OnHost(Op):
    """`fn(x)` by NumPy, where the last bit decides a label and torch has another."""

    x: Op
    fn: Callable[[np.ndarray], np.ndarray]

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    @property
    def on_host(self) -> bool:
        return True

    def forward(self, x: np.ndarray, fn: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        return fn(x)


@dataclass(frozen=True, eq=False)
class WeightedMedian(Op):
    """The least of a row's values up to which half of the columns' weight lies."""

    x: Op
    weights: np.ndarray  # (x.width,)

    @property
    def width(self) -> None:
        return None

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        values, order = x.sort(dim=1)
        weight = running_sums(weights[order])
        at = (weight >= 0.5 * weight[:, -1:]).to(torch.uint8).argmax(dim=1, keepdim=True)
        return values.gather(1, at)[:, 0]


def running_sums(x: Tensor) -> Tensor:
    """The sums over the columns up to each, added one by one: a card's own are in another order."""
    if x.device.type == "cpu":
        return x.cumsum(dim=1)
    columns = list(x.unbind(dim=1))
    for k in range(1, len(columns)):
        columns[k] = columns[k - 1] + columns[k]
    return torch.stack(columns, dim=1)
