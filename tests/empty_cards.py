"""A card without values, torch's `meta` device: what is launched there, and what is waited for.

It says nothing of answers. It says which ops a stage asks a card for, and refuses those that go by
way of the host, or that a card answers in another way each time, or in another than the CPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sktensor.ops import Forest, Leaves, Op
from sktensor.ops.elementwise import Elementwise
from sktensor.program import DeviceStage

CARD = torch.device("meta")
ROWS = 7
# Ops whose result has a size that the host must be told.
SIZED_BY_VALUES = ("nonzero", "masked_select", "unique", "bincount", "_local_scalar_dense")
# Sums that a card makes in an order of its own, each time another one.
UNORDERED = ("index_add", "index_put", "histc", "cumsum", "cumprod", "put_")


class Refused(Exception):
    """An op that has no place in a stage on a card."""


class Watch(TorchDispatchMode):
    """The ops that are asked for, none of which goes by the host or differs from call to call."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.name().removeprefix("aten::")
        self.names.append(name)
        given = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        if name.startswith(SIZED_BY_VALUES) or (name == "index.Tensor" and _by_mask(args[1])):
            raise Refused(f"{name} waits for the card")
        alone = name.startswith("index_add") and args[2].numel() == 1
        if name.startswith(UNORDERED) and given[0].is_floating_point() and not alone:
            raise Refused(f"{name} adds in no order")
        # Divided by a number of the host, a card multiplies by its reciprocal, which rounds twice.
        if name.startswith("div") and args[0].device == CARD and not _on_card(args[1]):
            raise Refused(f"{name} by a number of the host")
        found = func(*args, **(kwargs or {}))
        made = [t for t in tree_leaves(found) if isinstance(t, Tensor)]
        if not all(t.device == CARD for t in (*given, *made)):
            raise Refused(f"{name} goes by the host")
        return found


def _by_mask(indices: Any) -> bool:
    return any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in indices)


def _on_card(value: Any) -> bool:
    return isinstance(value, Tensor) and value.device == CARD


@contextmanager
def without_values() -> Iterator[None]:
    """Forests answer without any, their kernels have tests of their own; logarithms stay there.

    By the host these go because of their last bit, and not for want of anything.
    """

    def forest(self: Any, x: Tensor, *_: Any) -> Tensor:
        return torch.empty((len(x), self.width), dtype=self.dtype, device=x.device)

    with pytest.MonkeyPatch.context() as patch:
        for kind in (Forest, Leaves):
            patch.setattr(kind, "forward", forest)
        patch.setattr(Elementwise, "__call__", lambda self, *x: self.function(*x))
        yield


def launched(stage: DeviceStage) -> list[str]:
    """The ops that a stage asks a card for; Refused, or torch's own error, for one it may not."""
    here = DeviceStage(stage.ops, set(stage.outputs), on_card=True).to(CARD)
    inputs = [torch.empty(_shape(op), dtype=op.dtype, device=CARD) for op in here.inputs]
    watch = Watch()
    with without_values():
        here.checked(inputs)  # what is put there once is there
        with watch:
            outputs, holds = here.checked(inputs)
    for op, output in zip(here.outputs, outputs, strict=True):
        assert output.device == CARD
        assert output.dtype == op.dtype, (op, output.dtype)
        assert output.shape == _shape(op), op
    assert holds is None or (holds.device == CARD and holds.shape == ())
    return watch.names


def _shape(op: Op) -> tuple[int, ...]:
    return (ROWS,) if op.width is None else (ROWS, op.width)
