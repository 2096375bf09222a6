"""Missing values filled from the fixed rows that are nearest by what is known of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..kernels import donors_numba
from .base import Op
from .conditions import ROUNDING

ON_CPU, ON_CARD = 2**18, 2**21  # squares that are there at once
STEPS = tuple(2.0**-k for k in range(11))  # of which values may be multiples
UNROUNDED = 2.0**50  # in squares of a step: sums of squares, and twice that, are whole below
LARGEST, LEAST, LINEAR = donors_numba.LARGEST, donors_numba.LEAST, donors_numba.LINEAR


@dataclass(frozen=True, eq=False)
class FillFromNearest(Op):
    """Rows with what is NaN filled by the nearest fixed rows that have it; last, whether surely.

    `|x - s|^2 width / known`, over the columns that both have, is how far they are apart. The mean
    of the `count` nearest is filled in, or where `seen`, that weighted by `1 / distance`. The last
    column is 1 where squares that are off by `slack` times the lengths of both rows give no other
    choice, nor means that are off by more than the part `seen`; 0 elsewhere.
    """

    x: Op  # float64
    columns: np.ndarray = field(repr=False)  # (x.width, n) float64, NaN for what is missing
    means: np.ndarray  # (x.width,), filled in where no row is known to be near
    count: int
    slack: float
    seen: float

    @property
    def width(self) -> int:
        return len(self.columns) + 1

    @property
    def dtype(self) -> torch.dtype:
        return torch.float64

    @property
    def exact(self) -> bool:
        return self._sums_are_exact

    def forward(
        self, x: Tensor, columns: Tensor, means: Tensor, count: int, slack: float, seen: float
    ) -> Tensor:
        if x.device.type == "cpu" and not torch.compiler.is_compiling():
            out = torch.empty((len(x), self.width), dtype=torch.float64)
            rows, found, step = x.contiguous().numpy(), out.numpy(), self._step
            facts = (*self._facts, self.means, count, slack, seen, step is not None)
            donors_numba.fill(rows, self.columns, *facts, found)
            if step is not None:
                self._choose_among_ties(rows, found, step)
            return out
        if torch.compiler.is_compiling():
            return _filled(x, columns, means, count, slack, seen)
        size = max(1, ON_CARD // columns.shape[1])
        parts = (x[i : i + size] for i in range(0, max(1, len(x)), size))
        return torch.cat([_filled(part, columns, means, count, slack, seen) for part in parts])

    def _choose_among_ties(self, x: np.ndarray, out: np.ndarray, step: float) -> None:
        """Fill rows in doubt whose squares are not rounded: whom NumPy prefers is the same then."""
        doubtful = np.flatnonzero(out[:, -1] == 0)
        rows = x[doubtful] / step
        whole = ((rows == np.rint(rows)) | np.isnan(rows)).all(axis=1)
        lengths = np.nansum(np.square(rows), axis=1) + self._facts[2].max() / step**2
        doubtful = doubtful[whole & (lengths < UNROUNDED)]
        size = max(1, ON_CPU // self.columns.shape[1])
        for i in range(0, len(doubtful), size):
            some = doubtful[i : i + size]
            out[some, :-1] = self._by_numpy(x[some])
            out[some, -1] = 1

    def _by_numpy(self, x: np.ndarray) -> np.ndarray:
        """Rows filled by the operations, in the order, that the library has."""
        holed, empty, _ = self._facts
        squares = donors_numba.squares_of(x, self.columns, holed)
        distances, filled = np.sqrt(np.where(np.isinf(squares), np.nan, squares)), x.copy()
        for column in range(len(self.columns)):
            lacking, donors = np.isnan(x[:, column]), ~np.isnan(self.columns[column])
            if empty[column]:
                filled[:, column] = self.means[column]
            elif lacking.any():
                far, values = distances[lacking][:, donors], self.columns[column, donors]
                k = min(self.count, len(values))
                at = np.argpartition(far, k - 1, axis=1)[:, :k]
                with np.errstate(divide="ignore", invalid="ignore"):
                    weights = self._weights(np.take_along_axis(far, at, 1))
                    mean = (weights * values[at]).sum(axis=1) / weights.sum(axis=1)
                filled[lacking, column] = np.where(np.isnan(mean), self.means[column], mean)
        return filled

    def _weights(self, distances: np.ndarray) -> np.ndarray:
        if not self.seen:
            return (~np.isnan(distances)).astype(np.float64)
        weights = 1 / distances
        endless = np.isinf(weights)
        weights = np.where(endless.any(axis=1, keepdims=True), endless, weights)
        return np.where(np.isnan(weights), 0.0, weights)

    @cached_property
    def _step(self) -> float | None:
        """Of what all values of fixed rows are multiples, so few that squares are not rounded."""
        if self.slack >= ROUNDING:
            return None
        values = np.where(np.isnan(self.columns), 0.0, self.columns)
        for step in STEPS:
            if (values / step == np.rint(values / step)).all():
                return step if self._facts[2].max() / step**2 < UNROUNDED else None
        return None

    @cached_property
    def _facts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which columns have NaN, and nothing else, and the squared lengths of the fixed rows."""
        missing = np.isnan(self.columns)
        norms = np.where(missing, 0.0, np.square(self.columns)).sum(axis=0)
        return missing.any(axis=1), missing.all(axis=1), norms

    @cached_property
    def _sums_are_exact(self) -> bool:
        """Whether values are so few bits that no order of adding them rounds: one mean for all."""
        if self.seen or self.count == 1:
            return not self.seen
        values = np.where(np.isnan(self.columns), 0.0, self.columns)
        most = np.abs(values).max(axis=1, initial=0.0) * self.count
        shift = 52 - np.frexp(most)[1]
        scaled = np.ldexp(values, shift[:, None])
        return bool((scaled == np.rint(scaled)).all())


