"""Whose each op is, kept up while passes rewrite them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .graph import walk
from .ops import Guard, Op, Select, parts

NOBODY = -1

Known = dict[tuple[Any, ...], set[int]]  # owners, by what an op has of its own


class Owners:
    """The step that each op comes from, by its position, and the passes that took all of a step.

    `joined` are the passes that put a step's ops among those of an older one.

    Steps come in the order in which they were converted: what a step reads is older than it.
    """

    def __init__(self, root: Op, steps: Iterable[Any]):
        self.of: dict[Op, int] = {}
        self.taken: dict[int, str] = {}
        self.joined: dict[int, str] = {}
        for i, step in enumerate(steps):
            read = set() if step.x is None else {step.x}
            for op in vars(step.responses).values():
                if isinstance(op, Op):
                    self._claim(op, i, read)
        for op in walk(root):
            self.of.setdefault(op, NOBODY)

    def _claim(
        self, op: Op, owner: int, read: Iterable[Op] = (), known: Known | None = None
    ) -> None:
        """Give the ops under `op` that have no owner to one, or to whom they are `known` to be."""
        todo = [(op, owner)]
        while todo:
            op, owner = todo.pop()
            if op in self.of or op in read:
                continue
            owners = known.get(_likeness(op)) if known else None
            if owners is not None and len(owners) == 1:
                (owner,) = owners
            self.of[op] = owner
            todo.extend((x, owner) for x in op.inputs)

    def follow(self, name: str, before: Op, after: Op, done: Mapping[Op, Op]) -> None:
        """After a pass, what an op became is its owner's; one left without device ops was taken.

        An op that a rule has only made to read another one is still like what it was.
        """
        had = self._on_device(before)
        known: Known = {}
        for old in done:
            known.setdefault(_likeness(old), set()).add(self.of[old])
        for old, new in done.items():
            self._claim(new, self.of[old], known=known)
            if not isinstance(old, Select | Guard) and isinstance(new, Select):
                theirs = self.of[new.x] != self.of[old] and new.x not in done
                self.joined.update({self.of[old]: name} if theirs else {})
        for lost in had - self._on_device(after) - {NOBODY}:
            self.taken.setdefault(lost, name)

    def _on_device(self, root: Op) -> set[int]:
        return {self.of[op] for op in walk(root) if not op.on_host}

    def only(self, root: Op) -> None:
        """Forget the ops that are not in a graph."""
        self.of = {op: self.of[op] for op in walk(root)}


def _likeness(op: Op) -> tuple[Any, ...]:
    """What an op has of its own: its kind, and its constants by identity."""
    own = (v for v in op.arguments if not any(isinstance(part, Op) for part in parts(v)))
    return (type(op), *map(id, own))
