"""How likely rows are in each of some Gaussian distributions, and what is made of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..graph import evaluate
from ..ops import (
    Arith,
    Cast,
    Column,
    Concat,
    Finite,
    Map,
    MatMul,
    Op,
    Retreat,
    RowSum,
    Select,
    SquaredDistances,
    Trusted,
)
from ..ops.conditions import EPS
from ..ops.likelihoods import SEEN
from .linear import plus
from .registry import Unsupported, current_conversion

MOST_COLUMNS = 512  # of a product for several distributions at once
NEAR = 16.0  # times its spread, how far a column may lie from 0 for its mean to come off later
MOST_FOLDED = 64.0  # times the length of weights, what folding a scaler may add to their terms


@dataclass(frozen=True)
class Likelihoods:
    """The logarithms of rows' likelihoods, and by what each is off, as `Trusted` has it.

    How far off they usually are decides on digits, and how far they are at the most on labels.
    """

    logs: Op
    reach: Op | None
    constants: np.ndarray  # (logs.width,)
    bases: tuple[np.ndarray, np.ndarray]  # (logs.width,), as a rule and at the most
    times: tuple[float, float]
    n: int

    @property
    def best(self) -> Op:
        """The logarithms, where rounding cannot change which is largest."""
        return self._trusted(self.logs, 1, "best")

    def trusted(self, x: Op, of: str) -> Op:
        """`x`, made of the logarithms, where it does not show that they are off."""
        if not (EPS * self.bases[0] < SEEN).all():
            raise Unsupported("likelihoods that lose digits to cancellation")
        answer = self._trusted(x, 0, of)
        if not self._holds_for_most(answer):
            raise Unsupported("likelihoods that lose digits to cancellation")
        return answer

    def _holds_for_most(self, answer: Trusted) -> bool:
        """Whether most of the first rows are not answered natively, as all others would be then."""
        sample = current_conversion().sample
        if sample is None:
            return True
        try:
            read = [evaluate(op, sample) for op in (self.logs, self.reach) if op is not None]
        except Exception:  # rows that are refused say nothing of others
            return True
        if not np.isfinite(read[0]).all():
            return True
        refused = 0
        for i in range(len(read[0])):
            try:
                answer.few(read[0], *(values[i : i + 1] for values in read))
            except Retreat:
                refused += 1
        return 2 * refused <= max(4, len(read[0]))

    def _trusted(self, x: Op, which: int, of: str) -> Trusted:
        base, times = self.bases[which], self.times[which]
        return Trusted(x, self.logs, self.reach, self.constants, base, self.n, times, of)


def of_factors(
    x: Op,
    factors: Sequence[np.ndarray],
    shifts: np.ndarray,
    centres: np.ndarray,
    constants: np.ndarray,
) -> Likelihoods:
    """`constant - |x @ factor - shift|^2 / 2` of each distribution, the shift that of its centre.

    A term of the square is off by the rounding of `|centre| |factor|` and of `|x - centre|
    |factor|`, and no more than some multiple of the square's root is the latter's length: of what
    multiple, the factor tells.
    """
    n = len(factors[0])
    weights, more = [], 1.0
    for factor, centre in zip(factors, centres, strict=True):
        spread = np.sqrt(np.square(_inverse(factor)).sum(axis=0))
        weight = (np.abs(centre) + spread * n**0.5) @ np.abs(factor)
        weights.append(weight)
        more = max(more, 1 + MOST_FOLDED * float((_lengths(factor) / weight).max()))
    logs, reach = [], []
    step = max(1, MOST_COLUMNS // n)
    for i in range(0, len(factors), step):
        part = slice(i, i + step)
        product = MatMul(x, np.ascontiguousarray(np.hstack(factors[part])))
        squares = SquaredDistances(product, shifts[part], np.square(weights[part]))
        k = squares.width // 2
        logs.append(Select(squares, np.arange(k)) * -0.5)
        reach.append(Select(squares, np.arange(k, 2 * k)))
    known = Finite(plus(_beside(logs), constants))
    bases = 8 * np.abs(constants)
    most = 2.0 * (n + 4) * n**0.5 * (more if may_be_folded(x) else 1.0)
    return _checked(
        Likelihoods(known, _beside(reach), constants, (bases, n * bases), (1.0, most), n)
    )


def of_diagonals(
    x: Op, precisions: np.ndarray, slopes: np.ndarray, centres: np.ndarray, constants: np.ndarray
) -> Likelihoods:
    """`constant + x @ slope - x^2 @ precision / 2` of each distribution, (n, columns) each.

    The slope is `centre * precision`: this is the square of a difference, but for the order of
    its terms, all of which are off as far as the centre is from 0.
    """
    n = precisions.shape[1]
    squared = MatMul(Map(x, torch.square), np.ascontiguousarray(-0.5 * precisions.T))
    logs = MatMul(x, np.ascontiguousarray(slopes.T)) + squared
    square = (centres * centres * precisions).sum(axis=1)
    bases = 3 * square + 8 * np.abs(constants)
    folded = MOST_FOLDED * _lengths(slopes.T) if may_be_folded(x) else 0.0
    most = (n + 4) * (bases + folded)
    return _checked(
        Likelihoods(Finite(plus(logs, constants)), None, constants, (bases, most), (0.0, 0.0), n)
    )


def log_sum(logs: Op) -> Op:
    """`log(sum(exp(logs)))` of each row, one value."""
    largest = RowSum(logs, "max")
    total = RowSum(Map(logs - largest, torch.exp))
    return Column(Map(total, torch.log) + largest, 0)


def _checked(f: Likelihoods) -> Likelihoods:
    if not (np.isfinite(f.bases).all() and np.isfinite(f.times).all()):
        raise Unsupported("likelihoods that are not finite")
    return f


def _beside(ops: Sequence[Op]) -> Op:
    return ops[0] if len(ops) == 1 else Concat(tuple(ops))


def _inverse(factor: np.ndarray) -> np.ndarray:
    n, dimensions = factor.shape
    if dimensions < n:
        raise Unsupported("a distribution of fewer dimensions than columns")
    try:
        return np.linalg.inv(factor)
    except np.linalg.LinAlgError as error:
        raise Unsupported("a distribution that has no width") from error


def _lengths(columns: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(columns, axis=0))


def may_be_folded(x: Op) -> bool:
    """Whether the rows are computed, so that products with them may be taken with what was read."""
    while isinstance(x, Finite | Cast):
        x = x.x
    return isinstance(x, Arith | MatMul | Concat)
