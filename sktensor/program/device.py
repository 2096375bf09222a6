"""The stage of the device: one torch module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..ops import Guard, Op, Retreat, few
from ..sizes import alive, cost, widest

GUARDED = "rows that a guard keeps from being answered here"

Few = Callable[..., np.ndarray]


class DeviceStage(nn.Module):
    """Ops of the device as a function: of the results they need, to the results others need.

    `forward` returns those results and then one boolean per `Guard`: whether it holds. `on_card`
    leaves out the constants that ops themselves put on a card.
    """

    def __init__(self, ops: list[Op], read_later: set[Op], on_card: bool = False):
        super().__init__()
        self.ops = ops
        here = set(ops)
        self.inputs = list(dict.fromkeys(x for op in ops for x in op.inputs if x not in here))
        self.outputs = [op for op in ops if op in read_later]
        slots: dict[int, int] = {id(x): i for i, x in enumerate(self.inputs)}
        for op in ops:
            for array in () if on_card and op.packs_constants else op.arrays:
                if id(array) not in slots:
                    slots[id(array)] = len(slots)
                    self.register_buffer(f"constant_{len(slots)}", _buffer(array), persistent=True)
        for op in ops:
            slots[id(op)] = len(slots)
        self._steps = [(op, [_spec(v, slots) for v in op.arguments]) for op in ops]
        self._returns = [slots[id(op)] for op in self.outputs]
        self._names = list(self._buffers)
        self._done = self._last_reads()
        self.bytes_a_row = widest((*ops, *self.inputs))
        self.bytes_alive = alive(self.inputs, ops, self.outputs)
        self.cost = sum(map(cost, ops))

    def _last_reads(self) -> list[list[int]]:
        """After each step the slots of results that nothing reads any more."""
        last: dict[int, int] = {}
        for i, (_, specs) in enumerate(self._steps):
            for s in specs:
                slots = [s] if type(s) is int else s[1] if len(s) == 2 else []
                last.update(dict.fromkeys(slots, i))
        begin = len(self.inputs) + len(self._names)
        done: list[list[int]] = [[] for _ in self._steps]
        for slot, i in last.items():
            if slot >= begin and slot not in self._returns:
                done[i].append(slot)
        return done

    def forward(self, *inputs: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        return self._through(inputs)

    def _through(
        self, inputs: Sequence[Tensor], by_row: bool = False
    ) -> tuple[list[Tensor], list[Tensor]]:
        values: list[Any] = [*inputs, *(getattr(self, name) for name in self._names)]
        flags = []
        for (op, specs), done in zip(self._steps, self._done):
            arguments: list[Any] = [
                values[s] if type(s) is int else s[0] if len(s) == 1 else [values[i] for i in s[1]]
                for s in specs
            ]
            values.append(op.forward(*arguments))
            if isinstance(op, Guard):
                flags.append((op.holds_by_row if by_row else op.holds)(*arguments))
            for i in done:
                values[i] = None
        return [values[i] for i in self._returns], flags

    def block(
        self, inputs: list[Tensor], doubtful: list[np.ndarray] | None = None, first: int = 0
    ) -> list[Tensor]:
        """The outputs for one block of rows, or Retreat where a `Guard` does not hold.

        Where it need not hold for others, the numbers of the rows it does not hold for are added to
        `doubtful` instead, if that is given; the block's first row has the number `first`.
        """
        outputs, flags = self.forward(*inputs)
        if all(flags):
            return outputs
        if doubtful is None:
            raise Retreat(GUARDED)
        # Once more, since a product need not be the same to the last bit.
        outputs, flags = self._through(inputs, by_row=True)
        by_row = [flag for flag in flags if flag.ndim]
        if not by_row or not all(flag for flag in flags if not flag.ndim):
            raise Retreat(GUARDED)
        held = torch.stack(by_row).all(dim=0)
        doubtful.append(first + np.flatnonzero(~held.numpy()))
        return outputs

    def checked(self, inputs: list[Tensor]) -> tuple[list[Tensor], Tensor | None]:
        """The outputs, and whether all guards hold, which is not waited for."""
        outputs, flags = self.forward(*inputs)
        return outputs, torch.stack([f.reshape(()) for f in flags]).all() if flags else None

    @property
    def shapes(self) -> list[tuple[tuple[int, ...], torch.dtype]]:
        """The shape of a row of each output, and its dtype."""
        found = [(() if op.width is None else (op.width,), op.dtype) for op in self.outputs]
        return [(shape, dtype) for shape, dtype in found if dtype is not None]

    def few(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """The outputs for a handful of rows on the CPU, or Retreat, by NumPy."""
        steps, returned = self._few
        values = list(inputs)
        with np.errstate(all="ignore"):
            for step, at in steps:
                one = type(at) is int
                values.append(step(values[at]) if one else step(*[values[i] for i in at]))
        return [values[i] for i in returned]

    @cached_property
    def _few(self) -> tuple[list[tuple[Few, Any]], list[int]]:
        """Each op as a function, and the slot it reads, or a list of several."""
        slots = {op: i for i, op in enumerate([*self.inputs, *self.ops])}
        read = [[slots[x] for x in op.inputs] for op in self.ops]
        steps = [(few(op), at[0] if len(at) == 1 else at) for op, at in zip(self.ops, read)]
        return steps, [slots[op] for op in self.outputs]

    def __str__(self) -> str:
        return "device: " + " ".join(map(str, self.ops))


def _spec(value: Any, slots: dict[int, int]) -> Any:
    """An argument as the slot it is in, `(None, slots)` for several, or `(value,)` as it is."""
    if id(value) in slots:
        return slots[id(value)]
    if isinstance(value, tuple) and value and all(id(v) in slots for v in value):
        return (None, [slots[id(v)] for v in value])
    return (value,)


def _buffer(array: np.ndarray) -> Tensor:
    if array.flags.writeable and array.flags.c_contiguous:
        return torch.from_numpy(array)
    return torch.from_numpy(array.copy())
