"""The device ops of some responses as one stage: what it reads of the table, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..converters import Unsupported
from ..graph import walk
from ..ops import Cast, Columns, Input, Labels, Lookable, Lookup, Numbers, Op, Several, Take
from ..program import DeviceStage


@dataclass(frozen=True)
class Feed:
    """Columns of the table that the stage reads: as numbers, or as codes of categories."""

    op: Op
    columns: tuple[int, ...]
    dtype: torch.dtype

    @property
    def lookup(self) -> Lookup | None:
        return self.op if isinstance(self.op, Lookup) else None


@dataclass(frozen=True)
class Ending:
    """One array of an answer; `classes` are what its codes stand for, if those are no numbers."""

    op: Op
    classes: np.ndarray | None = None


@dataclass(frozen=True)
class Numeric:
    """The responses of a fully compiled estimator, as one stage of the device."""

    stage: DeviceStage
    feeds: tuple[Feed, ...]
    endings: dict[str, tuple[Ending, ...]]
    lists: frozenset[str]  # methods that answer with a list of arrays
    columns: frozenset[str]  # methods that answer with these as the columns of one array


def numeric(roots: Mapping[str, Op]) -> Numeric:
    """The stage that computes these responses; Unsupported where the host has more to do."""
    endings = {}
    for method, root in roots.items():
        if isinstance(root, Labels):
            endings[method] = tuple(map(Ending, root.codes, root.classes))
            continue
        parts = root.xs if isinstance(root, Several) else (root,)
        endings[method] = tuple(map(_ending, parts))
    ends = list(dict.fromkeys(e.op for many in endings.values() for e in many))
    ops = [op for op in dict.fromkeys(op for end in ends for op in walk(end)) if not op.on_host]
    stage = DeviceStage(ops, set(ends))
    feeds = tuple(map(_feed, stage.inputs))
    lists = frozenset(m for m, root in roots.items() if isinstance(root, Several))
    columns = frozenset(m for m, root in roots.items() if isinstance(root, Labels))
    return Numeric(stage, feeds, endings, lists, columns)


def _ending(op: Op) -> Ending:
    if isinstance(op, Take) and op.on_host:
        return Ending(op.x, op.values)
    if op.on_host and op.dtype is not None and isinstance(op, Input | Numbers | Lookup):
        return Ending(Cast(op, op.dtype))
    if op.on_host:
        raise Unsupported(f"{op} answers on the host")
    return Ending(op)


def _feed(op: Op) -> Feed:
    if isinstance(op, Input) and op.dtype is not None:
        return Feed(op, tuple(range(op.width or 0)), op.dtype)
    if isinstance(op, Numbers | Lookup):
        return Feed(op, _columns(op.x), op.dtype)
    raise Unsupported(f"{op} runs on the host")


def _columns(op: Op) -> tuple[int, ...]:
    """The columns of the table that an op is."""
    if isinstance(op, Input):
        return tuple(range(op.width or 0))
    if isinstance(op, Columns):
        inner = _columns(op.x)
        return tuple(inner[i] for i in op.columns)
    if isinstance(op, Lookable):
        return _columns(op.x)
    raise Unsupported(f"{op} runs on the host")


class NumericStage(nn.Module):
    """The numeric stage of one response method: a tensor in, a tensor out.

    Where the method answers with a list, so does this, as a tuple; labels of several outputs are
    such a list. Labels that are no numbers come as their positions among the classes.
    """

    def __init__(self, numeric: Numeric):
        super().__init__()
        for feed in numeric.feeds:
            if feed.lookup is not None:
                raise Unsupported("categories are looked up on the host")
        self.stage = numeric.stage
        for name, buffer in list(self.stage.named_buffers()):
            setattr(self.stage, name, buffer.clone())  # not the estimator's own memory
        self._dtypes = [feed.dtype for feed in numeric.feeds]
        for i, feed in enumerate(numeric.feeds):
            columns = torch.tensor(feed.columns, device="cpu")
            self.register_buffer(f"columns_{i}", columns, persistent=False)
        ((_, endings),) = numeric.endings.items()
        self._at = [self.stage.outputs.index(e.op) for e in endings]
        self._alone = not numeric.lists and not numeric.columns

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        feeds = [
            x[:, getattr(self, f"columns_{i}")].to(dtype) for i, dtype in enumerate(self._dtypes)
        ]
        outputs, _ = self.stage(*feeds)
        found = tuple(outputs[i] for i in self._at)
        return found[0] if self._alone else found
