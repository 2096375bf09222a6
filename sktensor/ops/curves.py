"""Ops that take each value through a curve of its column: bins, interpolation, powers, splines."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import comb

import numpy as np
import torch
from torch import Tensor

from .base import Op
from .elementwise import NEVER_FUSED, boxcox, expm1, log1p, power


def _places(x: Tensor, points: Tensor, right: bool = True) -> Tensor:
    """For every value how many of its column's sorted points are not above it (or below it)."""
    columns = x.to(points.dtype).T.contiguous()
    return torch.searchsorted(points, columns, right=right).T


@dataclass(frozen=True, eq=False)
class Bins(Op):
    """How many of the column's edges are at most the value; int64."""

    x: Op
    edges: np.ndarray = field(repr=False)  # (x.width, n_edges), filled up with inf

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype:
        return torch.int64

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        return _places(x, edges)


@dataclass(frozen=True, eq=False)
class Interpolate(Op):
    """Linear interpolation between a column's points, constant beyond them (`numpy.interp`).

    `(y[j + 1] - y[j]) / (p[j + 1] - p[j]) * (x - p[j]) + y[j]`, in float64.
    """

    x: Op
    points: np.ndarray = field(repr=False)  # (x.width, n_points), rising
    values: np.ndarray = field(repr=False)  # (x.width, n_points)

    @property
    def exact(self) -> bool:
        return NEVER_FUSED

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype:
        return torch.float64

    def few(self, x: np.ndarray) -> np.ndarray:
        """The same by NumPy."""
        return _lines(x, self.points, self.values)

    def forward(self, x: Tensor, points: Tensor, values: Tensor) -> Tensor:
        if x.device.type == "cpu" and not torch.compiler.is_compiling() and not x.requires_grad:
            return torch.from_numpy(_lines(x.numpy(), points.numpy(), values.numpy()))
        last = points.shape[1] - 1
        at = (_places(x, points) - 1).T
        low = at.clamp(0, max(last - 1, 0))
        high = (low + 1).clamp(max=last)
        p, y, columns = points.gather(1, low), values.gather(1, low), x.to(points.dtype).T
        slope = (values.gather(1, high) - y) / (points.gather(1, high) - p)
        between = slope * (columns - p) + y
        # On a point itself, and beyond the last ones, there is nothing to interpolate.
        between = torch.where(columns == p, y, between)
        between = torch.where(at < 0, values[:, :1], between)
        between = torch.where(at >= last, values[:, -1:], between)
        return torch.where(columns.isnan(), columns, between).T


def _lines(x: np.ndarray, points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """NumPy's interpolation, which takes one look at each value where torch takes many."""
    found = np.empty(x.shape)
    for k, curve in enumerate(zip(points, values, strict=True)):
        found[:, k] = np.interp(x[:, k], *curve)
    if points.shape[1] == 1:  # NumPy has its value for NaN too
        found[np.isnan(x)] = np.nan
    return found


@dataclass(frozen=True, eq=False)
class YeoJohnson(Op):
    """The Yeo-Johnson power transform, a power a column (Yeo and Johnson, 2000).

    `((x + 1) ** p - 1) / p` for x >= 0 and `-((1 - x) ** (2 - p) - 1) / (2 - p)` below, by
    logarithms unless `by_power`; logarithms where p is 0 or 2.
    """

    x: Op
    lambdas: np.ndarray  # (x.width,) float64
    by_power: bool = False

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    def forward(self, x: Tensor, lambdas: Tensor, by_power: bool) -> Tensor:
        above, below = x.clamp(min=0), -x.clamp(max=0)
        raised = _raised(above, lambdas, by_power)
        sunk = -_raised(below, 2 - lambdas, by_power)
        return torch.where(x >= 0, raised, sunk).to(x.dtype)


def _raised(x: Tensor, exponent: Tensor, by_power: bool) -> Tensor:
    """`((x + 1) ** p - 1) / p`, or `log1p(x)` where p is 0."""
    zero = exponent.abs() < torch.finfo(torch.float64).eps
    divisor = torch.where(zero, 1.0, exponent)
    log = log1p(x)
    raised = (power(x + 1, divisor) - 1) if by_power else expm1(divisor * log)
    return torch.where(zero, log.to(raised.dtype), raised / divisor)


@dataclass(frozen=True, eq=False)
class BoxCox(Op):
    """The Box-Cox power transform, a power a column: `(x ** p - 1) / p`, or `log(x)` for p = 0."""

    x: Op
    lambdas: np.ndarray  # (x.width,) float64

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    def forward(self, x: Tensor, lambdas: Tensor) -> Tensor:
        return boxcox(x, lambdas).to(x.dtype)


@dataclass(frozen=True, eq=False)
class Products(Op):
    """All products of up to `degree` columns, as scikit-learn orders and multiplies them."""

    x: Op
    degree: int
    distinct: bool  # no column twice in one product

    @property
    def width(self) -> int:
        n = self.x.width or 0
        degrees = range(1, self.degree + 1)
        return sum(comb(n, k) if self.distinct else comb(n + k - 1, k) for k in degrees)

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    def forward(self, x: Tensor, degree: int, distinct: bool) -> Tensor:
        n = x.shape[1]
        levels, last, starts = [x], x, list(range(n))
        for _ in range(1, degree):
            parts, begin, new_starts = [], 0, []
            for f in range(n):
                start = starts[f] if not distinct else (*starts, last.shape[1])[f + 1]
                part = last[:, start:] * x[:, f : f + 1]
                new_starts.append(begin)
                begin += part.shape[1]
                parts.append(part)
            last, starts = torch.cat(parts, dim=1), new_starts
            levels.append(last)
        return torch.cat(levels, dim=1)


@dataclass(frozen=True, eq=False)
class Bounded(Op):
    """A result, but 1 where x comes within `slack` of its column's highest and 0 of its lowest."""

    x: Op
    result: Op
    low: np.ndarray  # (x.width,)
    high: np.ndarray  # (x.width,)
    slack: float

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype | None:
        return self.result.dtype

    def forward(self, x: Tensor, result: Tensor, low: Tensor, high: Tensor, slack: float) -> Tensor:
        above = x + slack > high if slack else x == high
        below = x - slack < low if slack else x == low
        return torch.where(below, 0.0, torch.where(above, 1.0, result))
