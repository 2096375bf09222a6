"""Ops of the host that look values up: strings and other objects never enter torch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..kernels.objects_numba import distinct
from ..table import Signature, Table
from ..table.cells import is_nan, nulls_in, positions_in
from ..threads import share_rows
from .base import Guard, Op
from .host import Retreat, signature

NUMBERS = "iuf"
MANY_CELLS = 5000  # of a column, from which on looking them up is worth a thread
FEW_CELLS = 1000  # up to so many, Arrow or Numba takes longer to get ready than Python to look up
# What can be looked up among any categories.
HASHED = frozenset([str, np.str_, type(None), float, int, bool, np.float64, np.int64])


@dataclass(frozen=True, eq=False)
class Lookup(Op):
    """Where each cell of a table is among its column's categories; -1 for one that is unknown.

    One hash lookup a cell at most: a column stored as codes of few values looks up those and no
    cell, and where cells share objects, as those of a file that pandas read do, each of these.
    Raises Retreat for an unknown one unless it `may_miss` some, and scikit-learn can.
    """

    x: Op
    categories: tuple[np.ndarray, ...] = field(repr=False)
    may_miss: bool

    @property
    def width(self) -> int:
        return len(self.categories)

    @property
    def dtype(self) -> torch.dtype:
        return torch.int64

    @property
    def on_host(self) -> bool:
        return True

    @cached_property
    def _finders(self) -> list[Finder]:
        return [Finder(categories) for categories in self.categories]

    def forward(self, x: Table, *_: Any) -> np.ndarray:
        codes = np.empty((len(x), self.width), np.int64)

        def find(lo: int, hi: int) -> None:
            for i in range(lo, hi):
                try:
                    codes[:, i] = self._finders[i].find(x, i, self.may_miss)
                except (TypeError, ValueError) as error:
                    raise Retreat(str(error)) from error

        # Arrow looks up without the GIL, Python does not.
        if len(x) > MANY_CELLS and all(x.strings(i) is not None for i in range(self.width)):
            share_rows(find, self.width, 1)
        else:
            find(0, self.width)
        return codes


class Finder:
    """Finds values among the categories of one column."""

    def __init__(self, categories: np.ndarray):
        self.categories = categories
        self.by_hash = _Positions(categories)

    def find(self, table: Table, i: int, may_miss: bool) -> np.ndarray:
        """The positions of a column's cells."""
        coded = table.coded(i)
        if coded is not None:
            found = self.among(coded.values)[coded.codes]
            return self._checked(found, coded.values.dtype, may_miss)
        strings = table.strings(i)
        if strings is not None:
            among = self.among_strings(*strings)
            if among is not None:
                return self._checked(among, np.dtype(object), may_miss)
        values = table.values(i)
        return self._checked(self.among(values), values.dtype, may_miss)

    def check(self, table: Table, i: int) -> None:
        """Retreat where `find`, which may miss some, would: by the types of cells, if that does."""
        coded = table.coded(i)
        if coded is not None:
            found, dtype = self.among(coded.values), coded.values.dtype
            known = bears_unknown(dtype, self.categories) or bool((found >= 0).all())
        elif table.strings(i) is not None:
            known = True
        else:
            values = table.values(i)
            known = values.dtype == object and set(map(type, values)) <= HASHED
        if not known:
            self.find(table, i, True)

    def _checked(self, found: np.ndarray, dtype: np.dtype, may_miss: bool) -> np.ndarray:
        if not (may_miss and bears_unknown(dtype, self.categories)) and (found < 0).any():
            raise Retreat("an unknown category")
        return found

    def among(self, values: np.ndarray) -> np.ndarray:
        """The positions of values, numbers found as numbers and all else by hash."""
        if values.dtype.kind in NUMBERS:
            return self._among_numbers(values)
        if values.dtype.kind not in "OUb":
            raise Retreat(f"categories of {values.dtype}")
        if values.dtype != object:
            return self._by_hash(values.tolist())
        if len(values) > FEW_CELLS and (found := distinct(values)) is not None:
            firsts, which = found
            return self._by_hash(values[firsts])[which]
        return self._by_hash(values)

    def _by_hash(self, cells: Collection[Any] | np.ndarray) -> np.ndarray:
        return np.fromiter(map(self.by_hash.__getitem__, cells), np.int64, len(cells))

    def _among_numbers(self, values: np.ndarray) -> np.ndarray:
        if self.categories.dtype.kind not in NUMBERS + "b":
            raise Retreat("numbers among categories that are none")
        common = comparable(values.dtype, self.categories.dtype)
        if common is None:
            raise Retreat("unsigned integers of 64 bits")
        values, known = values.astype(common), self.categories.astype(common)
        at = np.searchsorted(known, values).clip(max=len(known) - 1)
        same = known[at] == values
        if common.kind == "f":
            same |= np.isnan(values) & np.isnan(known[at])
        return np.where(same, at, -1)

    def among_strings(self, array: Any, missing: Any) -> np.ndarray | None:
        """The positions of an Arrow array's strings."""
        if len(array) <= FEW_CELLS:
            found = np.fromiter(map(self.by_hash.__getitem__, array.to_pylist()), np.int64)
        else:
            at, strings = self._strings
            positions = positions_in(strings, array)
            if positions is None:
                return None
            found = at[positions]
        null = nulls_in(array)
        if null is not None:
            found[null] = self.by_hash[missing]
        return found

    @cached_property
    def _strings(self) -> tuple[np.ndarray, list[str]]:
        """The categories that are strings, and their positions followed by -1."""
        known = [(i, str(c)) for i, c in enumerate(self.categories) if isinstance(c, str)]
        return np.array([i for i, _ in known] + [-1], np.int64), [c for _, c in known]


