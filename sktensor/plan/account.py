"""The steps and stages of a plan, from graphs and programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..graph import walk
from ..ops import Native, Op, is_table
from ..owners import Owners
from ..program import HostStage, Program
from .report import Stage, Step


def steps_of(
    trace: Iterable[Any], roots: Mapping[str, Op], owners: Owners, methods: list[str], device: str
) -> list[Step]:
    """Every estimator converted, native where a native op of its is read by one of the methods."""
    natives = {m: _natives(roots[m]) for m in methods}
    live: dict[int, list[Op]] = {}
    for op in dict.fromkeys(op for m in methods for op in walk(roots[m])):
        live.setdefault(owners.of.get(op, -1), []).append(op)
    steps = []
    for i, item in enumerate(trace):
        found = {
            m: ops[id(item.estimator)] for m, ops in natives.items() if id(item.estimator) in ops
        }
        mine, taken = live.get(i, []), owners.taken.get(i, "")
        joined = owners.joined.get(i, "")
        reason = "; ".join(dict.fromkeys(op.reason for op in found.values()))
        if found and len(found) < len(methods):
            reason += f" ({', '.join(dict.fromkeys(op.method for op in found.values()))})"
        on_device = any(not op.on_host for op in mine)
        steps.append(
            Step(
                item.name,
                type(item.estimator).__name__,
                "native" if found else "torch",
                reason or _of_pass(taken, joined),
                device if on_device else "host" if mine or found else "",
                _dtype(item, methods),
                bytes_of(mine),
                taken,
            )
        )
    return steps


def _of_pass(taken: str, joined: str) -> str:
    """What a pass has done to a step."""
    if taken:
        return f"taken by {taken}"
    return f"its trees taken by {joined}" if joined else ""


def _natives(root: Op) -> dict[int, Native]:
    """The native ops of one method, by the identity of their estimator."""
    return {id(op.estimator): op for op in walk(root) if isinstance(op, Native)}


def _dtype(item: Any, methods: list[str]) -> str:
    """The dtype of what a step returns, as far as it is known without asking the step."""
    for name in (*methods, "transform", "predict"):
        op = getattr(item.responses, name, None)
        if isinstance(op, Native):
            known = op.__dict__.get("_signature")
            dtype = None if known is None else known.dtype
            return "" if dtype is None else str(dtype).removeprefix("torch.")
        if op is not None:
            if op.dtype is None:
                return "table" if is_table(op) else "object"
            return str(op.dtype).removeprefix("torch.")
    return ""


def bytes_of(ops: Iterable[Op]) -> int:
    """What the constants of some ops take."""
    arrays = {id(array): array for op in ops for array in op.arrays}
    return sum(array.nbytes for array in arrays.values())


def stages_of(
    method: str, program: Program, measured: list[tuple[float, int, int]] | None = None
) -> list[Stage]:
    """The stages of a method's program, with seconds and bytes where they were measured."""
    stages = []
    for i, stage in enumerate(program.stages):
        where = "host" if isinstance(stage, HostStage) else "device"
        seconds, read, written = measured[i] if measured else (None, None, None)
        ops = tuple(map(str, stage.ops))
        stages.append(Stage(method, where, ops, bytes_of(stage.ops), seconds, read, written))
    return stages
