"""Which releases of the libraries this one was tested with, and what it says of newer ones."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# The newest releases whose every patch counts as tested: the tests pass on them.
TESTED = {
    "catboost": (1, 2),
    "imblearn": (0, 14),
    "lightgbm": (4, 7),
    "sklearn": (1, 9),
    "torch": (2, 15),
    "xgboost": (3, 2),
}
NAMES = {
    "catboost": "CatBoost",
    "imblearn": "imbalanced-learn",
    "lightgbm": "LightGBM",
    "sklearn": "scikit-learn",
    "torch": "torch",
    "xgboost": "XGBoost",
}

_told: dict[str, object] = {}  # by whom: no lock, which a forked process might find locked
# What is to be told of once somebody listens again.
_later: ContextVar[list[str] | None] = ContextVar("sktensor_untested", default=None)


class UntestedVersionWarning(UserWarning):
    """A library is newer than every release of it that this one of sktensor was tested with.

    It is given once per library and process, when an estimator that needs the library is first
    compiled. What is not known of its models runs natively, and the first rows that a program
    answers are compared with the native answer; where they differ, the native method answers from
    then on.
    """


def untested(libraries: Iterable[str]) -> tuple[str, ...]:
    """Those of some libraries that are newer than any that was tested, with their versions."""
    return tuple(name for library in sorted(libraries) if (name := _untested(library)))


def _untested(library: str) -> str:
    version = str(getattr(sys.modules.get(library), "__version__", ""))
    found = re.match(r"(\d+)\.(\d+)", version)
    if not found or (int(found[1]), int(found[2])) <= TESTED[library]:
        return ""
    return f"{NAMES[library]} {version}"


def tell(releases: Iterable[str]) -> None:
    """Warn of releases that were not tested, of each once."""
    later = _later.get()
    if later is not None:
        later.extend(releases)
        return
    mine = object()
    for release in releases:
        if _told.setdefault(release, mine) is not mine:
            continue
        _told[release] = None
        warnings.warn(
            f"{release} is newer than any release that this sktensor was tested with: what it "
            "does not know runs natively, and first answers are compared with the native ones",
            UntestedVersionWarning,
            stacklevel=_of_the_caller(),
        )


@contextmanager
def quietly() -> Iterator[None]:
    """Warn of nothing, and of untested releases only afterwards."""
    token = _later.set([])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        waiting = _later.get() or []
        _later.reset(token)
    tell(waiting)


def _of_the_caller() -> int:
    """The `stacklevel`, for who calls this, of the first frame outside this package."""
    frame, level = sys._getframe(1), 1
    passed = (__name__.partition(".")[0], "contextlib")
    while frame.f_back and str(frame.f_globals.get("__name__")).partition(".")[0] in passed:
        frame, level = frame.f_back, level + 1
    return level
