"""Probabilities of classes from scores of their pairs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from ..kernels import coupling_numba
from ..threads import share_rows
from .base import Op

TOGETHER = 2**12  # rows that a thread takes at once


@dataclass(frozen=True, eq=False)
class Coupled(Op):
    """The probabilities of k classes, and as the last column how clear it was when to stop.

    They are put together round by round, and each row may take another number of them: that is
    nothing for a card. `x` has the scores of the pairs, each of which has a slope and an offset.
    """

    x: Op
    slopes: np.ndarray = field(repr=False)  # (k (k - 1) / 2,) float64
    offsets: np.ndarray = field(repr=False)
    n_classes: int

    @property
    def width(self) -> int:
        return self.n_classes + 1

    @property
    def dtype(self) -> torch.dtype:
        return torch.float64

    @property
    def on_host(self) -> bool:
        return True

    @property
    def exact(self) -> bool:
        return False

    def forward(
        self, x: np.ndarray, slopes: np.ndarray, offsets: np.ndarray, n_classes: int
    ) -> np.ndarray:
        found = np.empty((len(x), n_classes + 1))

        def task(lo: int, hi: int) -> None:
            coupling_numba.couple(x[lo:hi], slopes, offsets, found[lo:hi])

        if len(x) <= TOGETHER:
            task(0, len(x))
        else:
            share_rows(task, len(x), TOGETHER)
        return found
