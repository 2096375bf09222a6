"""The stage of the host."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from ..graph import to_host, walk
from ..ops import Native, Op, Several
from ..table import as_dense


class HostStage:
    """Ops of the host, over all rows."""

    def __init__(self, ops: list[Op], root: Op):
        self.ops, self.root = ops, root

    def run(self, results: dict[Op, Any]) -> None:
        handed_on: dict[Op, Any] = {}
        for op in self.ops:
            if isinstance(op, Native):
                # A native method reads what the native method before it returned, untouched.
                x = handed_on.get(op.x)
                result = op.forward(self._value(op.x, results) if x is None else x)
                handed_on[op] = result
                if op in self._read:
                    result = op.check(result)
            elif isinstance(op, Several):
                result = [results[x] for x in op.xs]  # a caller's tensors stay on their card
            else:
                values = (self._value(v, results) for v in op.arguments)
                result = op.forward(*(values if op.takes_sparse else map(as_dense, values)))
            results[op] = result

    @cached_property
    def _read(self) -> set[Op]:
        """The ops whose results are read by others than native ones, and not just listed."""
        return {
            x for op in walk(self.root) if not isinstance(op, Several | Native) for x in op.inputs
        }

    def _value(self, value: Any, results: dict[Op, Any]) -> Any:
        if isinstance(value, tuple):
            return [to_host(results[v]) if isinstance(v, Op) else v for v in value]
        return to_host(results[value]) if isinstance(value, Op) else value

    def __str__(self) -> str:
        return "host: " + " ".join(map(str, self.ops))
