"""Whether a program made for an untested release of a library answers as that release does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .compare import distance
from .converters import Unsupported
from .ops import Retreat
from .table import first_rows, row_count
from .versions import quietly

ROWS = 256


class Disagreement(Unsupported):
    """A program does not answer as the native method of an untested release does."""


class Trial:
    """The first rows that a program answers, compared with the native answers until it passes."""

    def __init__(self, releases: tuple[str, ...], labels: bool):
        self.releases, self.labels = releases, labels
        self.left = ROWS

    def go_on(self, ours: Callable[[Any], Any], native: Callable[[Any], Any], X: Any) -> None:
        """Compare the answers for the next rows; where ours retreats, they are native anyway."""
        n = min(row_count(X), self.left)
        if n > 0 and self._differs(ours, native, first_rows(X, n)):
            named = " and ".join(self.releases)
            raise Disagreement(f"it answers differently in {named}, which was not tested")
        self.left -= n

    def _differs(self, ours: Callable[[Any], Any], native: Callable[[Any], Any], X: Any) -> bool:
        with quietly():
            try:
                answer = ours(X)
            except Retreat:
                return False
            try:
                expected = native(X)
            except Exception:  # it refuses what the program answers
                return True
            return bool(distance(answer, expected, self.labels).outside.any())
