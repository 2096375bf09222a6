"""An op of the host on pandas categories, for libraries that read their codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from ..table import NUMPY_DTYPES, Table
from .base import Op
from .host import Retreat


@dataclass(frozen=True, eq=False)
class CategoryCodes(Op):
    """The codes of columns of pandas categories among those given, or else among their own.

    NaN where there is none, or where the column's own code is `missing`. `strict` takes only
    categories that are strings or int64, and none, used or not, that is not among those given.
    """

    x: Op  # a table with a column for each
    categories: tuple[list[Any] | None, ...] = field(repr=False)
    to: torch.dtype
    strict: bool = False
    missing: float = np.nan

    @property
    def width(self) -> int:
        return len(self.categories)

    @property
    def dtype(self) -> torch.dtype:
        return self.to

    @property
    def on_host(self) -> bool:
        return True

    def forward(self, x: Table, *_: Any) -> np.ndarray:
        out = np.empty((len(x), self.width), NUMPY_DTYPES[self.to])
        for i, known in enumerate(self.categories):
            column = x.column(i)
            try:
                codes = self._codes(column, known)
            except (TypeError, ValueError) as error:
                raise Retreat(str(error)) from error
            out[:, i] = codes
            out[(codes < 0) | (column.codes == self.missing), i] = np.nan
        return out

    def _codes(self, column: Any, known: list[Any] | None) -> np.ndarray:
        given = list(column.categories)
        if self.strict:
            whole = _is_int64(column.categories)
            if not given or not (whole or all(type(c) is str for c in given)):
                raise Retreat("categories that are neither strings nor int64")
            if known is not None and (
                whole == (type(known[0]) is str) or not set(known).issuperset(given)
            ):
                raise Retreat("categories other than those fitted")
        if known is None:
            return column.codes
        return column.codes if given == known else column.set_categories(known).codes


def _is_int64(categories: Any) -> bool:
    return isinstance(categories.dtype, np.dtype) and categories.dtype == np.int64
