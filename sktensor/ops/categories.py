"""Ops of the host that look values up: strings and other objects never enter torch."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from ..table import Signature, Table
from .base import Op
from .host import Retreat


@dataclass(frozen=True, eq=False)
class Lookup(Op):
    """Each value's position among its column's categories, -1 for any other value.

    One hash lookup a cell; a pandas categorical looks up its few categories and no cell.
    """

    x: Op
    categories: tuple[np.ndarray, ...] = field(repr=False)
    strict: bool = False  # an unknown value is the native method's to refuse

    @property
    def width(self) -> int:
        return len(self.categories)

    @property
    def dtype(self) -> torch.dtype:
        return torch.int64

    @property
    def on_host(self) -> bool:
        return True

    def forward(self, x: Table, *_: Any) -> np.ndarray:
        codes = np.empty((len(x), len(self.categories)), np.int64, order="F")
        for j, known in enumerate(self._dictionaries()):
            codes[:, j] = known.codes(x.column(j))
        if self.strict and codes.min(initial=0) < 0:
            raise Retreat("unknown categories")
        return codes

    def _dictionaries(self) -> list[Dictionary]:
        made = self.__dict__.get("_made")
        if made is None:
            made = [Dictionary(c) for c in self.categories]
            object.__setattr__(self, "_made", made)
        return made


class Dictionary:
    """One column's categories, as a hash table."""

    def __init__(self, categories: np.ndarray):
        values = categories.tolist()
        self._nan = next((i for i, v in enumerate(values) if _is_nan(v)), -1)
        self._code = {v: i for i, v in enumerate(values) if not _is_nan(v)}
        self._texts = [v for v in values if isinstance(v, str)]
        self._text_codes = np.array([self._code[v] for v in self._texts], np.int64)
        self._index: Any = None
        self._arrow: Any = None

    def codes(self, column: Any) -> np.ndarray:
        """The code of every value of a column, an array of NumPy's or of pandas'."""
        if hasattr(column, "categories") and hasattr(column, "codes"):
            known = self.codes(np.asarray(column.categories, dtype=object))
            return np.append(known, self._nan)[np.asarray(column.codes)]
        if hasattr(column, "__arrow_array__") and "pyarrow" in sys.modules:
            codes = self._of_arrow(column)
            if codes is not None:
                return codes
        return self._of_objects(np.asarray(column, dtype=object))

    def _of_arrow(self, column: Any) -> np.ndarray | None:
        """By Arrow's own hash table, if it is a column of strings."""
        import pyarrow as pa
        import pyarrow.compute as pc

        values = column.__arrow_array__()
        if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
            return None
        if values.null_count and getattr(column.dtype, "na_value", None) is not np.nan:
            raise Retreat("pandas.NA")
        if self._arrow is None or self._arrow.type != values.type:
            self._arrow = pa.array(self._texts, values.type)
        found = pc.fill_null(pc.index_in(values, value_set=self._arrow), -1)
        codes = np.append(self._text_codes, -1)[found.to_numpy(zero_copy_only=False)]
        if values.null_count:
            codes[pc.is_null(values).to_numpy(zero_copy_only=False)] = self._nan
        return codes

    def _of_objects(self, values: np.ndarray) -> np.ndarray:
        try:
            get = self._code.get
            codes = np.fromiter((get(v, -1) for v in values), np.int64, len(values))
            for i in np.flatnonzero(codes < 0):
                if _is_nan(values[i]):
                    codes[i] = self._nan
                elif type(values[i]).__name__ == "NAType":
                    raise Retreat("pandas.NA")
        except TypeError as error:  # what cannot be hashed
            raise Retreat(str(error)) from error
        return codes


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


@dataclass(frozen=True, eq=False)
class FillObjects(Op):
    """A table of objects with a value of its column's wherever one is missing."""

    x: Op
    marker: Any
    values: tuple[Any, ...]

    @property
    def width(self) -> int:
        return len(self.values)

    @property
    def dtype(self) -> None:
        return None

    @property
    def signature(self) -> Signature:
        return Signature(self.width, None, ("object",) * self.width)

    @property
    def on_host(self) -> bool:
        return True

    def forward(self, x: Table, *_: Any) -> Table:
        filled = np.empty((len(x), self.width), object)
        nan_marks = _is_nan(self.marker)
        for j, value in enumerate(self.values):
            filled[:, j] = np.asarray(x.column(j), dtype=object)
            column = filled[:, j]
            try:
                nan = np.asarray(column != column, dtype=bool)
                missing = nan if nan_marks else np.asarray(column == self.marker, dtype=bool)
            except (TypeError, ValueError) as error:  # pandas.NA is neither equal nor unequal
                raise Retreat(str(error)) from error
            if nan.any() and not nan_marks:
                raise Retreat("NaN")
            column[missing] = value
        return Table.of(filled)
