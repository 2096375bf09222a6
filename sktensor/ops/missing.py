"""Ops of the host on missing cells: where they are, and what is put in their place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from ..table import Signature, Table
from ..table.filled import Cells, Coded, Made, Strings, cells_of, filled, is_missing
from .base import Op
from .host import Retreat, signature


@dataclass(frozen=True, eq=False)
class FillTable(Op):
    """Some columns of a table of objects, filled, and where some were missing, side by side."""

    x: Op
    missing: Any
    columns: tuple[int, ...]
    values: tuple[Any, ...]
    indicated: tuple[int, ...]

    @property
    def width(self) -> int:
        return len(self.columns) + len(self.indicated)

    @property
    def dtype(self) -> None:
        return None

    @property
    def signature(self) -> Signature:
        return Signature(self.width, kinds=("object",) * self.width)

    @property
    def on_host(self) -> bool:
        return True

    def forward(self, x: Table, *_: Any) -> Table:
        try:
            cells = _all_cells(self.x, x)
            masks = {i: is_missing(cells[i], self.missing) for i in self.indicated}
            for i in set(range(len(cells))) - set(self.columns) - set(self.indicated):
                is_missing(cells[i], self.missing)  # for the values it refuses
            made: list[Cells] = [
                filled(cells[i], self.missing, value)
                for i, value in zip(self.columns, self.values, strict=True)
            ]
        except (TypeError, ValueError) as error:
            raise Retreat(str(error)) from error
        made += [masks[i].astype(object) for i in self.indicated]
        return Made(len(x), made)


@dataclass(frozen=True, eq=False)
class MissingCells(Op):
    """Which cells of a table of objects are missing."""

    x: Op
    missing: Any = field(default=None)

    @property
    def width(self) -> int:
        return self.x.width or 0

    @property
    def dtype(self) -> torch.dtype:
        return torch.bool

    @property
    def on_host(self) -> bool:
        return True

    def forward(self, x: Table, *_: Any) -> np.ndarray:
        try:
            cells = _all_cells(self.x, x)
            return np.column_stack([is_missing(c, self.missing) for c in cells])
        except (TypeError, ValueError) as error:
            raise Retreat(str(error)) from error


def _all_cells(op: Op, table: Table) -> list[Cells]:
    """The columns of a table, where scikit-learn sees an array of objects in it."""
    kinds = signature(op).kinds or ()
    cells = [cells_of(table, i) for i in range(len(kinds))]
    plain = {"object", "str"} & set(kinds)
    if not plain and not any(isinstance(c, Coded | Strings) for c in cells):
        raise Retreat("categories that are numbers")
    return cells
