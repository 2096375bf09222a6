"""Numbers counted in their order, and searches by that count.

The rank of a float is how many floats it lies above zero, negative below; both zeros have rank 0.
The rank of an integer is the integer. So the largest number with a property that holds up to some
point is found by bisection, whatever the dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Holds = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of ranks, and which searches they are of

REACHES = (8, 2**10, 2**20, 2**40)  # how far to either side of a guess is tried, one by one

_BITS: dict[Any, Any] = {
    np.dtype(np.float64): np.dtype(np.int64),
    np.dtype(np.float32): np.dtype(np.int32),
}


def rank(values: np.ndarray) -> np.ndarray:
    """The ranks of numbers that are not NaN, as int64."""
    if values.dtype.kind != "f":
        return values.astype(np.int64)
    bits = np.ascontiguousarray(values).view(_BITS[values.dtype]).astype(np.int64)
    magnitude = bits & np.int64(np.iinfo(_BITS[values.dtype]).max)
    return np.where(bits < 0, -magnitude, magnitude)


def number(ranks: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The numbers of these ranks."""
    if dtype.kind != "f":
        return ranks.astype(dtype)
    values = np.abs(ranks).astype(_BITS[dtype]).view(dtype)
    return np.where(ranks < 0, -values, values)


def bounds(dtype: np.dtype) -> tuple[int, int]:
    """The lowest and the highest rank: those of the infinities, where there are any."""
    if dtype.kind == "f":
        top = int(rank(np.array([np.inf], dtype))[0])
        return -top, top
    if dtype.kind == "b":
        return 0, 1
    info = np.iinfo(dtype)
    return int(info.min) + 1, int(info.max) - 1  # so that there are ranks beyond


def last(holds: Holds, low: np.ndarray, high: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """The highest rank within [low, high] for which `holds`, `low - 1` for none.

    It must hold up to some rank and for none above. The search begins around `guess`.
    """
    yes, no = low - 1, high + 1
    for reach in REACHES:  # most guesses are off by little, which saves most of some sixty steps
        left = np.flatnonzero((yes < guess - reach) | (no > guess + reach))
        for at in (guess[left] - reach, guess[left] + reach):
            at = np.clip(at, low[left], high[left])
            holding = holds(at, left)
            yes[left] = np.where(holding, np.maximum(yes[left], at), yes[left])
            no[left] = np.where(holding, no[left], np.minimum(no[left], at))
    left = np.flatnonzero(_apart(yes, no))
    while len(left):
        at = _between(yes[left], no[left])
        holding = holds(at, left)
        yes[left] = np.where(holding, at, yes[left])
        no[left] = np.where(holding, no[left], at)
        left = left[_apart(yes[left], no[left])]
    return yes


def _apart(yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    return yes < no - 1


def _between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The mean, rounded down, where the sum may overflow."""
    return (a & b) + ((a ^ b) >> 1)
