"""The ways that an array's columns have come: from columns of another op, through column maps."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from ..table import NUMPY_DTYPES
from .arithmetic import Map
from .base import Guard, Op, column_count
from .column_maps import DEFINED, maps_columns, read_by
from .columns import Between, Cast, Concat, Defined, Finite, Named, Select
from .encode import OneHot
from .order import bounds, rank
from .thresholds import Domain, Tests, pulled, through, whole_domain

FLOATS = (torch.float32, torch.float64)
MOST_CODES = 2**24  # up to which every code is a float32


@dataclass(frozen=True)
class Path:
    """Columns that take one way, from columns of an op through maps and guards."""

    base: Op
    at: np.ndarray  # (k,) columns of the base
    steps: tuple[tuple[Op, np.ndarray], ...]  # each step, and which columns of it these are
    out: np.ndarray  # (k,) columns of the result

    def after(self, step: Op) -> Path:
        return replace(self, steps=(*self.steps, (step, self.out)))

    def take(self, which: np.ndarray, out: np.ndarray) -> Path:
        steps = tuple((op, columns[which]) for op, columns in self.steps)
        return Path(self.base, self.at[which], steps, out)

    def begun(self, n: int) -> Path:
        """The path without its first n steps."""
        if n == 0:
            return self
        # What a function is defined for is only known with what it makes of the rest.
        while n < len(self.steps) and isinstance(self.steps[n][0], Defined):
            n += 1
        base, at = self.steps[n - 1]
        return Path(base, at, self.steps[n:], self.out)

    def after_any(self, ops: Collection[Op]) -> Path:
        """The path from the last of some ops on, if it comes by one."""
        passed = [i for i, (op, _) in enumerate(self.steps) if op in ops]
        return self.begun(passed[-1] + 1) if passed else self

    def narrowed(self, dtype: torch.dtype, coded: bool = False) -> Path:
        """The path from the first op on whose floats are not wider than `dtype`.

        Indicators are, whatever their dtype, if they are to be read as codes.
        """
        if coded and isinstance(self.base, OneHot) and max(self.base.sizes) < MOST_CODES:
            return self
        narrow = FLOATS if dtype == torch.float64 else (dtype,)
        dtypes = [self.base.dtype, *(op.dtype for op, _ in self.steps)]
        return self.begun([found in narrow for found in dtypes].index(True))

    @property
    def maps(self) -> list[tuple[Op, np.ndarray]]:
        return [(op, columns) for op, columns in self.steps if not isinstance(op, Guard)]

    @property
    def guards(self) -> list[Op]:
        return [op for op, _ in self.steps if isinstance(op, Guard)]

    @property
    def changes_values(self) -> bool:
        """Whether it does more than make floats wider."""
        before = [self.base.dtype, *(op.dtype for op, _ in self.steps)]
        return any(
            not isinstance(op, Guard) and not (isinstance(op, Cast) and (old, op.to) == FLOATS)
            for old, (op, _) in zip(before, self.steps, strict=False)
        )

    @cached_property
    def domains(self) -> list[Domain]:
        """What may come before each step, as far as no step makes NaN of numbers; then the last."""
        assert self.base.dtype is not None
        found = [whole_domain(NUMPY_DTYPES[self.base.dtype], len(self.at))]
        for step, columns in self.steps:
            guards = isinstance(step, Guard)
            new = (passed if guards else through)(step, columns, found[-1])
            if new is None:
                break
            found.append(new)
        return found

    def back(self, tests: Tests) -> Tests | int:
        """Tests of the path's end as tests of its beginning; or a step that keeps them from it."""
        domains = self.domains
        if len(domains) <= len(self.steps):
            return len(domains) - 1
        for i in reversed(range(len(self.steps))):
            step, columns = self.steps[i]
            if not isinstance(step, Guard):
                found = pulled(step, columns, domains[i], tests)
                if found is None:
                    return i
                tests = found
        return tests


def passed(guard: Op, columns: np.ndarray, domain: Domain) -> Domain:
    """The domain within what a guard lets pass."""
    low, high = limits(guard, columns, domain.dtype)
    return replace(domain, low=np.maximum(domain.low, low), high=np.minimum(domain.high, high))


def limits(guard: Op, columns: np.ndarray, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """The ranks of the lowest and the highest numbers that a guard lets pass."""
    if isinstance(guard, Between):
        return rank(guard.low[columns]), rank(guard.high[columns])
    low, high = bounds(dtype)
    inside = 1 if dtype.kind == "f" else 0
    return np.full(len(columns), low + inside), np.full(len(columns), high - inside)


def lets_nan_pass(guard: Op) -> bool:
    return isinstance(guard, Defined) or (isinstance(guard, Finite | Between) and guard.allow_nan)


def paths(op: Op) -> list[Path]:
    """The ways that the columns of an array have come."""
    if isinstance(op, Finite) or (isinstance(op, Between) and op.of is op.x):
        return [p.after(op) for p in paths(op.x)]
    if isinstance(op, Defined) and isinstance(op.x, Map) and op.x.x is op.of and op.of.width:
        known = _within(op.x)
        return [p.after(known).after(op.x).after(op) for p in paths(op.of)]
    if isinstance(op, Named):
        return paths(op.x)
    if isinstance(op, Select):
        return _selected(paths(op.x), op.columns)
    if isinstance(op, Concat):
        return _side_by_side(op)
    if op.width is not None and maps_columns(op):
        x = read_by(op)
        if x.width == op.width and x.dtype is not None:
            return [p.after(op) for p in paths(x)]
    every = np.arange(column_count(op))
    return [Path(op, every, (), every)]


def _within(op: Map) -> Op:
    """The function's rows, where it is defined."""
    x = op.x
    assert x.dtype is not None
    dtype = NUMPY_DTYPES[x.dtype]
    low, from_it_on = DEFINED.get(op.fn, (-np.inf, True))
    least = np.full(x.width or 0, low, dtype)
    if not from_it_on:
        least = np.nextafter(least, dtype.type(np.inf))
    return Between(x, x, least, np.full(len(least), np.inf, dtype), True)


def _side_by_side(op: Concat) -> list[Path]:
    found, start = [], 0
    for x in op.xs:
        for path in paths(x):
            path = path if x.dtype == op.dtype else path.after(Cast(x, op.dtype))
            found.append(replace(path, out=path.out + start))
        start += column_count(x)
    return found


def _selected(found: list[Path], columns: np.ndarray) -> list[Path]:
    kept = []
    for path in found:
        place = {int(c): i for i, c in enumerate(path.out)}
        pairs = [(place[int(c)], j) for j, c in enumerate(columns) if int(c) in place]
        if pairs:
            which, out = np.array(pairs).T
            kept.append(path.take(which, out))
    return kept
