"""The compiler, end to end."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch

from .converters import METHODS, Unsupported, conversion, convert
from .converters.registry import Converted, Responses, native
from .graph import walk
from .ops import Input, Native, Op, Several, as_csr
from .owners import Owners
from .passes import optimize
from .program import Program
from .table import Signature, unknown_signature
from .versions import untested

logger = logging.getLogger("sktensor")


@dataclass(frozen=True)
class Graphs:
    """A fitted estimator's response methods as graphs, for input of one signature."""

    roots: dict[str, Op]
    trace: tuple[Converted, ...]
    warnings: dict[str, tuple[tuple[str, type[Warning]], ...]]  # what each method's answer warns of
    sample_failed: bool
    owners: Owners  # which estimator of the trace each op comes from
    untested: tuple[str, ...] = ()  # releases of the libraries that are newer than those tested


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
    warnings = {method: _warnings_of(op, current.warnings) for method, op in found.items()}
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
    newer = untested(current.libraries)
    return Graphs(roots, tuple(current.trace), warnings, current.sample_failed, owners, newer)


def _warnings_of(root: Op, warnings: Iterable[Any]) -> tuple[tuple[str, type[Warning]], ...]:
    ops = set(walk(root))
    return tuple((message, kind) for op, message, kind in warnings if op is None or op in ops)


def build_natively(estimator: Any, signature: Signature, reason: str) -> Graphs:
    """The graphs of an estimator all of whose methods answer for themselves."""
    table = Input(signature)
    methods = [m for m in METHODS if hasattr(estimator, m)]
    roots: dict[str, Any] = {m: Native(table, estimator, m, reason) for m in methods}
    item = Converted(type(estimator).__name__.lower(), estimator, Responses(**roots), table)
    return Graphs(roots, (item,), {}, False, Owners(Several(tuple(roots.values())), [item]))


def numeric_signature(estimator: Any) -> Signature:
    """Numbers in float64: an array, or a frame where columns have names."""
    signature = default_signature(estimator)
    if signature.names is None:
        return Signature(signature.width, torch.float64)
    return replace(signature, kinds=("float64",) * len(signature.names))


def default_signature(estimator: Any) -> Signature:
    """What is known of the input of an estimator that has not answered yet."""
    names = getattr(estimator, "feature_names_in_", None)
    width = getattr(estimator, "n_features_in_", 1 if names is None else len(names))
    return unknown_signature(width, names)


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
