"""Converters for `sklearn.preprocessing`: bins, quantiles, powers, splines and products."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy import stats
from scipy.interpolate import PPoly
from sklearn.preprocessing import (
    KBinsDiscretizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
)

from ...ops import (
    Arith,
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
from ..validation import settled, validate
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
        x = BoxCox(Provided(x, x, _positive), lambdas)
    else:
        # Up to 1.8 by powers, after that by SciPy's logarithms.
        x = YeoJohnson(x, lambdas, hasattr(est, "_yeo_johnson_transform"))
    # The scaler refuses what overflowed.
    return transformer(scaled(est._scaler, Finite(x, True)) if est.standardize else x)


def _positive(x: torch.Tensor) -> torch.Tensor:
    return ~(x <= 0)


@converts(PolynomialFeatures)
def polynomial_features(est, x):
    x = validate(est, x)
    if est._max_degree == 0:
        raise Unsupported("degree 0")
    products: Op = Products(x, est._max_degree, est.interaction_only)
    skipped = products.width - (est._n_out_full - bool(est.include_bias))
    assert skipped == 0, "as many products as scikit-learn has"
    if est._min_degree > 1:
        kept = est.n_output_features_ - bool(est.include_bias)
        products = Select(products, np.arange(products.width - kept, products.width))
    if est.include_bias:
        products = Concat((Map(Select(x, np.array([0])), torch.ones_like), products))
    return transformer(products)


@converts(SplineTransformer)
def spline_transformer(est, x):
    if getattr(est, "handle_missing", "error") != "error":
        raise Unsupported(f"handle_missing={est.handle_missing!r}")
    if est.sparse_output:
        raise Unsupported("sparse_output")
    if est.degree == 0:  # natively an error for values outside, and only then
        raise Unsupported("degree=0")
    x = validate(est, x, "numeric")
    assert x.dtype is not None
    dtype = x.dtype if x.dtype.is_floating_point else torch.float64
    x = cast(x, dtype)
    splines, degree = est.bsplines_, est.degree
    low = np.array([s.t[degree] for s in splines])
    high = np.array([s.t[-degree - 1] for s in splines])
    outside = est.extrapolation
    if outside == "error":
        x = Provided(x, Arith(torch.ge, x, low), _all)
        x = Provided(x, Arith(torch.le, x, high), _all)
        outside = "constant"
    breaks, coefficients = _pieces(splines)
    values: Op = Spline(x, low, high, breaks, coefficients, outside)
    if not est.include_bias:
        n_splines = coefficients.shape[3]
        every = np.arange(len(splines) * n_splines)
        values = Select(values, every[(every + 1) % n_splines != 0])
    return transformer(cast(values, dtype))


def _all(holds: torch.Tensor) -> torch.Tensor:
    return holds


def _pieces(splines: Any) -> tuple[np.ndarray, np.ndarray]:
    """Where the polynomials of each column's splines begin, and their coefficients."""
    breaks, coefficients = [], []
    for spline in splines:
        t, k = spline.t, spline.k
        first, last = k, len(t) - k - 2
        polys = [PPoly.from_spline((t, c, k)) for c in spline.c.T]
        breaks.append(t[first : last + 1])
        coefficients.append(np.stack([p.c[::-1, first : last + 1].T for p in polys], axis=-1))
    return np.array(breaks, np.float64), np.ascontiguousarray(coefficients, np.float64)
