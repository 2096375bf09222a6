"""A table as CatBoost reads it: every number becomes float32, names are those fitted."""

from __future__ import annotations

from typing import Any

from ...ops import Op
from ..frames import check_width, container, float32_numbers
from ..registry import Unsupported
from .model import Model


def as_float32(x: Op, model: Model) -> Op:
    """The float32 values that trees are asked about."""
    check_width(x, model.n_features)
    if x.sparse:
        raise Unsupported("sparse input")
    library = container(x)
    if library == "pandas":
        _check_names(x.names or (), model)
    elif library != "numpy":
        raise Unsupported(f"a {library} DataFrame")
    return float32_numbers(x, library)


def _check_names(names: tuple[Any, ...], model: Model) -> None:
    if len({str(name) for name in names}) < len(names):
        raise Unsupported("columns of the same name")
    if model.names and [str(name) for name in names] != model.names:
        raise Unsupported("columns other than those fitted")
