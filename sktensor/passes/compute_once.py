"""Compute once what several ops compute alike.

f(x, c) = f(x, c): ops of one kind that read the same results and have the same constants are one
op. The members of a committee each cast, check and scale the rows that they share. Constants are
the same if they are one array, or short and equal bit by bit; native methods are asked as often as
scikit-learn asks them.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import torch

from ..graph import Change, surveys
from ..ops import Input, Native, Op

SHORT = 2**14  # bytes of a constant that is compared by its values


@surveys
def compute_once(root: Op) -> Change:
    """How to change the ops of a graph so that no two are alike."""
    seen: dict[Hashable, Op] = {}

    def change(old: Op, new: Op) -> Op | None:
        return None if isinstance(new, Input | Native) else seen.setdefault(_likeness(new), new)

    return change


def _likeness(op: Op) -> Hashable:
    return type(op), *map(_of_value, op.arguments)


def _of_value(value: Any) -> Hashable:
    """Something that is equal for values that are the same, bit by bit."""
    if isinstance(value, tuple):
        return tuple(map(_of_value, value))
    if isinstance(value, np.ndarray) and value.nbytes <= SHORT and not value.dtype.hasobject:
        return value.dtype.str, value.shape, value.tobytes()
    if value is None or isinstance(value, bool | int | str | torch.dtype):
        return type(value), value
    if isinstance(value, float):
        return float, value.hex()
    return id(value)  # which the op keeps alive
