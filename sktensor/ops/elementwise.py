"""Functions value by value, rounded as NumPy and SciPy round them.

torch's logarithms, exponentials and square roots now and then end in another bit than NumPy's.
That is enough to put a value on the other side of a threshold, since the thresholds of trees, and
the edges of bins, may be values that NumPy came to.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import special
from torch import Tensor

# Compilers for other machines make one operation of a product and a sum, which rounds once.
NEVER_FUSED = platform.machine().lower() in ("x86_64", "amd64")


@dataclass(frozen=True)
class Elementwise:
    """`ufunc`, which `function` stands for where NumPy cannot compute it.

    torch.export and torch.compile see `function`. What is on a device makes the way to the CPU and
    back, which takes less than the function takes there.
    """

    ufunc: Callable[..., Any]
    function: Callable[..., Tensor]

    @property
    def __name__(self) -> str:
        return getattr(self.ufunc, "__name__", str(self.ufunc))

    def __call__(self, x: Tensor, *more: Tensor) -> Tensor:
        exact = self.ufunc is np.sqrt and x.device.type == "cuda"  # as IEEE 754 has it
        if exact or torch.compiler.is_compiling() or x.requires_grad:
            return self.function(x, *more)
        with np.errstate(all="ignore"):
            result = self.ufunc(*(t.cpu().numpy() for t in (x, *more)))
        return torch.from_numpy(result).to(x.device)


def exp(x: Tensor) -> Tensor:
    """`exp(x)`, on the CPU by the thread that asks alone."""
    return _alone(np.exp, torch.exp, x)


def tanh(x: Tensor) -> Tensor:
    """`tanh(x)`, on the CPU by the thread that asks alone."""
    return _alone(np.tanh, torch.tanh, x)


def _alone(ufunc: np.ufunc, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """`function(x)`, on the CPU by NumPy, which takes less time.

    torch's wakes other threads from some thousand values on, which may take milliseconds.
    """
    if x.device.type != "cpu" or torch.compiler.is_compiling() or x.requires_grad:
        return function(x)
    with np.errstate(all="ignore"):
        return torch.from_numpy(ufunc(x.numpy()))


def one_where_zero(x: Tensor) -> Tensor:
    """The same, but for 1 in place of 0."""
    return torch.where(x == 0, 1, x)


def relu(x: Tensor) -> Tensor:
    """The larger of a value and 0."""
    return x.clamp(min=0)


@dataclass(frozen=True)
class Logistic:
    """`1 / (1 + exp(-slope x))`."""

    slope: float = 1.0

    def __call__(self, x: Tensor) -> Tensor:
        return 1 / (1 + exp(-self.slope * x))


@dataclass(frozen=True)
class Above:
    """Whether a value is above a limit."""

    limit: float = 0.0

    def __call__(self, x: Tensor) -> Tensor:
        return x > self.limit


@dataclass(frozen=True)
class Within:
    """The values of y where x is within bounds, NaN elsewhere."""

    low: float
    high: float

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.where((x < self.low) | (x > self.high), torch.nan, y)

    def few(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where((x < self.low) | (x > self.high), np.nan, y)


def _boxcox(x: Tensor, power: Tensor) -> Tensor:
    """`(x ** p - 1) / p`, or `log(x)` for p = 0."""
    zero = power.abs() < 1e-19
    divisor = torch.where(zero, 1.0, power)
    log = x.to(torch.float64).log()
    return torch.where(zero, log, torch.expm1(divisor * log) / divisor)


def _sign(x: Tensor) -> Tensor:
    """The sign, NaN for NaN."""
    return torch.where(x.isnan(), x, x.sign())


sqrt = Elementwise(np.sqrt, torch.sqrt)
log1p = Elementwise(np.log1p, torch.log1p)
expm1 = Elementwise(np.expm1, torch.expm1)
power = Elementwise(np.power, torch.pow)
erf = Elementwise(special.erf, torch.erf)
ndtri = Elementwise(special.ndtri, torch.special.ndtri)
boxcox = Elementwise(special.boxcox, _boxcox)

UFUNCS: dict[Any, Callable[..., Tensor]] = {
    f.ufunc: f
    for f in (
        sqrt,
        log1p,
        expm1,
        Elementwise(np.log, torch.log),
        Elementwise(np.log2, torch.log2),
        Elementwise(np.log10, torch.log10),
        Elementwise(np.exp, torch.exp),
        Elementwise(np.exp2, torch.exp2),
        Elementwise(np.sin, torch.sin),
        Elementwise(np.cos, torch.cos),
        Elementwise(np.tanh, torch.tanh),
        Elementwise(np.arctan, torch.atan),
        Elementwise(np.arcsinh, torch.asinh),
    )
}
FLOATS_OF_INTEGERS = frozenset(UFUNCS)
SAME_IN_TORCH: dict[Any, Callable[..., Tensor]] = {
    np.abs: torch.abs,
    np.fabs: torch.abs,
    np.square: torch.square,
    np.negative: torch.neg,
    np.floor: torch.floor,
    np.ceil: torch.ceil,
    np.trunc: torch.trunc,
    np.rint: torch.round,
}
UFUNCS |= SAME_IN_TORCH | {np.sign: Elementwise(np.sign, _sign)}
EXACT = frozenset({*SAME_IN_TORCH.values(), torch.ones_like})
