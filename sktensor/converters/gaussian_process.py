"""Converters for `sklearn.gaussian_process`: means, which are sums of a kernel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process import kernels as gp
from torch import Tensor

from ..ops import Arith, Column, Op, cast, exp
from .kernels import CANCELLED, Kernel, radial, rbf, some, sums, usual
from .registry import Responses, Unsupported, converts
from .validation import numpy_dtype, validate


@converts(GaussianProcessRegressor)
def gaussian_process_regressor(est, x):
    if not hasattr(est, "X_train_") or not est.kernel_.requires_vector_input:
        raise Unsupported("a process that is not fitted, or of what are no vectors")
    x = validate(est, x, "numeric")
    rows = est.X_train_
    if np.float32 in (numpy_dtype(x), rows.dtype):
        raise Unsupported("a kernel in float32")
    found = _kernel(est.kernel_, cast(x, torch.float64), np.asarray(rows, np.float64))
    assert found is not None, "a kernel of vectors that takes none"
    scale = found.scale * np.atleast_1d(est._y_train_std)
    weight = scale * est.alpha_.reshape(len(rows), -1)
    offset = np.atleast_1d(est._y_train_mean)
    known = est.kernel_(some(rows), rows) / found.scale
    mean = sums(found.kernel, weight, offset, usual(known, weight, offset)).values
    if mean is not None and mean.width == 1:
        mean = Column(mean, 0)
    return Responses(predict=mean, reasons={"predict": CANCELLED})


@dataclass(frozen=True)
class _Scaled:
    scale: float
    kernel: Kernel


def _kernel(kernel: Any, x: Op, rows: np.ndarray) -> _Scaled | None:
    """The kernel of rows that are not the fixed ones, among which noise is in common to none."""
    if type(kernel) is gp.WhiteKernel:
        return None
    if type(kernel) is gp.RBF:
        scale = _lengths(kernel, rows)
        return _Scaled(1.0, rbf(x / scale, rows / scale, 0.5, centred=True))
    if type(kernel) is gp.Matern:
        return _Scaled(1.0, _matern(kernel, x, rows))
    if type(kernel) is gp.RationalQuadratic:
        scale, alpha = 1 / (2 * kernel.alpha * kernel.length_scale**2), kernel.alpha
        return _Scaled(1.0, radial(x, rows, scale, _Powers(-alpha), alpha, centred=True))
    if type(kernel) is gp.Sum:
        return _sum(_kernel(kernel.k1, x, rows), _kernel(kernel.k2, x, rows))
    if type(kernel) is gp.Product and gp.ConstantKernel in (type(kernel.k1), type(kernel.k2)):
        constant, other = kernel.k1, kernel.k2
        if type(constant) is not gp.ConstantKernel:
            constant, other = other, constant
        found = _kernel(other, x, rows)
        return found and replace(found, scale=found.scale * constant.constant_value)
    raise Unsupported("a kernel of another kind")


def _sum(a: _Scaled | None, b: _Scaled | None) -> _Scaled | None:
    """The sum of two kernels, none of which is negative."""
    if a is None or b is None:
        return a or b
    share = b.scale / a.scale
    return _Scaled(
        a.scale,
        Kernel(
            a.kernel.values + b.kernel.values * share,
            True,
            max(a.kernel.terms, b.kernel.terms),
            lambda sizes, weight: Arith(
                torch.add, a.kernel.moved(sizes, weight), b.kernel.moved(sizes, weight)
            ),
        ),
    )


def _matern(kernel: gp.Matern, x: Op, rows: np.ndarray) -> Kernel:
    """Of `a = sqrt(2 nu) |x - s|`; by the square of it, none is steeper than half its value."""
    scale = _lengths(kernel, rows)
    x, rows, nu = x / scale, rows / scale, kernel.nu
    if nu == np.inf:
        return rbf(x, rows, 0.5, centred=True)
    if nu not in (1.5, 2.5):
        raise Unsupported("a kernel that is not smooth, or of Bessel functions")
    return radial(x, rows, 2 * nu, _matern_1_5 if nu == 1.5 else _matern_2_5, 0.5, centred=True)


def _lengths(kernel: Any, rows: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.asarray(kernel.length_scale, np.float64), rows.shape[1:])


def _matern_1_5(squares: Tensor) -> Tensor:
    """`(1 + a) exp(-a)`."""
    a = squares.clamp(min=0).sqrt()
    return (1 + a) * exp(-a)


def _matern_2_5(squares: Tensor) -> Tensor:
    """`(1 + a + a^2 / 3) exp(-a)`."""
    squares = squares.clamp(min=0)
    a = squares.sqrt()
    return (1 + a + squares * (1 / 3)) * exp(-a)  # on a card a quotient takes longer


@dataclass(frozen=True)
class _Powers:
    """`(1 + x) ** exponent`."""

    exponent: float

    def __call__(self, x: Tensor) -> Tensor:
        return (1 + x.clamp(min=0)) ** self.exponent
