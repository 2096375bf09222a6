"""Which cells of an array of objects hold the very same object: no object is looked at."""

from __future__ import annotations

from typing import Any

import numpy as np

from .jit import compiled

MOST = 8192  # objects that are told apart: their table stays in the L2 cache
REPEATED = 4  # times as many cells as objects there must be
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio (Knuth 6.4, Fibonacci hashing)


def distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The first cell of each object (n_objects,), and which object each cell has (n,) int32.

    values (n,) of objects. None where too many are objects of their own, or one is not there.
    """
    most = min(MOST, len(values) // REPEATED)
    if most == 0:
        return None
    bits = (2 * most - 1).bit_length()
    addresses, numbers = np.zeros(2**bits, np.uint64), np.empty(2**bits, np.int32)
    firsts, which = np.empty(most, np.int64), np.empty(len(values), np.int32)
    n_objects = _number(_pointers(values), 64 - bits, addresses, numbers, firsts, which)
    return None if n_objects < 0 else (firsts[:n_objects], which)


class _View:
    """What NumPy makes another array of, over the same memory."""

    def __init__(self, of: np.ndarray, **differs: Any):
        self.of = of  # kept alive as long as the view
        told = {k: of.__array_interface__[k] for k in ("shape", "strides", "version")}
        self.__array_interface__ = told | differs


def _pointers(values: np.ndarray) -> np.ndarray:
    """The addresses of the objects, read only and contiguous: one type for the kernel."""
    dtype = np.dtype(np.uint64)
    address, _ = values.__array_interface__["data"]
    view = np.asarray(_View(values, data=(address, True), typestr=dtype.str))
    if not view.flags.c_contiguous:
        view = view.copy()
        view.flags.writeable = False
    return view


@compiled()
def _number(pointers, shift, addresses, numbers, firsts, which):
    """Number the pointers as they come, by open addressing; -1 if there are more than firsts.

    -1 for a null too, by which NumPy means None: here it marks a place that is free.
    """
    last = np.uint64(len(addresses) - 1)
    known = 0
    for i in range(len(pointers)):
        pointer = pointers[i]
        if pointer == 0:
            return -1
        slot = (pointer * GOLDEN) >> np.uint64(shift)
        while addresses[slot] != pointer:
            if addresses[slot] == 0:
                if known == len(firsts):
                    return -1
                addresses[slot], numbers[slot], firsts[known] = pointer, known, i
                known += 1
                break
            slot = (slot + np.uint64(1)) & last
        which[i] = numbers[slot]
    return known
