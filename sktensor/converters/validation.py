"""What scikit-learn's `validate_data` does to a table, as ops."""

from __future__ import annotations

import sys
import warnings
from functools import reduce
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import _check_feature_names

from ..graph import is_exact
from ..ops import Cast, Finite, Numbers, Op, ValidCsr, is_table, signature, unnamed
from ..table import ARROW_NUMBERS, NULLABLE_NUMBERS, NUMPY_DTYPES, TORCH_DTYPES, UNKNOWN
from .registry import Unsupported, current_conversion

FLOATS = (torch.float32, torch.float64)
KEPT = frozenset(
    {"object", *NULLABLE_NUMBERS, *ARROW_NUMBERS}
)  # kinds that need a dtype to become numbers


def validate(
    estimator: Any,
    x: Op,
    dtype: torch.dtype | str | None = "float",
    *,
    allow_nan: bool = False,
    allow_inf: bool = False,
    accept_sparse: bool = False,
    check_width: bool = True,
) -> Op:
    """The array that the estimator's `validate_data(X, reset=False, ...)` would make of `x`.

    dtype is "float" for `FLOAT_DTYPES` (float32 and float64 stay, all else becomes float64),
    "numeric" to keep any number's dtype and make numbers of objects, None to leave objects what
    they are, which is not compiled, or the dtype to cast to. Values that scikit-learn
    would refuse make the program hand the call to the native method.
    """
    n_features = getattr(estimator, "n_features_in_", None)
    if x.width is None:
        raise Unsupported("input of unknown width")
    if check_width and n_features is not None and x.width != n_features:
        raise Unsupported(f"{x.width} columns where {n_features} were fitted")
    if x.sparse and not accept_sparse:
        raise Unsupported("sparse input")
    if x.stays_sparse:
        return _valid_csr(estimator, x, dtype, allow_nan, allow_inf)
    check_names(estimator, x)
    x = as_numbers(x, dtype)
    assert x.dtype is not None
    if allow_inf or not x.dtype.is_floating_point or _is_guarded(x, allow_nan):
        return x
    return Finite(x, allow_nan)


def _valid_csr(
    estimator: Any, x: Op, dtype: torch.dtype | str | None, allow_nan: bool, allow_inf: bool
) -> Op:
    """The same of a sparse matrix; not all estimators warn of the names that it lacks."""
    if hasattr(estimator, "feature_names_in_"):
        raise Unsupported("sparse input without the names that were fitted")
    if x.dtype is None:
        raise Unsupported("no numbers")
    wanted = dtype
    if not isinstance(wanted, torch.dtype):
        wanted = torch.float64 if dtype == "float" and x.dtype not in FLOATS else x.dtype
    return ValidCsr(x, wanted, allow_nan, allow_inf)


def settled(x: Op) -> Op:
    """`x`, where it is to the last bit what scikit-learn has.

    Thresholds and edges may be values that an estimator was fitted on. Such a value must end up on
    its side of itself when it comes again, which a sum in another order may keep it from.
    """
    if not is_exact(x):
        raise Unsupported("thresholds among values that are rounded otherwise")
    return x


def as_numbers(x: Op, dtype: torch.dtype | str | None = "float") -> Op:
    """`x` as an array of numbers in the dtype that scikit-learn would choose."""
    x = unnamed(x)
    found = _common_dtype(signature(x).kinds or ()) if is_table(x) else x.dtype
    if found is None:
        raise Unsupported("no numbers")
    if dtype == "float":
        wanted = found if found in FLOATS else torch.float64
    elif dtype == "numeric":
        wanted = found
    elif dtype is None:
        if is_table(x) and not KEPT.isdisjoint(signature(x).kinds or ()):
            raise Unsupported("objects that stay objects")
        wanted = found
    else:
        assert isinstance(dtype, torch.dtype)
        wanted = dtype
    if is_table(x):
        # Integers and floats reach float32 by way of their common dtype, as in NumPy's casts.
        array = Numbers(x, wanted if found == wanted or wanted != torch.float32 else found)
        return array if array.dtype == wanted else Cast(array, wanted)
    return x if x.dtype == wanted else Cast(x, wanted)


def _is_guarded(x: Op, allow_nan: bool) -> bool:
    return isinstance(x, Finite) and (allow_nan or not x.allow_nan)


def _common_dtype(kinds: tuple[str, ...]) -> torch.dtype:
    """The dtype of a table's columns as one array."""
    dtypes = [_number_dtype(kind) for kind in kinds]
    if not dtypes:
        raise Unsupported("no columns")
    return TORCH_DTYPES[np.dtype(reduce(np.promote_types, dtypes))]


def _number_dtype(kind: str) -> np.dtype:
    if kind == UNKNOWN or kind in KEPT:
        return np.dtype(np.float64)
    try:
        dtype = np.dtype(kind)
    except (TypeError, ValueError):  # an extension's name
        dtype = None
    if dtype not in TORCH_DTYPES:
        raise Unsupported(f"a column of {kind} as numbers")
    return dtype


def check_names(estimator: Any, x: Op) -> None:
    """Column names as scikit-learn checks them: its errors decline, its warnings are kept."""
    known = signature(x)
    fitted = getattr(estimator, "feature_names_in_", None)
    if known.kinds is not None and UNKNOWN in known.kinds:
        return
    if fitted is None and x.names is None:
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            _check_feature_names(estimator, _nameplate(x), reset=False)
        except (TypeError, ValueError) as error:
            raise Unsupported("columns other than those fitted") from error
    current_conversion().warnings.extend((None, str(w.message), w.category) for w in caught)


def _nameplate(x: Op) -> Any:
    """A table without rows that has the names of `x`."""
    if x.names is None:
        return np.empty((0, x.width or 0))
    container = signature(x).container
    library = sys.modules.get(container) if container != "numpy" else None
    library = library or sys.modules.get("pandas") or sys.modules["polars"]
    if library.__name__ == "polars":
        return library.DataFrame(schema=list(x.names))
    return library.DataFrame(columns=list(x.names))


def numpy_dtype(x: Op) -> np.dtype:
    """The NumPy dtype of an op that is an array."""
    assert x.dtype is not None
    return NUMPY_DTYPES[x.dtype]
