"""Whether a fitted estimator is still the one that was compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import is_
from typing import Any

import numpy as np

from .converters.registry import NAMES_NOTED
from .kernels.items_numba import Items

MOST_CHILDREN = 8  # of a list of estimators that are watched attribute by attribute
MOST_ITEMS = 256  # of a list or dict of other things that are compared one by one
MOST_BYTES = 4096  # of an array that is compared value by value
SOME_VALUES = 64  # of a larger one

# What tells that a booster, which is all but a pointer, has been trained further.
COUNTERS = ("num_boosted_rounds", "num_trees")
# What a CatBoost estimator, which keeps nearly nothing in attributes, has been made to hold.
HELD = ("get_scale_and_bias", "get_probability_threshold")
MOST_LEAVES = 2**13  # of it that are compared


class Snapshot:
    """What the attributes of an estimator, and of those it is made of, were.

    Every way of fitting again replaces some attribute's object, so identity is what is compared;
    the values compared are kept alive, so that no new object can take an old one's place. Lists
    and dicts are compared item by item besides, and arrays by value (large ones by some of their
    values), since they may be written into.
    """

    def __init__(self, estimator: Any):
        self._attributes: list[tuple[dict[str, Any], int, tuple[Any, ...]]] = []
        self._items: list[tuple[Any, Any]] = []
        self._bytes: list[tuple[np.ndarray, bytes]] = []
        self._answers: list[tuple[Callable[[], Any], Any]] = []
        for part in self._parts(estimator):
            attributes = part.__dict__
            values = tuple(attributes.values())
            self._attributes.append((attributes, len(values), values))
            for value in values:
                self._watch(value)
            if hasattr(part, "get_scale_and_bias") and part.is_fitted():
                self._watch_held(part)

    def holds(self) -> bool:
        """Whether nothing has changed."""
        try:
            for attributes, n, values in self._attributes:
                if len(attributes) != n:
                    return False
                if not all(map(is_, attributes.values(), values)) and not _same(attributes, values):
                    return False
            for items, were in self._items:
                if items != were:
                    return False
            for array, was in self._bytes:
                if array.tobytes() != was:
                    return False
            return all(ask() == answer for ask, answer in self._answers)
        except Exception:  # arrays among the items, or a dict that another thread is filling
            return False

    def _watch(self, value: Any) -> None:
        """Remember what may be changed in place."""
        if isinstance(value, list | dict):
            if len(value) <= MOST_ITEMS or _is_estimator(_children(value)[0]):
                self._items.append((value, value.copy()))
            else:
                self._answers.append((value.__len__, len(value)))
        elif isinstance(value, np.ndarray) and type(value) is np.ndarray:
            if value.dtype == object:
                if value.ndim:
                    self._answers.append((value.tolist, value.tolist()))
            elif value.nbytes <= MOST_BYTES:
                self._bytes.append((value, value.tobytes()))
            elif value.flags.forc:
                some = value.ravel(order="K")[:: max(1, value.size // SOME_VALUES)]
                self._bytes.append((some, some.tobytes()))
        elif type(value).__name__ == "Booster":
            for name in COUNTERS:
                if hasattr(value, name):
                    ask = getattr(value, name)
                    self._answers.append((ask, ask()))

    def _watch_held(self, part: Any) -> None:
        """Remember which model it is, and what of it may be set afterwards."""
        asked = [getattr(part, name) for name in HELD if hasattr(part, name)]
        asked.append(lambda: part.get_metadata()["model_guid"])
        if len(part.get_leaf_values()) <= MOST_LEAVES:
            asked.append(lambda: part.get_leaf_values().tobytes())
        self._answers += [(ask, ask()) for ask in asked]

    def _parts(self, estimator: Any) -> Iterator[Any]:
        """Every estimator that this one is made of."""
        seen: set[int] = set()
        todo = [estimator]
        while todo:
            item = todo.pop()
            if id(item) in seen:
                continue
            seen.add(id(item))
            if _is_estimator(item):
                yield item
                todo.extend(item.__dict__.values())
                continue
            children = _children(item)
            few = len(children) <= MOST_CHILDREN or _children(children[0])
            if few or (_is_estimator(children[0]) and not self._watch_alike(children)):
                todo.extend(children)

    def _watch_alike(self, children: list[Any]) -> bool:
        """Of many estimators of a kind that hold no others, watch the last attribute `fit` sets."""
        first = children[0]
        fitted = [k for k, v in vars(first).items() if k[:1] != "_" and k[-1:] == "_"]
        if (
            not fitted
            or any(map(_is_estimator, vars(first).values()))
            or any(type(c) is not type(first) or fitted[-1] not in vars(c) for c in children)
        ):
            return False
        self._answers.append((Items(list(map(vars, children)), fitted[-1]).unchanged, True))
        return True


def _same(attributes: dict[str, Any], values: tuple[Any, ...]) -> bool:
    """Whether what was replaced is private and equal: some take notes at each call."""
    return all(
        now is was
        or name == NAMES_NOTED
        or (name[:1] == "_" and type(now) is type(was) and _is_plain(now) and now == was)
        for (name, now), was in zip(attributes.items(), values, strict=True)
    )


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str)


def _is_estimator(item: Any) -> bool:
    """Whether an object is an estimator, or a part of one that answers on its own."""
    if isinstance(item, type) or not hasattr(item, "__dict__"):
        return False
    return hasattr(item, "get_params") or hasattr(item, "predict_proba")


def _children(item: Any) -> list[Any]:
    if isinstance(item, dict):
        return list(item.values())
    if isinstance(item, list | tuple):
        return list(item)
    if isinstance(item, np.ndarray) and item.dtype == object:
        return list(item.flat)
    return []
