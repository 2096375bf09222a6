"""The margin from which on a library predicts another class, found by asking it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .registry import Unsupported

GRID = 1024  # margins that are asked about at once


def boundary(chosen: Callable[[np.ndarray], np.ndarray]) -> float:
    """The largest margin, a float64, that is not chosen; those above it all are."""
    low, high = _key(-1e300), _key(1e300)
    while high - low > 1:
        # Spread evenly over the floats, without a product that passes 64 bits.
        step = -((low - high) // (GRID - 2))
        tried = np.append(np.arange(low, high, step, dtype=np.int64), np.int64(high))
        above = chosen(_float(tried))
        if above[0] or not above[-1] or (np.diff(above.astype(np.int8)) < 0).any():
            raise Unsupported("classes that no margin decides")
        first = int(np.argmax(above))
        low, high = int(tried[first - 1]), int(tried[first])
    return float(_float(np.array([low]))[0])


def _key(x: float) -> int:
    """Floats as integers in the same order."""
    bits = int(np.asarray(x, np.float64).view(np.int64))
    return bits if bits >= 0 else -(bits & (2**63 - 1))


def _float(keys: np.ndarray) -> np.ndarray:
    """The inverse of `_key`."""
    magnitude = np.abs(keys).view(np.float64)
    return np.where(keys < 0, -magnitude, magnitude)
