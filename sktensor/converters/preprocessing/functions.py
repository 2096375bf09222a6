"""Converter for `sklearn.preprocessing.FunctionTransformer`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils._set_output import _get_output_config

from ...ops import (
    FLOATS_OF_INTEGERS,
    UFUNCS,
    Cast,
    Defined,
    Map,
    Named,
    Op,
    is_table,
    signature,
)
from ..registry import Unsupported, converts
from ..responses import transformer
from ..validation import as_numbers, validate


@converts(FunctionTransformer)
def function_transformer(est, x):
    if est.kw_args:
        raise Unsupported("kw_args")
    if _get_output_config("transform", est)["dense"] != "default":
        raise Unsupported("a function whose result becomes a DataFrame")
    if est.validate:
        x = validate(est, x, "numeric")
    names = x.names
    if names is not None and not is_table(x) and est.func is not None:
        raise Unsupported("a function of a DataFrame made on the way")
    if names is not None and is_table(x) and signature(x).container == "polars":
        if est.feature_names_out is not None:
            raise Unsupported("a polars DataFrame whose columns may be renamed")
        names = names if est.func is None else None  # NumPy makes an array of it
    if names is not None and est.feature_names_out is not None:
        names = tuple(est.get_feature_names_out())
    if est.func is not None:
        return transformer(applied(est.func, x, names))
    if names == x.names:
        return transformer(x)
    if not is_table(x):
        raise Unsupported("other names for a DataFrame made on the way")
    if len(set(signature(x).kinds or ())) > 1:
        raise Unsupported("columns of other names and several dtypes")
    return transformer(Named(as_numbers(x, None), None, names, True))


def applied(func: Any, x: Op, names: tuple[Any, ...] | None = None) -> Op:
    """A NumPy ufunc of one argument; its warnings are left to the native method."""
    fn = UFUNCS.get(func) if isinstance(func, np.ufunc) else None
    if fn is None:
        raise Unsupported("a function that is none of NumPy's")
    if x.sparse:
        raise Unsupported("a function of a sparse matrix")
    values = _floats(func, x)
    result: Op = Map(values, fn)
    result = Defined(result, values)  # else there is something to warn of
    return result if names is None else Named(result, None, names, True)


def _floats(func: Any, x: Op) -> Op:
    kinds = set(signature(x).kinds or ()) if is_table(x) else set()
    if func in FLOATS_OF_INTEGERS:
        kinds = set(map(_width, kinds))
    if len(kinds) > 1:
        raise Unsupported("columns of several dtypes")
    x = as_numbers(x, None)
    assert x.dtype is not None
    if x.dtype.is_floating_point:
        return x
    if x.dtype in (torch.int32, torch.int64) and func in FLOATS_OF_INTEGERS:
        return Cast(x, torch.float64)
    raise Unsupported("a function of integers")


def _width(kind: str) -> str:
    return kind if kind == "float32" else "float64" if kind in ("int64", "int32") else kind
