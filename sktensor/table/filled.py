"""Tables with their missing cells filled, and where cells are missing, as SimpleImputer does it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import Table
from .cells import Coded, is_na, is_nan, nulls_in


@dataclass(frozen=True)
class Strings:
    """A column of strings as Arrow has it, nulls being `missing`."""

    array: Any
    missing: Any

    def cells(self) -> np.ndarray:
        cells = np.empty(len(self.array), object)
        cells[:] = self.array.to_pylist()
        null = nulls_in(self.array)
        if null is not None:
            cells[null] = self.missing
        return cells


Cells = Coded | Strings | np.ndarray


def cells_of(table: Table, i: int) -> Cells:
    """One column of a table that is an array of objects to scikit-learn."""
    coded = table.coded(i)
    if coded is not None and coded.values.dtype == object:
        return coded
    strings = table.strings(i)
    return table.objects(i) if strings is None else Strings(*strings)


def is_missing(cells: Cells, missing: Any) -> np.ndarray:
    """Which cells are `missing`; ValueError or TypeError for cells that scikit-learn refuses."""
    if isinstance(cells, Coded):
        return is_missing(cells.values, missing)[cells.codes]
    if isinstance(cells, Strings):
        if isinstance(missing, str):
            return is_missing(cells.cells(), missing)
        null = nulls_in(cells.array)
        if null is None:
            return np.zeros(len(cells.array), bool)
        return null & is_missing(_one(cells.missing), missing)[0]
    if is_na(missing):
        return sys.modules["pandas"].isna(cells)
    nan = cells != cells
    if is_nan(missing):
        return nan
    if nan.any():
        raise ValueError("NaN, which is not what stands for missing")
    return np.asarray(cells == missing, bool)


def filled(cells: Cells, missing: Any, fill: Any) -> Cells:
    """The column with `fill` where `missing` was."""
    if isinstance(cells, Coded):
        return replace(cells, values=_filled(cells.values, missing, fill))
    if isinstance(cells, Strings):
        if isinstance(missing, str):
            return _filled(cells.cells(), missing, fill)
        if nulls_in(cells.array) is None:
            return cells
        return replace(cells, missing=_filled(_one(cells.missing), missing, fill)[0])
    return _filled(cells, missing, fill)


def _filled(cells: np.ndarray, missing: Any, fill: Any) -> np.ndarray:
    mask = is_missing(cells, missing)
    cells = cells.copy()
    cells[mask] = fill
    return cells


def _one(value: Any) -> np.ndarray:
    cells = np.empty(1, object)
    cells[0] = value
    return cells


class Made(Table):
    """A table of columns made on the way, an array of objects to scikit-learn."""

    def __init__(self, n_rows: int, cells: Sequence[Cells]):
        self.n_rows, self.cells = n_rows, list(cells)
        super().__init__(None, range(len(self.cells)))

    def __len__(self) -> int:
        return self.n_rows

    def select(self, columns: Sequence[int]) -> Made:
        return Made(self.n_rows, [self.cells[i] for i in columns])

    def native(self) -> np.ndarray:
        array = np.empty((self.n_rows, len(self.cells)), object)
        for i in range(len(self.cells)):
            array[:, i] = self.column(i)
        return array

    def _take(self, at: int) -> np.ndarray:
        cells = self.cells[at]
        return cells if isinstance(cells, np.ndarray) else cells.cells()

    def values(self, i: int) -> np.ndarray:
        return self.column(i)

    def objects(self, i: int) -> np.ndarray:
        return self.column(i)

    def coded(self, i: int) -> Coded | None:
        cells = self.cells[i]
        return cells if isinstance(cells, Coded) else None

    def strings(self, i: int) -> tuple[Any, Any] | None:
        cells = self.cells[i]
        return (cells.array, cells.missing) if isinstance(cells, Strings) else None
