"""Converters for `sklearn.preprocessing`: scalers, and what compares or adds up values.

scikit-learn works in place: every step of the arithmetic is rounded to the dtype of the rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn import __version__
from sklearn.preprocessing import (
    Binarizer,
    KernelCenterer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.fixes import parse_version

from ...graph import walk
from ...ops import Arith, Cast, Concat, CsrScale, Map, Native, Op, RowSum, cast, sqrt
from ..registry import Unsupported, converts
from ..responses import transformer
from ..validation import numpy_dtype, settled, validate

# Before NumPy 2, a float64 scalar leaves an array of float32 what it is.
WEAK_SCALARS = np.result_type(np.empty(1, np.float32), np.float64(1)) == np.float32

# Since it takes arrays of other libraries, StandardScaler casts what it fitted to the rows' dtype
# before it computes with it.
CASTS_FIRST = parse_version(__version__) >= parse_version("1.8")


@converts(StandardScaler, sparse=True)
def standard_scaler(est, x):
    x = validate(est, x, allow_nan=True, accept_sparse=not est.with_mean)
    if x.sparse:
        return transformer(scaled_sparse(x, est.scale_ if est.with_std else 1.0))
    return transformer(scaled(est, x))


def scaled(est: StandardScaler, x: Op) -> Op:
    """`(x - mean_) / scale_`."""
    if est.with_mean:
        x = in_place(torch.sub, x, fitted(est.mean_, x))
    if est.with_std:
        x = in_place(torch.div, x, fitted(est.scale_, x))
    return x


def unscaled(est: StandardScaler, x: Op) -> Op:
    """`x * scale_ + mean_`."""
    if est.with_std:
        x = in_place(torch.mul, x, fitted(est.scale_, x))
    if est.with_mean:
        x = in_place(torch.add, x, fitted(est.mean_, x))
    return x


def fitted(values: np.ndarray, x: Op) -> np.ndarray:
    """What a StandardScaler fitted, in the dtype it computes with."""
    return np.asarray(values).astype(numpy_dtype(x)) if CASTS_FIRST else np.asarray(values)


def in_place(fn: Any, x: Op, values: np.ndarray) -> Op:
    """`fn(x, values)` in their common dtype, rounded to that of x."""
    return cast(Arith(fn, x, np.atleast_1d(values)), x.dtype)


def scaled_sparse(x: Op, scale: np.ndarray | float) -> Op:
    """`x * (1 / scale)`, as sparse matrices are scaled, which rounds otherwise than dividing."""
    factor = 1.0 / np.asarray(scale)
    if not np.isfinite(factor).all():
        raise Unsupported("sparse input and a scale that would not keep 0")
    if x.stays_sparse:
        return CsrScale(x, np.broadcast_to(factor, (x.width or 0,)))
    if any(isinstance(op, Native) for op in walk(x)):
        raise Unsupported("sparse input of a format known only once it is there")
    return Concat((in_place(torch.mul, x, factor),), True)


def no_weak_scalars(x: Op) -> None:
    """Decline where float32 would be computed with float64 scalars in float32."""
    if x.dtype == torch.float32 and WEAK_SCALARS:
        raise Unsupported("float32 as NumPy computed with it before NumPy 2")


def no_float32_sum(x: Op) -> None:
    """Decline a sum in float32: by which of its neighbours it is off, whoever reads it may tell."""
    if x.dtype == torch.float32:
        raise Unsupported("a sum in float32 rounds as NumPy orders it")


@converts(MinMaxScaler)
def min_max_scaler(est, x):
    x = validate(est, x, allow_nan=True)
    x = in_place(torch.mul, x, est.scale_)
    x = in_place(torch.add, x, est.min_)
    return transformer(clipped(x, *est.feature_range) if est.clip else x)


def clipped(x: Op, low: float, high: float) -> Op:
    """`min(max(x, low), high)` in the dtype of x."""
    dtype = numpy_dtype(x)
    x = Arith(torch.maximum, x, np.array([low], dtype))
    return Arith(torch.minimum, x, np.array([high], dtype))


@converts(MaxAbsScaler, sparse=True)
def max_abs_scaler(est, x):
    x = validate(est, x, allow_nan=True, accept_sparse=True)
    clip = getattr(est, "clip", False)
    if x.sparse:
        if clip:
            raise Unsupported("sparse input and clip")
        return transformer(scaled_sparse(x, est.scale_))
    x = in_place(torch.div, x, est.scale_)
    return transformer(clipped(x, -1.0, 1.0) if clip else x)


@converts(RobustScaler, sparse=True)
def robust_scaler(est, x):
    x = validate(est, x, allow_nan=True, accept_sparse=not est.with_centering)
    if x.sparse:
        return transformer(scaled_sparse(x, est.scale_ if est.with_scaling else 1.0))
    if est.with_centering:
        x = in_place(torch.sub, x, est.center_)
    if est.with_scaling:
        x = in_place(torch.div, x, est.scale_)
    return transformer(x)


@converts(Normalizer)
def normalizer(est, x):
    x = validate(est, x)
    if est.norm == "max":
        norm: Op = RowSum(Map(x, torch.abs), "max")
    else:
        no_float32_sum(x)
        norm = RowSum(Map(x, torch.abs if est.norm == "l1" else torch.square), "sum")
    if est.norm == "l2":
        norm = Map(norm, sqrt)
    return transformer(x / Map(norm, _one_for_zero))


def _one_for_zero(norm: torch.Tensor) -> torch.Tensor:
    return torch.where(norm < 10 * torch.finfo(norm.dtype).eps, 1.0, norm)


@converts(Binarizer)
def binarizer(est, x):
    x = settled(validate(est, x, "numeric"))
    assert x.dtype is not None
    if x.dtype == torch.float32 and type(est.threshold) not in (int, float):
        raise Unsupported("float32 and a threshold of another dtype")
    compared = x if x.dtype.is_floating_point else Cast(x, torch.float64)
    limit = np.array([est.threshold], numpy_dtype(compared))
    return transformer(cast(Arith(_above, compared, limit), x.dtype))


def _above(x: torch.Tensor, limit: torch.Tensor) -> torch.Tensor:
    return (x > limit).to(x.dtype)


@converts(KernelCenterer)
def kernel_centerer(est, x):
    x = validate(est, x)
    no_float32_sum(x)
    mean = RowSum(x, "sum") / len(est.K_fit_rows_)
    x = in_place(torch.sub, x, est.K_fit_rows_)
    x = x - mean
    return transformer(in_place(torch.add, x, np.asarray(est.K_fit_all_)))
