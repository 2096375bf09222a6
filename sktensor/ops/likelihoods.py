"""Likelihoods of rows, whose logarithms are large sums that are off by what they are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..kernels import squares_numba
from ..table import TORCH_DTYPES
from .base import Guard, Op, Retreat
from .conditions import EPS
from .rows import by_row, is_best_by, row_sum, two_largest

WORTH_A_KERNEL = 2**12  # values, of which NumPy takes longer than a kernel that is on disk
SEEN = 5e-11  # of an answer, what is off by more may be seen
NOTHING = 45.0  # below the best, a logarithm whose share no float64 beside 1 shows


@dataclass(frozen=True, eq=False)
class SquaredDistances(Op):
    """`|x_k - shift_k|^2` of each of the parts x_k that the columns are, side by side.

    After those come the same sums with each square times the weight of its column.
    """

    x: Op
    shift: np.ndarray  # (parts, columns of each)
    weight: np.ndarray  # (parts, columns of each)

    @property
    def width(self) -> int:
        return 2 * len(self.shift)

    @property
    def dtype(self) -> torch.dtype:
        return TORCH_DTYPES[self.shift.dtype]

    @property
    def exact(self) -> bool:
        return False

    def forward(self, x: Tensor, shift: Tensor, weight: Tensor) -> Tensor:
        if x.device.type == "cpu" and not torch.compiler.is_compiling() and not x.requires_grad:
            with np.errstate(all="ignore"):
                return torch.from_numpy(self.few(x.numpy()))
        squares = (x.reshape(x.shape[0], *shift.shape) - shift).square()
        return torch.cat([squares.sum(dim=2), (squares * weight).sum(dim=2)], dim=1)

    def few(self, x: np.ndarray) -> np.ndarray:
        """The same by NumPy, or by a kernel where there is more to do than it takes to load it."""
        if x.size >= WORTH_A_KERNEL and x.flags.carray:
            return np.asarray(squares_numba.squared_distances(x, self.shift, self.weight))
        apart = x - self.shift.reshape(-1)
        apart *= apart
        return np.asarray(apart.dot(self._sums))

    @cached_property
    def _sums(self) -> np.ndarray:
        """What squares are multiplied by: NumPy takes longer for sums of so few."""
        eye = np.repeat(np.eye(len(self.shift)), self.shift.shape[1], axis=0)
        return np.hstack([eye, eye * self.weight.reshape(-1, 1)])


@dataclass(frozen=True, eq=False)
class Trusted(Guard):
    """What is made of likelihoods, where it does not show that these are off.

    A logarithm `l = constant - q / 2` of a square q, of n terms, may be off by

        eps (times sqrt(reach max(1, q / n)) + base + 8 |l|)

    What is made of them is the "best" column, their "shares", the "differences" of logarithms, or
    the logarithm of their "sum".
    """

    logs: Op
    reach: Op | None
    constant: np.ndarray = field(repr=False)  # (logs.width,)
    base: np.ndarray = field(repr=False)  # (logs.width,)
    n: int
    times: float
    of: str

    def holds(self, x: Tensor, *arguments: Any) -> Tensor:
        logs, reach, constant, base, n, times, of = arguments
        if logs.shape[1] == 1 and of != "sum":
            return torch.ones((), dtype=torch.bool, device=logs.device)
        off = base + 8 * logs.abs()
        if reach is not None:
            off = off + times * (reach * ((constant - logs) * (2 / n)).clamp(min=1)).sqrt()
        off = EPS * off
        if of == "best":
            return _ahead(logs, off, 0.0).all()
        largest = logs.amax(dim=1, keepdim=True)
        if of == "differences":
            extent = largest - logs.amin(dim=1, keepdim=True)
            return (off <= SEEN * (1 + extent)).all()
        share = torch.exp(logs - largest)
        off_by = row_sum(share * off) / row_sum(share)
        if of == "sum":
            return (off_by <= SEEN * (1 + largest.abs())).all()
        return ((off_by <= SEEN) | _ahead(logs, off, NOTHING)).all()

    def few(self, x: np.ndarray, logs: np.ndarray, reach: np.ndarray | None = None) -> np.ndarray:
        """The same by NumPy: most rows need no more than a look at all of them together."""
        if logs.shape[1] == 1 and self.of != "sum":
            return x
        off = np.abs(logs)
        off *= 8
        off += self.base
        if reach is not None:
            beyond = self.constant - logs
            beyond *= 2 / self.n
            np.maximum(beyond, 1, out=beyond)
            beyond *= reach
            np.sqrt(beyond, out=beyond)
            beyond *= self.times
            off += beyond
        off *= EPS
        if not self._holds_loosely(logs, off) and not self._holds(logs, off):
            raise Retreat("likelihoods that rounding may change")
        return x

    def _holds_loosely(self, logs: np.ndarray, off: np.ndarray) -> bool:
        most = float(off.max(initial=0.0))
        return is_best_by(logs, 2 * most) if self.of == "best" else most <= SEEN

    def _holds(self, logs: np.ndarray, off: np.ndarray) -> bool:
        if self.of == "best":
            return bool((_rivals(logs, off, 0.0) <= 1).all())
        largest = by_row(np.maximum, logs)
        if self.of == "differences":
            return bool((off <= SEEN * (1 + largest - by_row(np.minimum, logs))).all())
        share = np.exp(logs - largest)
        off_by = by_row(np.add, share * off) / by_row(np.add, share)
        if self.of == "sum":
            return bool((off_by <= SEEN * (1 + np.abs(largest))).all())
        left = np.ravel(off_by > SEEN)
        return bool((_rivals(logs[left], off[left], NOTHING) <= 1).all())


def _ahead(logs: Tensor, off: Tensor, by: float) -> Tensor:
    """Whether a row's best is ahead of all others, however each is off."""
    second = two_largest(logs + off)[1]
    return second < (logs - off).amax(dim=1, keepdim=True) - by


def _rivals(logs: np.ndarray, off: np.ndarray, by: float) -> np.ndarray:
    """How many may be a row's best, or as close to it, however each is off."""
    least = by_row(np.maximum, logs - off) - by
    return np.asarray(np.add.reduce(logs + off >= least, 1))
