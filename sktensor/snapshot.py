"""Whether a fitted estimator is still the one that was compiled."""

from __future__ import annotations

from collections.abc import Iterator
from operator import is_
from typing import Any

import numpy as np

MOST_ITEMS = 64  # of a list of estimators that are watched one by one
MOST_BYTES = 4096  # of an array whose values are watched too


class Snapshot:
    """What the attributes of an estimator, and of those it is made of, were.

    Every way of fitting again replaces some attribute's object, so identity is what is compared;
    the values compared are kept alive, so that no new object can take an old one's place. Small
    arrays are compared by value besides, since `partial_fit` may write into them.
    """

    def __init__(self, estimator: Any):
        self._seen = [(d, len(d), tuple(d.values())) for d in _attributes(estimator)]
        values = [v for _, _, values in self._seen for v in values]
        self._arrays = [
            (v, v.tobytes())
            for v in values
            if isinstance(v, np.ndarray) and v.dtype != object and v.nbytes <= MOST_BYTES
        ]
        self._lengths = [(v, len(v)) for v in values if isinstance(v, list | dict)]

    def holds(self) -> bool:
        """Whether nothing has changed."""
        for attributes, n, values in self._seen:
            if len(attributes) != n or not all(map(is_, attributes.values(), values)):
                return False
        if any(len(items) != n for items, n in self._lengths):
            return False
        return all(array.tobytes() == was for array, was in self._arrays)


def _attributes(estimator: Any) -> Iterator[dict[str, Any]]:
    """The `__dict__` of every estimator that this one is made of."""
    seen: set[int] = set()
    todo = [estimator]
    while todo:
        item = todo.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if hasattr(item, "get_params") and not isinstance(item, type) and hasattr(item, "__dict__"):
            yield item.__dict__
            todo.extend(item.__dict__.values())
        elif isinstance(item, list | tuple) and len(item) <= MOST_ITEMS:
            todo.extend(item)
        elif isinstance(item, np.ndarray) and item.dtype == object and item.size <= MOST_ITEMS:
            todo.extend(item.flat)
