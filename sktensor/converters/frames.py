"""Tables as the boosting libraries read them, which is not how scikit-learn does."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.utils._set_output import _get_output_config

from ..graph import walk
from ..ops import Concat, Named, Numbers, Op, Select, cast, is_table, signature
from ..table import UNKNOWN
from .registry import Unsupported, select
from .validation import as_numbers

WIDE = ("int64", "uint64")


def container(x: Op) -> str:
    """The library of the table that the estimator would see here: "numpy" for an array."""
    if is_table(x):
        return signature(x).container
    if x.names is None:
        return "numpy"
    for op in walk(x):
        if isinstance(op, Named):
            return _get_output_config("transform", op.estimator)["dense"]
    return "pandas"


def plain_kinds(x: Op, others: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The dtypes of a frame's columns, where all are of numbers that NumPy has, or of `others`."""
    kinds = signature(x).kinds or ()
    for kind in kinds:
        if kind != UNKNOWN and kind not in PLAIN | others:
            raise Unsupported(f"a column of {kind}")
    return kinds


PLAIN = frozenset(
    ["float32", "float64", "bool"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)


def check_width(x: Op, n_features: int) -> None:
    """Widths other than the fitted one are the library's own to refuse."""
    if x.width != n_features:
        raise Unsupported(f"{x.width} columns where {n_features} were fitted")


def float32_numbers(x: Op, library: str) -> Op:
    """The numbers of an array, or of a frame of `library`, each rounded once."""
    if not is_table(x):
        if x.dtype is None:
            raise Unsupported("no numbers")
        return cast(x, torch.float32)
    if library == "numpy":
        raise Unsupported("an array of objects")
    kinds = plain_kinds(x)
    wide = [i for i, kind in enumerate(kinds) if kind in WIDE]
    if not wide or len(set(kinds)) == 1:
        return as_numbers(x, torch.float32)
    # Every column is rounded once: a common float64 would round a long integer twice.
    rest = [i for i in range(len(kinds)) if i not in wide]
    parts: list[Op] = [
        cast(Numbers(select(x, [i]), getattr(torch, kinds[i])), torch.float32) for i in wide
    ]
    if rest:
        parts.append(as_numbers(select(x, rest), torch.float32))
    return Select(Concat(tuple(parts)), np.argsort(np.array(wide + rest)))
