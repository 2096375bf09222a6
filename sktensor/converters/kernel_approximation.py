"""Converters for `sklearn.kernel_approximation`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.kernel_approximation import (
    AdditiveChi2Sampler,
    Nystroem,
    RBFSampler,
    SkewedChi2Sampler,
)

from ..ops import UFUNCS, Arith, Concat, Map, Op, Provided, RowSum, cast, sqrt
from ..ops.conditions import Below, NotBelow
from ..ops.elementwise import one_where_zero
from ..table import TORCH_DTYPES
from .kernels import CANCELLED, kernel_sums
from .linear import holds_for_some, linear
from .registry import Responses, Unsupported, converts
from .responses import transformer
from .validation import numpy_dtype, validate

LOG = UFUNCS[np.log]
MOST_TURNED = 3e4  # radians, of which rounding leaves an angle's cosine its digits
INTERVALS = {1: 0.8, 2: 0.5, 3: 0.4}  # of as many steps, where none is given
LEAST = 1e-6  # of what is added, what a value must be with it to be above 0 in any dtype


@converts(Nystroem)
def nystroem(est, x):
    if est.kernel_params is not None:
        raise Unsupported("parameters for a kernel of another kind")
    f = kernel_sums(
        est.kernel,
        validate(est, x, "numeric"),
        est.components_,
        est.normalization_.T,
        0.0,
        gamma=est.gamma,
        coef0=1.0 if est.coef0 is None else est.coef0,
        degree=3.0 if est.degree is None else est.degree,
    )
    return Responses(transform=f.values, reasons={"transform": CANCELLED})


@converts(RBFSampler)
def rbf_sampler(est, x):
    x = validate(est, x, "numeric", accept_sparse=True)
    return transformer(_cosines(est, x) * float((2.0 / est.n_components) ** 0.5))


@converts(SkewedChi2Sampler)
def skewed_chi2_sampler(est, x):
    x = validate(est, x)
    if x.dtype == torch.float32 and isinstance(est.skewedness, np.generic):
        raise Unsupported("a sum in float32 that depends on NumPy's version")
    moved = x + float(est.skewedness)
    above = Provided(moved, moved, NotBelow(LEAST * float(est.skewedness)))
    scale = np.sqrt(2.0) / np.sqrt(est.n_components)
    return transformer(_cosines(est, Map(above, UFUNCS[np.log])) * float(scale))


@converts(AdditiveChi2Sampler)
def additive_chi2_sampler(est, x):
    x = validate(est, x, "numeric")
    if x.dtype not in (torch.float32, torch.float64):
        raise Unsupported("whole numbers, of which it makes whole numbers")
    interval = est.sample_interval
    if interval is None:
        interval = INTERVALS[est.sample_steps]
    x = Provided(x, x, NotBelow(0.0))
    turns = _times(Map(Map(x, one_where_zero), LOG), interval)
    doubled = _times(x * 2.0, interval)
    columns: list[Op] = [Map(_times(x, interval), sqrt)]
    for j in range(1, est.sample_steps):
        size = Map(_over(doubled, np.cosh(np.pi * j * interval)), sqrt)
        for function in (np.cos, np.sin):
            turned = Map(turns * float(j), UFUNCS[function])
            columns.append(Arith(torch.mul, size, turned))
    return transformer(Concat(tuple(cast(column, x.dtype) for column in columns)))


def _times(x: Op, y: Any) -> Op:
    return _wide(x, y) * float(y)


def _over(x: Op, y: Any) -> Op:
    return _wide(x, y) / float(y)


def _wide(x: Op, y: Any) -> Op:
    """`x` beside a number: whether one of NumPy's makes it wider depends on its version."""
    return cast(x, TORCH_DTYPES[np.result_type(np.empty(1, numpy_dtype(x)), y)])


def _cosines(est: Any, x: Op) -> Op:
    """`cos(x @ weights + offset)`, where the angles are no larger than their digits allow."""
    weights, offset = est.random_weights_, est.random_offset_
    angles = linear(x, weights.T, offset)
    longest = float(np.square(weights.astype(np.float64)).sum(axis=0).max())
    size = RowSum(Map(angles.rows, torch.square)) * (longest / MOST_TURNED**2)
    cosines = Provided(Map(angles.result, UFUNCS[np.cos]), size, Below(1.0))
    if not holds_for_some(cosines):
        raise Unsupported("angles so large that rounding turns them")
    return cosines
