"""Converters for `sklearn.cross_decomposition`."""

import torch
from sklearn.cross_decomposition import CCA, PLSSVD, PLSCanonical, PLSRegression

from ..ops import Column, cast
from .linear import linear
from .registry import Responses, converts
from .responses import transformer
from .validation import validate


@converts(CCA, PLSCanonical, PLSRegression)
def pls(est, x):
    x = validate(est, x)
    centred = cast(x - est._x_mean, x.dtype)  # in place, so in the dtype of the input
    scaled = cast(centred / est._x_std, x.dtype)
    y = linear(centred, est.coef_, est.intercept_).result
    return Responses(
        transform=linear(scaled, est.x_rotations_.T).result,
        predict=Column(y, 0) if est._predict_1d else y,
    )


@converts(PLSSVD)
def pls_svd(est, x):
    x = validate(est, x, torch.float64)
    scaled = (x - est._x_mean) / est._x_std
    return transformer(linear(scaled, est.x_weights_.T).result)
