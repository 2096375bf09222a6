"""The parameters that estimators have in the releases that the converters were written for.

A parameter of a newer release may change what the others mean, so it makes the estimator run
natively. `docs/tools/known_parameters.py` writes the list.
"""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("known_parameters.txt")
# Imported once an estimator of theirs shows up.
OPTIONAL = ("catboost", "imblearn", "lightgbm", "xgboost")
LIBRARIES = ("sklearn", *OPTIONAL)


def parameters(cls: type) -> set[str]:
    """The names that a class is made with, and its parents' where it passes on what is left."""
    names: set[str] = set()
    for parent in cls.__mro__:
        if "__init__" in vars(parent):
            own = inspect.signature(parent).parameters.values()
            names |= {p.name for p in own if p.kind is not p.VAR_KEYWORD}
            if all(p.kind is not p.VAR_KEYWORD for p in own):
                break
    return names


def unknown_parameters(cls: type) -> tuple[str, ...]:
    """Parameters of a class of these libraries that its converter does not know of."""
    listed = known().get(cls.__name__)
    if listed is None or cls.__module__.partition(".")[0] not in LIBRARIES:
        return ()
    return tuple(sorted(parameters(cls) - listed))


@cache
def known() -> dict[str, set[str]]:
    """The parameters of each class, by its name."""
    rows = (line.split() for line in FILE.read_text().splitlines())
    return {name: set(names) for name, *names in rows}
