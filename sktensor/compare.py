"""How far two answers are apart, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.sparse import issparse

TOLERANCE = {"d": 1e-10, "f": 1e-6}


@dataclass(frozen=True)
class Distance:
    """The differences of each row, and whether it is outside tolerance."""

    absolute: np.ndarray  # of floats
    relative: np.ndarray  # to the largest value
    flips: np.ndarray  # bool: of what is no float
    outside: np.ndarray  # bool
    note: str = ""


def distance(ours: Any, native: Any, labels: bool) -> Distance:
    """How far two answers for the same rows are apart; `labels` must be equal even as floats."""
    mine, theirs = arrays(ours), arrays(native)
    n = len(theirs[0]) if theirs else 0
    wrong = _other_kind(ours, native, mine, theirs)
    found = Distance(np.zeros(n), np.zeros(n), np.zeros(n, bool), np.full(n, bool(wrong)), wrong)
    if wrong:
        return found
    for a, b in zip(mine, theirs, strict=True):
        a, b = a.reshape(n, -1), b.reshape(n, -1)
        if labels or b.dtype.char not in TOLERANCE:
            flips = _unequal(a, b).any(axis=1)
            np.logical_or(found.flips, flips, out=found.flips)
            np.logical_or(found.outside, flips, out=found.outside)
            continue
        absolute, relative = _apart(a, b)
        np.maximum(found.absolute, absolute, out=found.absolute)
        np.maximum(found.relative, relative, out=found.relative)
        np.logical_or(found.outside, relative > TOLERANCE[b.dtype.char], out=found.outside)
    return found


def _apart(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each row's largest difference, and that over the largest value there is."""
    with np.errstate(all="ignore"):
        apart = np.abs(a - b)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    apart = np.where(same, 0.0, np.where(np.isfinite(a) & np.isfinite(b), apart, np.inf))
    absolute = apart.max(axis=1, initial=0.0)
    finite = np.abs(b[np.isfinite(b)])
    largest = float(finite.max(initial=0.0)) or np.finfo(b.dtype).tiny
    with np.errstate(all="ignore"):
        return absolute, absolute / largest


def _unequal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    both_nan = np.vectorize(_is_nan, otypes=[bool])
    unequal = np.asarray(a != b)
    if unequal.any() and b.dtype.kind in ("f", "O"):
        unequal &= ~(both_nan(a) & both_nan(b))
    return unequal


def _is_nan(value: Any) -> bool:
    return value is None or bool(value != value)


def _other_kind(ours: Any, native: Any, mine: list[np.ndarray], theirs: list[np.ndarray]) -> str:
    """What is wrong with our answer before its values are looked at; empty where nothing is."""
    if type(ours) is not type(native):
        return f"{type(ours).__name__} instead of {type(native).__name__}"
    if hasattr(native, "columns") and list(ours.columns) != list(native.columns):
        return "other column names"
    shapes, wanted = ([a.shape for a in some] for some in (mine, theirs))
    if shapes != wanted:
        return f"shapes {shapes} instead of {wanted}"
    dtypes, kinds = ([str(a.dtype) for a in some] for some in (mine, theirs))
    return f"{dtypes} instead of {kinds}" if dtypes != kinds else ""


def arrays(answer: Any) -> list[np.ndarray]:
    """The arrays that an answer is made of."""
    if isinstance(answer, list | tuple):
        return [a for part in answer for a in arrays(part)]
    if isinstance(answer, torch.Tensor):
        return [answer.detach().cpu().numpy()]
    if issparse(answer):
        return [answer.toarray()]
    if hasattr(answer, "to_numpy"):
        return [answer.to_numpy()]
    return [np.asarray(answer)]
