"""Converters for `sklearn.preprocessing`: columns of numbers."""

from sklearn.preprocessing import StandardScaler

from ..ops import cast
from .registry import converts
from .responses import transformer
from .validation import validate


@converts(StandardScaler)
def standard_scaler(est, x):
    x = validate(est, x, allow_nan=True)
    dtype = x.dtype
    if est.with_mean:
        x = cast(x - est.mean_, dtype)
    if est.with_std:
        x = cast(x / est.scale_, dtype)
    return transformer(x)
