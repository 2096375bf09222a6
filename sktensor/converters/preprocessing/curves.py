"""Converters for `sklearn.preprocessing`: bins, quantiles, powers, splines and products."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy import stats
from sklearn.preprocessing import (
    KBinsDiscretizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
)

from ...ops import (
    Arith,
    Between,
    Bins,
    Bounded,
    BoxCox,
    Cast,
    Concat,
    Finite,
    Interpolate,
    Map,
    OneHot,
    Op,
    Products,
    Provided,
    Select,
    Spline,
    YeoJohnson,
    cast,
    ndtri,
)
from ...table import TORCH_DTYPES
from ..registry import Unsupported, converts
from ..responses import transformer
from ..validation import numpy_dtype, settled, validate
from .scaling import clipped, no_weak_scalars, scaled

NEAR_THE_BOUNDS = 1e-7  # sklearn.preprocessing._data.BOUNDS_THRESHOLD


@converts(KBinsDiscretizer)
def k_bins(est, x):
    dtype = "float" if est.dtype is None else TORCH_DTYPES[np.dtype(est.dtype)]
    x = settled(validate(est, x, dtype))
    inner = [edges[1:-1] for edges in est.bin_edges_]
    edges = np.full((len(inner), max(1, *map(len, inner))), np.inf)
    for row, known in zip(edges, inner, strict=True):
        row[: len(known)] = known
    codes = Bins(x, edges)
    if est.encode == "ordinal":
        return transformer(Cast(codes, x.dtype))
    sizes = tuple(int(n) for n in est.n_bins_)
    return transformer(OneHot(codes, sizes, x.dtype, est.encode == "onehot"))


@converts(QuantileTransformer)
def quantile_transformer(est, x):
    x = settled(validate(est, x, allow_nan=True))
    no_weak_scalars(x)
    quantiles = np.ascontiguousarray(est.quantiles_.T, np.float64)
    references = np.broadcast_to(np.asarray(est.references_, np.float64), quantiles.shape).copy()
    up = Interpolate(x, quantiles, references)
    # From above too, since a run of equal quantiles has a value on either side.
    down = Interpolate(-x, -quantiles[:, ::-1].copy(), -references[:, ::-1].copy())
    result: Op = cast(0.5 * (up - down), x.dtype)
    normal = est.output_distribution == "normal"
    slack = NEAR_THE_BOUNDS if normal else 0.0
    result = Bounded(x, result, quantiles[:, 0].copy(), quantiles[:, -1].copy(), slack)
    if normal:
        low = stats.norm.ppf(NEAR_THE_BOUNDS - np.spacing(1))
        high = stats.norm.ppf(1 - (NEAR_THE_BOUNDS - np.spacing(1)))
        result = clipped(Map(result, ndtri), low, high)
    return transformer(result)


@converts(PowerTransformer)
def power_transformer(est, x):
    x = validate(est, x, allow_nan=True)
    no_weak_scalars(x)
    lambdas = np.asarray(est.lambdas_)
    if est.method == "box-cox":
        dtype = numpy_dtype(x)
        least, most = np.finfo(dtype).smallest_subnormal, dtype.type(np.inf)
        low, high = (np.full(len(lambdas), end, dtype) for end in (least, most))
        x = BoxCox(Between(x, x, low, high, True), lambdas)
    else:
        # Up to 1.8 by powers, after that by SciPy's logarithms.
        x = YeoJohnson(x, lambdas, hasattr(est, "_yeo_johnson_transform"))
    # The scaler refuses what overflowed.
    return transformer(scaled(est._scaler, Finite(x, True)) if est.standardize else x)


@converts(PolynomialFeatures)
def polynomial_features(est, x):
    x = validate(est, x)
    if est._max_degree == 0:
        raise Unsupported("degree 0")
    rows = x.x if isinstance(x, Finite) else x
    # A value that is not finite makes a product that is not, and NumPy warns of overflow.
    products: Op = Finite(Products(rows, est._max_degree, est.interaction_only))
    if est._min_degree > 1:
        kept = est.n_output_features_ - bool(est.include_bias)
        products = Select(products, np.arange(products.width - kept, products.width))
    if est.include_bias:
        products = Concat((Map(Select(rows, np.array([0])), torch.ones_like), products))
    return transformer(products)


@converts(SplineTransformer)
def spline_transformer(est, x):
    if getattr(est, "handle_missing", "error") != "error":
        raise Unsupported(f"handle_missing={est.handle_missing!r}")
    if est.sparse_output:
        raise Unsupported("sparse_output")
    if est.degree == 0:  # natively an error for values outside, and only then
        raise Unsupported("degree=0")
    if est.degree == 1 and est.extrapolation == "linear":
        # scikit-learn takes the second column's ends, and all after, for those of degree 2.
        raise Unsupported("lines of degree 1")
    x = validate(est, x, "numeric")
    assert x.dtype is not None
    dtype = x.dtype if x.dtype.is_floating_point else torch.float64
    x = cast(x, dtype)
    no_weak_scalars(x)
    splines, degree, outside = est.bsplines_, est.degree, est.extrapolation
    knots = np.array([s.t for s in splines], np.float64)
    ends = np.array([knots[:, degree], knots[:, -degree - 1]])
    if outside == "periodic" and (ends[0] >= ends[1]).any():
        raise Unsupported("a period of 0")
    if outside == "error":
        x = Provided(x, Arith(torch.ge, x, ends[0]), _all)
        x = Provided(x, Arith(torch.le, x, ends[1]), _all)
    if outside not in ("continue", "periodic"):
        outside = "line"
    n_splines = splines[0].c.shape[1]
    at_ends, slopes = _at_ends(est, ends, n_splines)
    values: Op = Spline(x, knots, degree, n_splines, outside, ends, at_ends, slopes)
    if outside == "continue":
        values = Finite(values)  # 0 times infinity elsewhere
    if not est.include_bias:
        every = np.arange(len(splines) * n_splines)
        values = Select(values, every[(every + 1) % n_splines != 0])
    return transformer(cast(values, dtype))


def _all(holds: torch.Tensor) -> torch.Tensor:
    return holds


def _at_ends(est: Any, ends: np.ndarray, n_splines: int) -> tuple[np.ndarray, np.ndarray]:
    """What the splines are at their columns' lower and upper ends, and their slopes beyond."""
    values = np.zeros((2, ends.shape[1], n_splines))
    slopes = np.zeros_like(values)
    if est.extrapolation in ("constant", "linear"):
        for end, some in enumerate((np.s_[: est.degree], np.s_[-est.degree :])):
            for column, spline in enumerate(est.bsplines_):
                x = ends[end, column]
                values[end, column, some] = spline(x)[some]
                if est.extrapolation == "linear":
                    slopes[end, column, some] = spline(x, nu=1)[some]
    return values, slopes
