"""Memory that is freed stays with the process, for the next block of rows to be written into."""

from __future__ import annotations

from functools import cache

import numpy as np

LARGEST = 2**25  # bytes: the size up to which the C library of Linux learns from what is freed


@cache
def keep_what_is_freed() -> None:
    """Have the C library keep memory that blocks have freed, instead of asking for it anew.

    To begin with, glibc hands back to the system what is freed at the end of its heap as soon as
    that is 128 KB. What a block of rows takes is then new at every block, and its pages come one by
    one at the first touch, which takes longer than most ops. Once a process has freed an array of
    its own mapping, glibc keeps up to twice as much: one of the largest size it learns from, never
    touched, is had and freed in microseconds. Elsewhere that changes nothing.
    """
    np.empty(LARGEST - 2**16, np.uint8)
