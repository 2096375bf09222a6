"""Graphs: whatever is reachable from an op. There is no graph object to keep in step.

Ops are frozen, so a rewrite builds new ones, and an op that two others read stays shared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .ops import Input, Native, Op, is_table, parts
from .table import Table, as_dense

Rule = Callable[[Op], Op | None]
Change = Callable[[Op, Op], Op | None]  # of an op as it was, and as it is with its inputs changed
Survey = Callable[[Op], Change]

_SURVEYS: set[Any] = set()


def surveys(rule: Survey) -> Survey:
    """Mark a rule that must know who reads an op: told the root, it says how to change each op."""
    _SURVEYS.add(rule)
    return rule


def rewrite(op: Op, rule: Rule | Survey, done: dict[Op, Op] | None = None) -> Op:
    """The graph under `op`, `rule` tried on every op, inputs first; None leaves an op as it is.

    `done` is filled with what every op became.
    """
    done = {} if done is None else done
    change: Change = rule(op) if rule in _SURVEYS else lambda _, new: rule(new)  # type: ignore
    for old in walk(op):
        new = old.with_inputs(done.__getitem__)
        done[old] = change(old, new) or new
    return done[op]


def walk(op: Op) -> Iterator[Op]:
    """Every op once, inputs before the ops that read them."""
    seen: set[Op] = set()
    todo: list[tuple[Op, bool]] = [(op, False)]
    while todo:
        op, ready = todo.pop()
        if ready:
            yield op
        elif op not in seen:
            seen.add(op)
            todo.append((op, True))
            todo.extend((x, False) for x in reversed(op.inputs))


def is_exact(op: Op) -> bool:
    """Whether an op's result is to the last bit what scikit-learn has."""
    exact: dict[Op, bool] = {}
    for step in walk(op):
        whole = step.dtype is not None and not step.dtype.is_floating_point
        exact[step] = whole or (step.exact and all(exact[x] for x in step.inputs))
    return exact[op]


def evaluate(op: Op, X: Any) -> Any:
    """What `op` answers for `X`, op by op on the CPU: the meaning of a graph, and no fast path."""
    results: dict[Op, Any] = {}
    handed_on: dict[Op, Any] = {}  # to native methods, untouched
    for step in walk(op):
        if isinstance(step, Input):
            results[step] = Table.of(X) if is_table(step) else X
        elif isinstance(step, Native):
            x = handed_on.get(step.x)
            handed_on[step] = step.forward(to_host(results[step.x]) if x is None else x)
            results[step] = handed_on[step] if step is op else step.check(handed_on[step])
        else:
            results[step] = _value(step, results)
    return to_host(results[op])


def _value(op: Op, results: dict[Op, Any]) -> Any:
    move = to_host if op.on_host else to_device

    def value(part: Any) -> Any:
        if isinstance(part, Op):
            return move(results[part])
        return to_device(part) if isinstance(part, np.ndarray) and not op.on_host else part

    arguments = (
        [value(p) for p in parts(v)] if isinstance(v, tuple) else value(v) for v in op.arguments
    )
    return op.forward(*arguments)


def to_host(x: Any) -> Any:
    """A tensor as the array that it is, also in a list; anything else as it is."""
    if type(x) is list:
        return [to_host(part) for part in x]
    return x.detach().cpu().numpy() if isinstance(x, Tensor) else x


def to_device(x: Any, device: torch.device | str = "cpu") -> Any:
    """An array as a tensor on `device`, sharing memory where it can; a sparse one made dense."""
    x = as_dense(x)
    if isinstance(x, np.ndarray):
        if not x.flags.writeable or any(stride < 0 for stride in x.strides):
            x = x.copy()
        x = torch.from_numpy(x)
    return x if x.device == torch.device(device) else x.to(device)
