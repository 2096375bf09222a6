"""Distances from centers, as far as rounding leaves them known."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from .base import Op
from .rows import by_row


@dataclass(frozen=True, eq=False)
class CenterDistances(Op):
    """`sqrt(|x|^2 + |c|^2 - 2 x c)` for every center c."""

    x: Op
    centers: np.ndarray = field(repr=False)  # (n, x.width) float64

    @property
    def width(self) -> int:
        return len(self.centers)

    @property
    def dtype(self) -> torch.dtype:
        return torch.float64

    @property
    def exact(self) -> bool:
        return False

    def forward(self, x: Tensor, centers: Tensor) -> Tensor:
        if x.device.type == "cpu" and not torch.compiler.is_compiling() and not x.requires_grad:
            product, lengths = map(torch.from_numpy, self._constants)
            return torch.from_numpy(_rooted(torch.addmm(lengths, x, product).numpy(), x.numpy()))
        squares = x.square().sum(dim=1, keepdim=True) + centers.square().sum(dim=1)
        return (squares - 2 * (x @ centers.T)).sqrt()

    def few(self, x: np.ndarray) -> np.ndarray:
        """The same by NumPy."""
        product, lengths = self._constants
        out = x.dot(product)
        out += lengths
        return _rooted(out, x)

    @cached_property
    def _constants(self) -> tuple[np.ndarray, np.ndarray]:
        lengths = np.einsum("ij,ij->i", self.centers, self.centers)
        return np.ascontiguousarray(-2.0 * self.centers.T), lengths


def _rooted(out: np.ndarray, x: np.ndarray) -> np.ndarray:
    """`sqrt(out + |x|^2)`, by NumPy, which has the sums of squares at one look."""
    with np.errstate(all="ignore"):
        out += np.einsum("ij,ij->i", x, x)[:, None]
        return np.sqrt(out, out=out)  # NaN below 0, which is as little known as 0 is


@dataclass(frozen=True)
class SeenTogether:
    """Whether it does not show, beside a row's largest distance D, how far each distance d is off.

    A square is off by `eps (|x|^2 + |c|^2)` times some number, and d by half of that over d. By
    `|x|^2 <= 2 (D^2 + |c|^2)`, that is no part of D that shows where

        d D > slack (2 D^2 + 3 |c|^2)

    for the largest |c|^2. No D is below `least`, half the way from one center to another.
    """

    slack: float
    largest: float
    least: float

    def __call__(self, distances: Tensor) -> Tensor:
        if distances.device.type == "cpu" and not torch.compiler.is_compiling():
            return torch.tensor(self.few(distances.numpy()))
        most = distances.amax(dim=1, keepdim=True)
        far = self.slack * (2 * most.square() + 3 * self.largest)
        return distances.amin(dim=1, keepdim=True) * most > far

    def few(self, distances: np.ndarray) -> bool:
        if not len(distances):
            return True
        nearest, farthest = float(distances.min()), float(distances.max())
        # All rows at one look: what must be reached is convex in D, and so largest at an end.
        if all(nearest > self._reach(most) for most in (self.least, farthest)):
            return True
        most = by_row(np.maximum, distances)
        far = self.slack * (2 * most * most + 3 * self.largest)
        return bool((by_row(np.minimum, distances) * most > far).all())

    def _reach(self, most: float) -> float:
        return self.slack * (2 * most + 3 * self.largest / most) if most > 0 else np.inf