def _filled(
    x: Tensor, columns: Tensor, means: Tensor, count: int, slack: float, seen: float
) -> Tensor:
    """The same by products of matrices and `topk`, for all columns of all rows."""
    width = columns.shape[0]
    absent, lacking = x.isnan(), columns.isnan()
    row, fixed = torch.where(absent, 0.0, x), torch.where(lacking, 0.0, columns)
    have, has = (~absent).to(x.dtype), (~lacking).to(x.dtype)
    length, norms = row.square().sum(dim=1, keepdim=True), fixed.square().sum(dim=0)
    known = have @ has
    squares = (row.square() @ has - 2 * (row @ fixed) + have @ fixed.square()).clamp(min=0)
    squares = torch.where(known > 0, squares / known.clamp(min=1) * width, torch.inf)
    off = slack * width * (length + norms) / known.clamp(min=1) + LEAST
    sure, empty = (length + norms.max() < LARGEST)[:, 0], lacking.all(dim=1)
    filled = []
    for column in range(width):
        here = torch.where(lacking[column], torch.inf, squares)
        mean, well = _mean_of_nearest(here, off, fixed[column], count, seen)
        mean = torch.where(mean.isnan(), means[column], mean)
        value = torch.where(absent[:, column], mean, row[:, column])
        filled.append(torch.where(empty[column], means[column], value))
        sure = sure & (well | ~absent[:, column] | empty[column])
    sure = sure | ~(absent & ~empty).any(dim=1)
    return torch.stack([*filled, sure.to(x.dtype)], dim=1)


def _mean_of_nearest(
    squares: Tensor, off: Tensor, values: Tensor, count: int, seen: float
) -> tuple[Tensor, Tensor]:
    """The mean of the values of the nearest, NaN if there are none, and whether it is sure."""
    top, at = squares.topk(min(count, squares.shape[1]), dim=1, largest=False)
    there, given, off_by = top < torch.inf, values[at], off.gather(1, at)
    reach = torch.where(there, top + off_by, -torch.inf).amax(dim=1, keepdim=True)
    chosen = torch.zeros_like(squares, dtype=torch.bool).scatter(1, at, True)
    lowest = torch.where(chosen, torch.inf, squares - off)
    rival = lowest <= reach
    nearest_other = torch.where(rival, lowest, torch.inf).amin(dim=1, keepdim=True)
    close = there & (top + off_by >= nearest_other)
    most = torch.maximum(_most(values, rival), _most(given, close))
    least = -torch.maximum(_most(-values, rival), _most(-given, close))
    sure = ~rival.any(dim=1) | (most == least)
    if not seen:
        return torch.where(there, given, 0.0).sum(dim=1) / there.sum(dim=1), sure
    weights = torch.where(there & (top > 0), 1 / top.sqrt(), 0.0)
    mean = (weights * given).sum(dim=1) / weights.sum(dim=1)
    same = _most(given, there) == -_most(-given, there)
    off_by = donors_numba.USUAL * off_by
    moved = torch.where(there, off_by * weights / (2 * top), 0.0)
    moved = (moved * (given - mean[:, None]).abs()).sum(dim=1)
    linear = (~there | (top > LINEAR * off_by)).all(dim=1)
    well = (
        same | ~there.any(dim=1) | (linear & (moved <= seen * (weights * given.abs()).sum(dim=1)))
    )
    return torch.where(same, given[:, 0], mean), sure & well


def _most(values: Tensor, where: Tensor) -> Tensor:
    return torch.where(where, values, -torch.inf).amax(dim=1)
