"""An op that asks the host again about those rows whose values are in doubt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from .base import Op


@dataclass(frozen=True, eq=False)
class Mended(Op):
    """`x` where `sure` is true, and elsewhere `fn(rows)` of those rows alone.

    For what a native method answers row by row, and which too many calls would have some row of
    whose digits are not known: a guard would hand all rows of them to it.
    """

    x: Op  # one value a row
    sure: Op  # the same
    rows: Op
    fn: Callable[[np.ndarray], np.ndarray] = field(repr=False)

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    @property
    def on_host(self) -> bool:
        return True

    @property
    def exact(self) -> bool:
        return False

    def forward(
        self,
        x: np.ndarray,
        sure: np.ndarray,
        rows: np.ndarray,
        fn: Callable[[np.ndarray], np.ndarray],
    ) -> np.ndarray:
        at = np.flatnonzero(~sure)
        if not len(at):
            return x
        mended = x.copy()
        mended[at] = fn(np.ascontiguousarray(rows[at]))
        return mended
