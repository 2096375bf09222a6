"""Whether a task can be recorded on a card: whether it waits for the card, or goes by the host."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from . import Task

# Ops whose result, or the size of it, the host must be told.
WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "_unique", "unique_", "equal")


class CannotRecord(RuntimeError):
    """An op that has no place in a record."""


def rehearse(task: Task, device: torch.device) -> None:
    """Do a task once; CannotRecord before the first op that cannot be recorded."""
    with _Rehearsal(device):
        task()


class _Rehearsal(TorchDispatchMode):
    def __init__(self, device: torch.device):
        super().__init__()
        self._device = device

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.name().removeprefix("aten::")
        given = _tensors((args, kwargs))
        indices = given[1:] if name.startswith(("index.", "index_put")) else []
        by_mask = any(t.dtype in (torch.bool, torch.uint8) for t in indices)
        if by_mask or name.startswith(WAITS):
            raise CannotRecord(f"{name} waits for the card")
        found = func(*args, **(kwargs or {}))
        # A lone number is handed over with the launch.
        arrays = [t for t in (*given, *_tensors(found)) if t.ndim]
        if any(t.device != self._device for t in arrays):
            raise CannotRecord(f"{name} goes by the host")
        return found


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
