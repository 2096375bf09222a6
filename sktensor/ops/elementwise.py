"""Functions value by value, rounded as NumPy and SciPy round them.

torch's logarithms, exponentials and square roots are off by a unit in the last place now and then,
others than NumPy's are off. In float32 that is enough to put a value on the other side of a tree's
threshold, which is an average of two values or one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import special
from torch import Tensor


@dataclass(frozen=True)
class Elementwise:
    """`ufunc`, which `function` stands for where NumPy cannot compute it or float64 will do.

    torch.export and torch.compile see `function`. On a device, float32 makes the way to the CPU
    and back; float64 is computed there, since one of its neighbours is as good: labels would
    change only where a threshold lies between the two.
    """

    ufunc: Callable[..., Any]
    function: Callable[..., Tensor]

    @property
    def __name__(self) -> str:
        return getattr(self.ufunc, "__name__", str(self.ufunc))

    def __call__(self, x: Tensor, *more: Tensor) -> Tensor:
        if torch.compiler.is_compiling() or x.requires_grad:
            return self.function(x, *more)
        if x.device.type != "cpu" and x.dtype == torch.float64:
            return self.function(x, *more)
        with np.errstate(all="ignore"):
            result = self.ufunc(*(t.cpu().numpy() for t in (x, *more)))
        return torch.from_numpy(result).to(x.device)


def _boxcox(x: Tensor, power: Tensor) -> Tensor:
    """`(x ** p - 1) / p`, or `log(x)` for p = 0."""
    zero = power.abs() < 1e-19
    divisor = torch.where(zero, 1.0, power)
    log = x.to(torch.float64).log()
    return torch.where(zero, log, torch.expm1(divisor * log) / divisor)


sqrt = Elementwise(np.sqrt, torch.sqrt)
log1p = Elementwise(np.log1p, torch.log1p)
expm1 = Elementwise(np.expm1, torch.expm1)
power = Elementwise(np.power, torch.pow)
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
# These are the same to the bit in torch.
UFUNCS |= {
    np.abs: torch.abs,
    np.fabs: torch.abs,
    np.square: torch.square,
    np.negative: torch.neg,
    np.sign: torch.sign,
    np.floor: torch.floor,
    np.ceil: torch.ceil,
    np.trunc: torch.trunc,
    np.rint: torch.round,
}
