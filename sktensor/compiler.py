"""The compiler, end to end."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import torch

from .converters import METHODS, Unsupported, conversion, convert
from .converters.registry import Converted, Responses, native
from .graph import walk
from .ops import Input, Native, Op, Several, as_csr
from .owners import Owners
from .passes import optimize
from .program import Program
from .table import Signature

logger = logging.getLogger("sktensor")


@dataclass(frozen=True)
class Graphs:
    """A fitted estimator's response methods as graphs, for input of one signature."""

    roots: dict[str, Op]
    trace: tuple[Converted, ...]
    warnings: tuple[tuple[str, type[Warning]], ...]
    sample_failed: bool
    owners: Owners  # which estimator of the trace each op comes from


def build(estimator: Any, signature: Signature, sample: Any = None) -> Graphs:
    """The graphs of every response method that the fitted estimator has.

    They share ops, so a constant that several methods need is in memory once.
    """
    table = Input(signature)
    with conversion(sample) as current:
        responses = convert(estimator, table)
        found = {m: op for m in METHODS if (op := getattr(responses, m)) is not None}
        for method, op in found.items():
            try:
                found[method] = _as_answer(op)
            except Unsupported as why:  # what a native step returns could not be found out
                op = found[method] = native(estimator, table, method, str(why))
                if all(c.estimator is not estimator for c in current.trace):  # a pipeline, say
                    name, ops = type(estimator).__name__.lower(), Responses(transform=op)
                    current.trace.append(Converted(name, estimator, ops, table))
    together: Op = Several(tuple(found.values()))
    owners = Owners(together, current.trace)

    def watch(name: str, before: Op, after: Op, done: dict[Op, Op]) -> None:
        owners.follow(name, before, after, done)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s before: %s", name, _listed(before))
            logger.debug("%s after: %s", name, _listed(after))

    together = optimize(together, watch)
    owners.only(together)
    roots = dict(zip(found, together.inputs, strict=True))
    trace, warnings = tuple(current.trace), tuple(current.warnings)
    return Graphs(roots, trace, warnings, current.sample_failed, owners)


def _listed(root: Op) -> str:
    ops = [str(op) for op in walk(root) if op is not root]
    return f"{len(ops)} ops: {' '.join(ops)}"


def _as_answer(op: Op) -> Op:
    """The root in the form the native method returns: sparse where that is."""
    if isinstance(op, Native):
        return op
    if op.stays_sparse:
        raise Unsupported("an answer that is sparse, as its input is")
    return as_csr(op) if op.sparse else op


def compile(root: Op, device: torch.device, batch_size: int | None = None) -> Program:
    """A program that answers what `root` says."""
    return Program(root, device, batch_size)
