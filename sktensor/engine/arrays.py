"""Arrays in and out: tensors, and what other libraries exchange by DLPack, in the caller's kind."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..devices import lacks
from ..graph import to_device
from ..ops import Named, Retreat
from ..table import TORCH_DTYPES


def natively(estimator: Any, method: str, X: Any, *args: Any, **params: Any) -> Any:
    """What the estimator's own method says; a tensor where it is asked about one."""
    answer = getattr(estimator, method)(as_array(X), *args, **params)
    return as_tensors(answer, X.device) if isinstance(X, Tensor) else answer


def as_array(X: Any) -> Any:
    """A tensor, or what only DLPack can read, as the array that scikit-learn reads; all else as is.

    ValueError for a tensor that holds no numbers.
    """
    if type(X) is np.ndarray:
        return X
    if is_exchanged(X):
        rows = as_rows(X)
        # What lies on the host and says how it becomes an array is scikit-learn's own business.
        if rows is X or (rows.device.type == "cpu" and hasattr(X, "__array__")):
            return X
        X = rows
    if not isinstance(X, Tensor):
        return X
    if X.is_meta:
        raise ValueError("a tensor on the meta device holds no numbers")
    X = X.detach().cpu()
    return (X.float() if X.dtype == torch.bfloat16 else X).numpy()


def as_tensors(answer: Any, device: torch.device) -> Any:
    """The arrays of an answer as tensors on a device; labels that are no numbers as they are."""
    if isinstance(answer, list | tuple) and not hasattr(answer, "_fields"):
        return type(answer)(as_tensors(part, device) for part in answer)
    if isinstance(answer, np.ndarray) and (answer.dtype in TORCH_DTYPES or answer.dtype == "f2"):
        answer = to_device(answer)
    if isinstance(answer, Tensor) and answer.dtype not in lacks(device):
        return answer.to(device)
    return answer


def is_exchanged(X: Any) -> bool:
    """Whether it is another library's array, which can be had through DLPack."""
    if isinstance(X, np.ndarray | np.generic | Tensor):
        return False
    return hasattr(type(X), "__dlpack__") and hasattr(type(X), "__dlpack_device__")


def as_rows(X: Any) -> Any:
    """Another library's array as a tensor that shares its memory; anything else as it is."""
    if type(X) is np.ndarray or not is_exchanged(X):
        return X
    try:
        return torch.from_dlpack(X)
    except Exception:  # dtypes, devices or strides that torch cannot share: the native method's
        return X


def in_kind(answer: Any, X: Any) -> Any:
    """The tensors of an answer in the kind of array that `X` is, where `as_rows` took it for one.

    That is what its namespace's `from_dlpack` makes. Where there is none a NumPy array stands for
    a tensor on the host, as it does natively, and one on a card stays a tensor.
    """
    if isinstance(answer, list | tuple) and not hasattr(answer, "_fields"):
        return type(answer)(in_kind(part, X) for part in answer)
    if not isinstance(answer, Tensor):
        return answer
    from_dlpack = _reader(X)
    if from_dlpack is not None:
        return from_dlpack(answer)
    return answer.numpy() if answer.device.type == "cpu" else answer


def put_rows(answer: Any, rows: np.ndarray, found: Any) -> None:
    """Write the answer that was found for some rows, by their numbers, into that for all.

    Retreat where the two are not alike.
    """
    arrays = isinstance(answer, np.ndarray) and isinstance(found, np.ndarray)
    if not arrays or (found.dtype, *found.shape[1:]) != (answer.dtype, *answer.shape[1:]):
        raise Retreat("an answer that cannot be put together")
    answer[rows] = found


def wrap(answer: Any, root: Named, X: Any) -> Any:
    """The transformed rows in the container that the estimator is set to return."""
    from sklearn.utils._set_output import _wrap_data_with_container

    if root.estimator is None:
        return type(X)(answer, columns=list(root.labels), index=X.index)
    original = X if root.keeps_index else answer
    return _wrap_data_with_container("transform", answer, original, root.estimator)


def _reader(X: Any) -> Any:
    """`from_dlpack` of the array's namespace, or of the library that it comes from."""
    if hasattr(X, "__array_namespace__"):
        return getattr(X.__array_namespace__(), "from_dlpack", None)
    library = sys.modules.get(type(X).__module__.partition(".")[0])
    return getattr(library, "from_dlpack", None)
