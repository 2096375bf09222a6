"""A table as LightGBM reads it: float32 stays, a pandas frame's dtypes decide, all else differs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...ops import (
    Arith,
    CategoryCodes,
    Concat,
    Map,
    Numbers,
    Op,
    Select,
    cast,
    is_table,
    signature,
)
from ...table import NULLABLE_NUMBERS, NUMPY_DTYPES, TORCH_DTYPES, UNKNOWN
from ..frames import check_width, container, plain_kinds
from ..registry import Unsupported, select
from ..validation import FLOATS, check_names
from .model import ZERO, Model

OTHER_NAMES = {
    "objective": ("objective_type", "app", "application", "loss"),
    "eval_at": ("eval_at", "ndcg_eval_at", "ndcg_at", "map_eval_at", "map_at"),
}


def check_params(est: Any) -> None:
    """Parameters that change a prediction, or make it warn."""
    params = est.get_params(deep=False)
    if params.get("pred_early_stop"):
        raise Unsupported("pred_early_stop")
    for name in sum(OTHER_NAMES.values(), ()):
        if name in params:
            raise Unsupported(f"the parameter {name}, of which LightGBM warns")


def as_values(est: Any, x: Op, model: Model) -> Op:
    """The float32 or float64 values that a booster sees."""
    check_width(x, model.n_features)
    if x.sparse and x.dtype not in FLOATS:
        raise Unsupported("sparse input that is not of floats")
    library = container(x)
    if library == "pandas":
        return _of_frame(est, x)
    if library not in ("numpy", "torch"):
        raise Unsupported(f"a {library} DataFrame")
    if is_table(x) or x.dtype is None:
        raise Unsupported("an array of objects")
    check_names(est, x)
    return x if x.dtype in FLOATS else cast(x, torch.float32)


def _of_frame(est: Any, x: Op) -> Op:
    """LightGBM checks no names; it takes the dtype that holds every column and float32."""
    fitted = est.booster_.pandas_categorical
    kinds = signature(x).kinds or ()
    chosen = [i for i, kind in enumerate(kinds) if kind == "category"]
    if UNKNOWN in kinds:
        fitted = fitted if chosen else None  # which columns are categories is not known yet
    if fitted is not None and len(fitted) != len(chosen):
        raise Unsupported(f"{len(chosen)} columns of categories where {len(fitted)} were fitted")
    if chosen:
        return _with_codes(x, chosen, fitted)
    return _of_numbers(x)


def _with_codes(x: Op, chosen: list[int], fitted: list[list[Any]] | None) -> Op:
    """Categories as their codes among those fitted, if a frame with categories was fitted."""
    if len(set(x.names or ())) < (x.width or 0):
        raise Unsupported("columns of the same name")
    known = tuple(None if fitted is None else list(fitted[i]) for i in range(len(chosen)))
    rest = [i for i in range(x.width or 0) if i not in chosen]
    others = [_of_numbers(select(x, rest))] if rest else []
    dtype = others[0].dtype if others else torch.float32
    assert dtype is not None
    # Any code is the same in float32 and in whatever LightGBM chooses.
    parts = (CategoryCodes(select(x, chosen), known, dtype), *others)
    return Select(Concat(parts), np.argsort(np.array(chosen + rest)))


def _of_numbers(x: Op) -> Op:
    if not is_table(x):
        assert x.dtype is not None
        return cast(x, TORCH_DTYPES[np.result_type(NUMPY_DTYPES[x.dtype], np.float32)])
    kinds = plain_kinds(x, NULLABLE_NUMBERS)
    dtypes = [np.float64 if k == UNKNOWN else _numpy(k) for k in kinds]
    return Numbers(x, TORCH_DTYPES[np.result_type(*dtypes, np.float32)])


def _numpy(kind: str) -> np.dtype:
    return np.dtype("bool" if kind == "boolean" else kind.lower())


def zeros_as_nan(x: Op, kept: np.ndarray) -> Op:
    """NaN where a value is so near 0 that it is missing, but for the columns `kept`."""
    if not len(kept):
        return Map(x, _nan_near_zero)
    return Arith(_nan_near_zero_in, x, ~np.isin(np.arange(x.width or 0), kept)[None])


def _nan_near_zero(x: Tensor) -> Tensor:
    return torch.where(x.abs() <= ZERO, torch.nan, x)


def _nan_near_zero_in(x: Tensor, columns: Tensor) -> Tensor:
    return torch.where((x.abs() <= ZERO) & columns, torch.nan, x)


def near_zero_as_zero(x: Op) -> Op:
    return Map(x, _zero_near_zero)


def _zero_near_zero(x: Tensor) -> Tensor:
    return torch.where(x.abs() <= ZERO, 0, x)
