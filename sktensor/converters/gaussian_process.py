"""Converters for `sklearn.gaussian_process`: means, which are sums of a kernel, and variances."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process import kernels as gp
from sklearn.gaussian_process._gpc import COEFS, LAMBDAS, _BinaryGaussianProcessClassifierLaplace
from torch import Tensor

from ..graph import is_exact
from ..ops import Arith, Column, Map, MatMul, Op, Provided, cast, erf, exp, sqrt
from ..ops.conditions import EPS, Below, NotBelow
from ..table import TORCH_DTYPES
from .kernels import CANCELLED, Kernel, Sums, radial, rbf, some, squares_of, sums, usual
from .linear import holds_for_some
from .registry import Responses, Unsupported, convert, converts
from .responses import labels, positive, two_columns
from .validation import as_numbers, numpy_dtype, validate

LEAST = 1e-9  # of what it is before any row is seen, what a variance is that is surely above 0
SEEN = Below(5e-11)  # by how much a probability may be off


@converts(GaussianProcessRegressor)
def gaussian_process_regressor(est, x):
    if not hasattr(est, "X_train_") or not est.kernel_.requires_vector_input:
        raise Unsupported("a process that is not fitted, or of what are no vectors")
    x, rows = _known(validate(est, x, "numeric")), est.X_train_
    weight = np.atleast_1d(est._y_train_std) * est.alpha_.reshape(len(rows), -1)
    mean = _sums(est, _kernel_of(est, x, rows), rows, weight, np.atleast_1d(est._y_train_mean))
    values = mean.values
    if values is not None and values.width == 1:
        values = Column(values, 0)
    return Responses(predict=values, reasons={"predict": CANCELLED})


@converts(GaussianProcessClassifier)
def gaussian_process_classifier(est, x):
    base = est.base_estimator_
    if est.kernel is not None and not est.kernel.requires_vector_input:
        raise Unsupported("a process of what are no vectors")
    x = validate(est, x, "numeric")
    found = convert(base, x, "base_estimator_")
    if type(base) is _BinaryGaussianProcessClassifierLaplace or est.multi_class == "one_vs_rest":
        return Responses(predict=found.predict, predict_proba=found.predict_proba)
    return Responses(predict=found.predict, reasons={"predict_proba": "one class against another"})


@converts(_BinaryGaussianProcessClassifierLaplace)
def binary_gaussian_process_classifier(est, x):
    # It looks at no names: who asks it has done so.
    x, rows = _known(validate(est, as_numbers(x, "numeric"), "numeric")), est.X_train_
    found = _kernel_of(est, x, rows)
    mean = _sums(est, found, rows, (est.y_train_ - est.pi_)[:, None], np.zeros(1))
    # Two of its classes are what NumPy makes an array of, in whatever dtype.
    classes = np.where(np.array([False, True]), est.classes_[1], est.classes_[0])
    predict = labels(positive(Column(mean.signs, 0)), classes)
    try:
        proba = two_columns(_probability(mean, _variance(est, found, rows)))
    except Unsupported as why:
        return Responses(predict=predict, reasons={"predict_proba": str(why)})
    return Responses(predict=predict, predict_proba=proba)


def _probability(mean: Sums, variance: Op) -> Op:
    """`0.5 + sum of c_i / 2 erf(l_i mean / sqrt(1 + 2 l_i^2 variance))`, the c_i adding up to 1."""
    if mean.values is None:
        raise Unsupported(CANCELLED)
    factors = LAMBDAS.ravel()
    spread = Map(variance * (2 * factors**2) + 1, sqrt)
    parts = Map(Arith(torch.div, mean.values * factors, spread), erf)
    return MatMul(parts, COEFS.ravel() / 2) + 0.5 * float(COEFS.sum())


def _variance(est: Any, found: _Scaled, rows: np.ndarray) -> Op:
    """`k(x, x) - |L^-1 sqrt(W) k(x, rows)|^2`, where its rounding shows in no probability.

    These change by at most a twentieth of what a variance does, over 1 and a third of it.
    """
    prior, n = float(est.kernel_.diag(rows[:1])[0]), len(rows)
    weight = np.ascontiguousarray((np.linalg.inv(est.L_) * est.W_sr_ * found.scale).T)
    values = found.kernel.values
    variance: Op = prior - squares_of(MatMul(values, weight))
    # Of all that this and the next come to, 0.27 was seen at the most, of 429 processes.
    off = 2 * EPS * prior * (2 * n**0.5 + float(np.linalg.cond(est.L_)))
    # Values of the kernel are off by parts of themselves, up as well as down.
    lengths = np.ascontiguousarray(np.square(weight).sum(axis=1, keepdims=True))
    length = Map(MatMul(Map(values, torch.square), lengths), torch.sqrt)
    moved = found.kernel.moved(length, np.ones((1, 1))) * (2 * EPS * prior**0.5) + off
    guard = Provided(variance, Arith(torch.div, moved * 0.05, variance * (1 / 3) + 1), SEEN)
    if not holds_for_some(guard):
        raise Unsupported("variances that lose digits to cancellation")
    return Provided(guard, variance, NotBelow(LEAST * prior))


def _known(x: Op) -> Op:
    """The rows, where a float32 is what it is natively, and not one of its neighbours."""
    if x.dtype == torch.float32 and not is_exact(x):
        raise Unsupported("rows in float32 that are rounded otherwise")
    return x


def _kernel_of(est: Any, x: Op, rows: np.ndarray) -> _Scaled:
    found = _kernel(est.kernel_, x, rows)
    if found is None:
        raise Unsupported("a kernel of noise alone")
    return found


def _sums(est: Any, found: _Scaled, rows: np.ndarray, weight: np.ndarray, offset: Any) -> Sums:
    """`weight @ kernel + offset`, the scale of the kernel made part of the weight."""
    known, weight = est.kernel_(some(rows), rows) / found.scale, found.scale * weight
    return sums(found.kernel, weight, offset, usual(known, weight, offset))


@dataclass(frozen=True)
class _Scaled:
    scale: float
    kernel: Kernel


def _kernel(kernel: Any, x: Op, rows: np.ndarray) -> _Scaled | None:
    """The kernel of rows that are not the fixed ones, among which noise is in common to none."""
    if type(kernel) is gp.WhiteKernel:
        return None
    if type(kernel) is gp.RBF:
        return _Scaled(1.0, rbf(*_over_length(kernel, x, rows), 0.5, centred=True))
    if type(kernel) is gp.Matern:
        return _Scaled(1.0, _matern(kernel, x, rows))
    if type(kernel) is gp.RationalQuadratic:
        scale, alpha = 1 / (2 * kernel.alpha * kernel.length_scale**2), kernel.alpha
        x, rows = cast(x, torch.float64), np.asarray(rows, np.float64)
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
    nu = kernel.nu
    x, rows = _over_length(kernel, x, rows)
    if nu == np.inf:
        return rbf(x, rows, 0.5, centred=True)
    if nu not in (1.5, 2.5):
        raise Unsupported("a kernel that is not smooth, or of Bessel functions")
    return radial(x, rows, 2 * nu, _matern_1_5 if nu == 1.5 else _matern_2_5, 0.5, centred=True)


def _over_length(kernel: Any, x: Op, rows: np.ndarray) -> tuple[Op, np.ndarray]:
    """The rows in units of the kernel's length.

    Whether a length makes wider numbers of those in float32 depends on NumPy's version. Distances
    are in float64 then.
    """
    length = np.squeeze(kernel.length_scale).astype(np.float64)
    common = TORCH_DTYPES[np.result_type(np.empty(1, numpy_dtype(x)), length)]
    by = float(length) if length.ndim == 0 else length
    return cast(cast(x, common) / by, torch.float64), np.asarray(rows / length, np.float64)


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
