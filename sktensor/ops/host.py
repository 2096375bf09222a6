"""Ops of the host: tables, native estimators, and what only Python objects can say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy import sparse as sp

from ..table import (
    NUMPY_DTYPES,
    TORCH_DTYPES,
    Signature,
    Table,
    signature_of,
    sparse_class,
    unknown_signature,
)
from .base import Op, Retreat


@dataclass(frozen=True, eq=False)
class Input(Op):
    """The table the caller passed."""

    signature: Signature

    @property
    def width(self) -> int | None:
        return self.signature.width

    @property
    def dtype(self) -> torch.dtype | None:
        return self.signature.dtype

    @property
    def names(self) -> tuple[Any, ...] | None:
        return self.signature.names

    @property
    def on_host(self) -> bool:
        return True

    @property
    def sparse(self) -> bool:
        return self.signature.is_sparse

    @property
    def stays_sparse(self) -> bool:
        return self.signature.is_sparse

    def forward(self, *_: Any) -> Any:
        raise RuntimeError("the program supplies the input")


@dataclass(frozen=True, eq=False)
class Columns(Op):
    """Some columns of a table on the host."""

    x: Op
    columns: tuple[int, ...]

    @property
    def width(self) -> int:
        return len(self.columns)

    @property
    def dtype(self) -> torch.dtype | None:
        return None

    @property
    def signature(self) -> Signature:
        return signature(self.x).select(self.columns)

    @property
    def names(self) -> tuple[Any, ...] | None:
        return self.signature.names

    @property
    def on_host(self) -> bool:
        return True

    def forward(self, x: Table, columns: tuple[int, ...]) -> Table:
        return x.select(columns)


@dataclass(frozen=True, eq=False)
class Numbers(Op):
    """A table's columns as one array of numbers, block by block as it is read."""

    x: Op
    to: torch.dtype

    @property
    def width(self) -> int:
        return self.x.width or 0

    @property
    def dtype(self) -> torch.dtype:
        return self.to

    @property
    def on_host(self) -> bool:
        return True

    def block(self, table: Table, lo: int, hi: int) -> np.ndarray:
        """Rows `lo` to `hi`."""
        try:
            return table.numbers(lo, hi, NUMPY_DTYPES[self.to])
        except (TypeError, ValueError) as error:
            raise Retreat(str(error)) from error

    def forward(self, x: Table, to: torch.dtype) -> np.ndarray:
        return self.block(x, 0, len(x))


@dataclass(frozen=True, eq=False)
class Native(Op):
    """The estimator's own method, for what has no converter or declined."""

    x: Op
    estimator: Any = field(repr=False)
    method: str
    reason: str
    squeeze: bool = False
    sample: Callable[[Op], Any] | None = field(default=None, repr=False)

    @property
    def signature(self) -> Signature:
        """What the method returns, found by asking it about a few rows."""
        known = self.__dict__.get("_signature")
        if known is None:
            known = self._probe()
            object.__setattr__(self, "_signature", known)
        return known

    @property
    def is_known(self) -> bool:
        """Whether the method has been asked what it returns."""
        return "_signature" in self.__dict__

    def _probe(self) -> Signature:
        if self.sample is None:
            return self._guess()
        result = self.sample(self)
        object.__setattr__(self, "_sparse", sp.issparse(result))
        if sp.issparse(result):
            return Signature(result.shape[1], TORCH_DTYPES.get(result.dtype))
        if isinstance(result, np.ndarray) and result.ndim == 1:
            return Signature(None, TORCH_DTYPES.get(result.dtype))
        return signature_of(result) or Signature(None)

    def _guess(self) -> Signature:
        """What a plan made without any rows takes the result to be."""
        try:
            return unknown_signature(len(self.estimator.get_feature_names_out()))
        except Exception:  # whatever somebody's own transformer does when asked
            return Signature(None)

    @property
    def width(self) -> int | None:
        return self.signature.width

    @property
    def dtype(self) -> torch.dtype | None:
        return self.signature.dtype

    @property
    def names(self) -> tuple[Any, ...] | None:
        return self.signature.names

    @property
    def sparse(self) -> bool:
        _ = self.signature
        return self.__dict__.get("_sparse", False)

    @property
    def stays_sparse(self) -> bool:
        return self.x.stays_sparse and self.sparse

    @property
    def on_host(self) -> bool:
        return True

    def forward(self, x: Any, *_: Any) -> Any:
        if isinstance(x, Table):
            x = x.native()
        if self.squeeze:
            x = x[:, 0] if isinstance(x, np.ndarray) else x.iloc[:, 0]
        return getattr(self.estimator, self.method)(x)

    def check(self, result: Any) -> Any:
        """The result as the ops after this one expect it, or Retreat where it is another kind."""
        known = self.signature
        if sp.issparse(result):
            dtype, width = TORCH_DTYPES.get(result.dtype), result.shape[1]
            same = self.sparse and (width, dtype) == (known.width, known.dtype)
        elif isinstance(result, np.ndarray) and result.ndim == 1:
            same = known.width is None and TORCH_DTYPES.get(result.dtype) == known.dtype
        else:
            same = signature_of(result) == known
            if same and known.dtype is None:
                result = Table.of(result)
        if not same:
            raise Retreat(f"{type(self.estimator).__name__}.{self.method} changed its result")
        return result

    def __str__(self) -> str:
        return f"Native({type(self.estimator).__name__}.{self.method}: {self.reason})"


@dataclass(frozen=True, eq=False)
class Csr(Op):
    """An array as the sparse matrix that the native estimator returns."""

    x: Op

    @property
    def width(self) -> int | None:
        return self.x.width

    @property
    def dtype(self) -> torch.dtype | None:
        return self.x.dtype

    @property
    def sparse(self) -> bool:
        return True

    @property
    def on_host(self) -> bool:
        return True

    def forward(self, x: np.ndarray) -> Any:
        return sparse_class()(x)


@dataclass(frozen=True, eq=False)
class Several(Op):
    """A list of results, each where it lies, as scikit-learn answers for several outputs."""

    xs: tuple[Op, ...]

    @property
    def width(self) -> None:
        return None

    @property
    def dtype(self) -> None:
        return None

    @property
    def on_host(self) -> bool:
        return True

    def forward(self, xs: list[Any]) -> list[Any]:
        return list(xs)


def signature(op: Op) -> Signature:
    """What is known of an op's result: its own signature, or that of an array."""
    known = getattr(op, "signature", None)
    return known if known is not None else Signature(op.width, op.dtype, names=op.names)


def is_table(op: Op) -> bool:
    """Whether the result is a table of columns rather than an array of numbers."""
    return op.on_host and op.dtype is None and signature(op).kinds is not None
