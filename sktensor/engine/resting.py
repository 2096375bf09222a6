"""Programs that have handed over call after call are not asked for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PATIENCE = 3  # calls handed over in a row that nothing is made of
LONGEST = 32  # calls that a program rests for at most


@dataclass
class _Retreats:
    """Calls handed over since the last that was not, the rows of the least, and the rest due."""

    n_rows: int
    times: int = 0
    rest: int = 0


class Resting:
    """Which programs rest, so that what always ends in a retreat takes hardly longer than natively.

    After `PATIENCE` retreats in a row the native method has one call to itself, after the next
    retreat two, then four, up to `LONGEST`; an answer ends it. Calls of fewer rows than any of
    those are none of them: one odd row among millions says nothing of a single one.
    """

    def __init__(self) -> None:
        self._known: dict[Any, _Retreats] = {}

    def __bool__(self) -> bool:
        return bool(self._known)

    def rests(self, key: Any, n_rows: int) -> bool:
        """Whether the program of `key` is left alone with these rows."""
        found = self._known.get(key)
        if found is None or n_rows < found.n_rows or found.rest <= 0:  # threads may take it below
            return False
        found.rest -= 1
        return True

    def handed_over(self, key: Any, n_rows: int) -> None:
        """Note a retreat after which the native method had an answer."""
        found = self._known.setdefault(key, _Retreats(n_rows))
        found.n_rows = min(found.n_rows, n_rows)
        found.times += 1
        if found.times >= PATIENCE:
            found.rest = min(LONGEST, 2 ** min(found.times - PATIENCE, LONGEST))

    def answered(self, key: Any, n_rows: int) -> None:
        """Note an answer of the program."""
        found = self._known.get(key)
        if found is not None and n_rows >= found.n_rows:
            self._known.pop(key, None)

    def forget(self) -> None:
        self._known.clear()