class _Positions(dict):
    """The position of each category, which every NaN shares."""

    def __init__(self, categories: np.ndarray):
        values = categories.tolist()
        super().__init__((value, i) for i, value in enumerate(values))
        self.nan = next((i for i, value in enumerate(values) if is_nan(value)), -1)

    def __missing__(self, key: Any) -> int:
        return self.nan if is_nan(key) else -1


def comparable(dtype: np.dtype, known: np.dtype) -> np.dtype | None:
    """The dtype that NumPy compares numbers in; None where it is not always the same."""
    if "uint64" in (dtype.name, known.name) and dtype != known:
        return None
    return np.result_type(dtype, known)


def bears_unknown(dtype: np.dtype, categories: np.ndarray) -> bool:
    """Whether scikit-learn can put the first category where an unknown value was, as it does."""
    first = categories[0]
    if dtype.kind in "iuf":
        if categories.dtype.kind not in "iufb":
            return False
        if dtype.kind == "f":
            return bool(is_nan(first) or dtype.type(first) == first)
        if is_nan(first) or first != np.trunc(first):
            return False
        limits = np.iinfo(dtype)
        return bool(limits.min <= first <= limits.max)
    if dtype.kind in "bU":
        return categories.dtype.kind in ("b" if dtype.kind == "b" else "OU")
    return True


@dataclass(frozen=True, eq=False)
class Lookable(Op):
    """The same table, where a `Lookup` that may miss some would take the cells of another one."""

    x: Op
    of: Op
    categories: tuple[np.ndarray, ...] = field(repr=False)  # a column of `of` each

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> None:
        return None

    @property
    def signature(self) -> Signature:
        return signature(self.x)

    @property
    def names(self) -> tuple[Any, ...] | None:
        return self.x.names

    @property
    def on_host(self) -> bool:
        return True

    @cached_property
    def _finders(self) -> list[Finder]:
        return [Finder(categories) for categories in self.categories]

    def forward(self, x: Table, of: Table, *_: Any) -> Table:
        for i, finder in enumerate(self._finders):
            try:
                finder.check(of, i)
            except (TypeError, ValueError) as error:
                raise Retreat(str(error)) from error
        return x


@dataclass(frozen=True, eq=False)
class AllKnown(Guard):
    """The same codes, where none is -1 in columns that may miss none."""

    may_miss: np.ndarray  # (x.width,) bool

    def holds(self, x: Tensor, *arguments: Any) -> Tensor:
        (may_miss,) = arguments
        return ((x >= 0) | may_miss).all()
