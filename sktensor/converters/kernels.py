"""What kernel machines share: sums over fixed rows of a kernel, and how far rounding moves them.

A kernel of many fixed rows is a product of matrices and a function of each value, where libraries
take one pair of rows after the other. Distances come of `|x|^2 + |s|^2 - 2 x s`, which is off by
more than a sum of squared differences is: by how much is part of what each sum knows of itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
import torch
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.preprocessing import normalize
from torch import Tensor

from ..ops import Arith, Concat, Finite, Map, MatMul, Op, Provided, RowSum, cast, exp, tanh
from ..ops.conditions import EPS, Below
from ..ops.elementwise import one_where_zero
from .linear import holds_for_some
from .registry import Unsupported
from .validation import numpy_dtype

WELL_KNOWN = Below(1e-10)  # by how much rounding may move a value, in what values may be
DECIDED = Below(1.0)  # the same, in the value: no sign is turned
MOST_ALONE = 8  # products with more columns take less time at once than one by one
CANCELLED = "sums of a kernel whose terms cancel, so that rounding shows"
LOOKED_AT = 64  # fixed rows that tell how large sums are
LONGEST = 1e200  # squares of lengths that are multiplied
HIGHEST = 16  # degree of a polynomial


@dataclass(frozen=True)
class _Power:
    """`x ** degree`."""

    degree: int

    def __call__(self, x: Tensor) -> Tensor:
        return x**self.degree


@dataclass(frozen=True)
class Kernel:
    """`k(x, s)` for every fixed row s, a column each, and what is known of its rounding.

    Both we and the library round what the kernel is a function of, each of `terms` terms at most
    once. `moved` says by how many `terms * eps` that moves `|weight| @ k`, together, from the op
    of `|weight| @ |k|` and the weight (n_fixed, 1).
    """

    values: Op
    positive: bool
    terms: int
    moved: Callable[[Op, np.ndarray], Op]


def rbf(x: Op, rows: np.ndarray, gamma: float, *, centred: bool) -> Kernel:
    """`exp(-gamma |x - s|^2)`."""
    return radial(x, rows, -gamma, exp, 1.0, centred=centred)


def radial(
    x: Op,
    rows: np.ndarray,
    scale: float,
    fn: Callable[[Tensor], Tensor],
    steepness: float,
    *,
    centred: bool,
) -> Kernel:
    """`fn(scale |x - s|^2)`, whose slope is at most `steepness` times its value.

    `centred` moves rows to the mean of the fixed ones beforehand. So it should be where the library
    looks at differences, which do not depend on where rows lie.
    """
    if centred:
        mean = rows.mean(axis=0)
        x, rows = x - mean, rows - mean
    squares = squares_of(x)
    lengths = np.square(rows).sum(axis=1)
    weight = scale * np.vstack([-2 * rows.T, np.ones(len(rows)), lengths])
    distances = MatMul(_beside(x, squares, squares, _ones(squares)), weight)
    # Terms add up to at most twice `|x|^2 + |s|^2`, in the library's order and in ours.
    steep = 4 * abs(scale) * steepness
    reach = squares * steep + steep * float(lengths.max())
    return Kernel(Map(distances, fn), True, len(weight), lambda sizes, _: _times(reach, sizes))


def polynomial(x: Op, rows: np.ndarray, gamma: float, coef0: float, degree: float) -> Kernel:
    """`(gamma x s + coef0) ** degree`."""
    if degree != int(degree) or not 1 <= degree <= HIGHEST:
        raise Unsupported("a polynomial of a degree that is no small whole number")
    power = int(degree)
    base, length = _bases(x, rows, gamma, coef0)
    furthest = float(np.linalg.norm(rows, axis=1).max())
    reach = length * (2 * power * abs(gamma) * furthest) + 2 * power * abs(coef0)

    def moved(sizes: Op, weight: np.ndarray) -> Op:
        # Of power means: sum w |b|^(p - 1) <= (sum w)^(1 / p) (sum w |b|^p)^((p - 1) / p).
        slopes = _Root((power - 1) / power, float(weight.sum()) ** (1 / power))
        return _times(reach, Map(sizes, slopes))

    values = base if power == 1 else Map(base, _Power(power))
    return Kernel(values, power % 2 == 0, rows.shape[1] + 1, moved)


def sigmoid(x: Op, rows: np.ndarray, gamma: float, coef0: float) -> Kernel:
    """`tanh(gamma x s + coef0)`, nowhere steeper than what it is a function of."""
    base, length = _bases(x, rows, gamma, coef0)
    lengths = np.linalg.norm(rows, axis=1)

    def moved(_: Op, weight: np.ndarray) -> Op:
        slope = 2 * abs(gamma) * float((lengths @ weight).sum())
        return length * slope + 2 * abs(coef0) * float(weight.sum())

    return Kernel(Map(base, tanh), False, rows.shape[1] + 1, moved)


@dataclass(frozen=True)
class _Root:
    """`scale x ** exponent` of what is not negative."""

    exponent: float
    scale: float

    def __call__(self, x: Tensor) -> Tensor:
        return self.scale * x.clamp(min=0) ** self.exponent


def _bases(x: Op, rows: np.ndarray, gamma: float, coef0: float) -> tuple[Op, Op]:
    """`gamma x s + coef0` for every fixed row s, and the length of x."""
    squares = squares_of(x)
    weight = np.vstack([gamma * rows.T, np.full(len(rows), float(coef0))])
    return MatMul(_beside(x, squares, _ones(squares)), weight), Map(squares, torch.sqrt)


def squares_of(x: Op) -> Op:
    """The squared length of each row."""
    return RowSum(Map(x, torch.square))


def _ones(squares: Op) -> Op:
    return Map(squares, torch.ones_like)


def _beside(x: Op, squares: Op, *columns: Op) -> Op:
    """The rows with columns for what does not depend on them, or only on their length.

    The guard also keeps a shift of the columns out of the product, which it would make less exact.
    """
    return Provided(Concat((x, *columns)) if columns else x, squares, Below(LONGEST))


def _times(x: Op, y: Op) -> Op:
    return Arith(torch.mul, x, y)


@dataclass(frozen=True)
class Sums:
    """`weight @ k(x, rows) + offset`, and what rounding may do to it.

    Magnitudes are in units of `usual`: how large some values of each output are.
    """

    result: Op
    usual: np.ndarray  # (n_outputs,)
    sizes: Op  # the sums of the terms' magnitudes
    moved: Op  # by how many `terms[1] * eps` sums are off already when they are taken
    terms: tuple[int, int]  # added up for a sum, and in each of them
    offset: float
    alone: bool = False  # whether the library adds them up row by row, whatever the others are

    @cached_property
    def values(self) -> Op | None:
        """The sums, where rounding is far from what answers may be apart; None where it is not."""
        # Of many values a look at each takes longer than what it finds is worth.
        few = (self.result.width or 1) <= MOST_ALONE
        share = Arith(torch.div, self._off, self._in_units + 1) if few else self._off
        values = Provided(self.result, share, WELL_KNOWN, self.alone)
        return values if holds_for_some(values) else None

    def known_to(self, limits: np.ndarray) -> Op | None:
        """The sums, where rounding moves each by less than its limit; None where it does not."""
        limit = float((limits / self.usual).min())
        values = Provided(self.result, self._off, Below(limit), self.alone)
        return values if holds_for_some(values) else None

    @cached_property
    def _off(self) -> Op:
        """About what rounding comes to.

        Roundings go up as well as down: those of n terms come to some `sqrt(n) eps` of their sizes.
        """
        return self.sizes * (EPS * (4 + sqrt(self.terms[0]) / 4)) + self.moved * EPS

    @cached_property
    def signs(self) -> Op:
        """The sums, where rounding changes no sign, however terms are ordered."""
        n, inner = (terms + 16 for terms in self.terms)
        off = self.sizes * (2 * EPS * n) + self.moved * (EPS * inner) + 4 * EPS * self.offset
        share = Arith(torch.div, off, self._in_units)
        return Provided(self.result, share, DECIDED, self.alone)

    @cached_property
    def _in_units(self) -> Op:
        return Map(self.result, torch.abs) / self.usual


def sums(kernel: Kernel, weight: np.ndarray, offset: Any, usual: np.ndarray) -> Sums:
    """The sums with weights (n_fixed, n_outputs), whose values usually are as large as `usual`."""
    largest = np.abs(weight / usual).max(axis=1, keepdims=True)
    magnitudes = kernel.values if kernel.positive else Map(kernel.values, torch.abs)
    sizes = _products(magnitudes, largest)
    offsets = np.broadcast_to(np.asarray(offset, np.float64), usual.shape)
    return Sums(
        Finite(_plus(_products(kernel.values, weight), offsets)),
        usual,
        sizes,
        kernel.moved(sizes, largest),
        (len(weight), kernel.terms),
        float(np.abs(offsets / usual).max()),
    )


def linear_sums(
    x: Op, rows: np.ndarray, weight: np.ndarray, offset: Any, usual: np.ndarray
) -> Sums:
    """The same of the kernel `x s`, with the fixed rows added up beforehand.

    `sum w |x s| <= sqrt(sum w) sqrt(sum w (x s)^2) = |R x|`, where `R'R = sum(w) sum w s s'`.
    """
    squares = squares_of(x)
    x = _beside(x, squares)
    largest = np.abs(weight / usual).max(axis=1)
    heavy = np.sqrt(largest.sum() * largest)[:, None] * rows
    triangle: np.ndarray = np.linalg.qr(heavy, mode="r")  # type: ignore[assignment]
    offsets = np.broadcast_to(np.asarray(offset, np.float64), usual.shape)
    return Sums(
        Finite(_plus(MatMul(x, np.ascontiguousarray(rows.T @ weight)), offsets)),
        usual,
        Map(squares_of(MatMul(x, np.ascontiguousarray(triangle.T))), torch.sqrt),
        Map(squares, torch.sqrt) * float(2 * np.linalg.norm(rows, axis=1) @ largest),
        rows.shape,
        float(np.abs(offsets / usual).max()),
    )


def _plus(x: Op, offsets: np.ndarray) -> Op:
    return x + offsets if offsets.any() else x


def _products(x: Op, weight: np.ndarray) -> Op:
    """`x @ weight`; few columns one by one."""
    n = weight.shape[1]
    if n > MOST_ALONE:
        return MatMul(x, np.ascontiguousarray(weight))
    return Concat(tuple(MatMul(x, np.ascontiguousarray(weight[:, k])) for k in range(n)))


def kernel_sums(
    kind: str,
    x: Op,
    rows: np.ndarray,
    weight: np.ndarray,
    offset: Any,
    *,
    gamma: float | None,
    coef0: float,
    degree: float,
    centred: bool = False,
    alone: bool = False,
) -> Sums:
    """The sums of a kernel that scikit-learn has a name for (`sklearn.metrics.pairwise`)."""
    if numpy_dtype(x) == np.float32 == rows.dtype:
        raise Unsupported("a kernel in float32")
    x, rows = cast(x, torch.float64), np.asarray(rows, np.float64)
    gamma = 1.0 / rows.shape[1] if gamma is None else float(gamma)
    parameters = {"gamma": gamma, "coef0": coef0, "degree": degree}
    if kind not in ("linear", "cosine", "rbf", "poly", "polynomial", "sigmoid"):
        raise Unsupported("a kernel of another kind")
    known = pairwise_kernels(some(rows), rows, kind, filter_params=True, **parameters)
    large = usual(known, weight, offset)
    if kind == "cosine":
        lengths = Map(squares_of(x), torch.sqrt)
        x, rows = Arith(torch.div, x, Map(lengths, one_where_zero)), normalize(rows)
    if kind in ("linear", "cosine"):
        return replace(linear_sums(x, rows, weight, offset, large), alone=alone)
    if kind == "rbf":
        kernel = rbf(x, rows, gamma, centred=centred)
    elif kind == "sigmoid":
        kernel = sigmoid(x, rows, gamma, coef0)
    else:
        kernel = polynomial(x, rows, gamma, coef0, degree)
    return replace(sums(kernel, weight, offset, large), alone=alone)


def some(rows: np.ndarray) -> np.ndarray:
    """Fixed rows that tell how large sums are."""
    return rows[:: max(1, len(rows) // LOOKED_AT)]


def usual(kernel: np.ndarray, weight: np.ndarray, offset: Any) -> np.ndarray:
    """The largest magnitude of each sum among some rows, of which `kernel` is known."""
    largest = np.abs(kernel @ weight + offset).max(axis=0)
    if not (np.isfinite(largest).all() and (largest > 0).all()):
        raise Unsupported("sums of a kernel that are nothing, or too large")
    return np.asarray(largest, np.float64)
