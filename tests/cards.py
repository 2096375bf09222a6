"""Cards made of the CPU, for what real ones do: run out of memory, run lanes side by side, record.

What is computed is computed, by torch on the CPU; none of them stands in for an answer.
"""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sktensor.cards import Card
from sktensor.cards.streaming import Streamed

CPU = torch.device("cpu")


def answer_on(card: Card, program: Any, X: Any, *, stays: bool = False) -> Any:
    """What a program for the CPU answers with its stages run as on a card."""
    program.__dict__["_streamed"] = streamed_on(card, program)
    return answer_again(program, X, stays=stays)


def streamed_on(card: Card, program: Any) -> dict[Any, Streamed]:
    return {
        stage: Streamed(
            lambda: card, stage.checked, stage.shapes, stage.bytes_alive, program.batch_size
        )
        for stage in program.stages
        if hasattr(stage, "checked")
    }


def answer_again(program: Any, X: Any, *, stays: bool = False) -> Any:
    def run(stage: Any, results: Any, n_rows: int) -> None:
        found = program._on_card(stage, results, n_rows, stays)
        results.update(zip(stage.outputs, found, strict=True))

    answer = program._answer(X, run)
    return answer.numpy() if isinstance(answer, torch.Tensor) and not stays else answer


class SmallCard(Card):
    """A card of so many bytes: what is allocated there beyond them raises as torch does."""

    def __init__(self, capacity: int, says: int | None = None):
        super().__init__(CPU)
        self.memory = _Memory(capacity)
        self.says = says  # what the driver says is free, where that is not so
        self.rows: list[int] = []  # of each block that was begun

    def free(self) -> int:
        left = self.memory.capacity - self.memory.used()
        return left if self.says is None else self.says

    def room(self, shape: Any, dtype: torch.dtype) -> torch.Tensor:
        with self.memory:
            return torch.empty(shape, dtype=dtype)

    def run(self, lane: str, task: Any) -> None:
        with self.memory:
            task()


class _Memory(TorchDispatchMode):
    def __init__(self, capacity: int):
        super().__init__()
        self.capacity, self.peak = capacity, 0
        self._storages: dict[int, tuple[StorageWeakRef, int]] = {}

    def used(self) -> int:
        self._storages = {k: v for k, v in self._storages.items() if not v[0].expired()}
        return sum(size for _, size in self._storages.values())

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = {t.untyped_storage()._cdata for t in _tensors((args, kwargs))}
        found = func(*args, **(kwargs or {}))
        for tensor in _tensors(found):
            storage = tensor.untyped_storage()
            if storage._cdata not in given:
                self._storages[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        used = self.used()
        if used > self.capacity:
            raise torch.OutOfMemoryError(f"out of memory: {used} of {self.capacity} bytes")
        self.peak = max(self.peak, used)
        return found


def _tensors(tree: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


class ShuffledCard(Card):
    """A card whose lanes go on whenever they like, as far as they need not wait for each other."""

    def __init__(self, seed: int):
        super().__init__(CPU)
        self._random = random.Random(seed)
        self._lanes: dict[str, deque[Any]] = {lane: deque() for lane in ("in", "work", "out")}

    def run(self, lane: str, task: Any) -> None:
        self._lanes[lane].append(task)
        for _ in range(self._random.choice([0, 0, 1, 2, 5])):
            self._step()

    def mark(self, lane: str) -> Any:
        mark = _Mark()
        self._lanes[lane].append(mark)
        return mark

    def follow(self, lane: str, mark: Any) -> None:
        if mark is not None:
            self._lanes[lane].append(("after", mark))

    def wait(self, mark: Any) -> None:
        while mark is not None and not mark.passed:
            assert self._step(), "lanes wait for each other"

    def synchronize(self) -> None:
        while self._step():
            pass
        assert not any(self._lanes.values()), "lanes wait for each other"

    def _step(self) -> bool:
        """Do one thing of some lane that can go on; False where none can."""
        ready = [q for q in self._lanes.values() if q and self._may_go_on(q[0])]
        if not ready:
            return False
        item = self._random.choice(ready).popleft()
        if isinstance(item, _Mark):
            item.passed = True
        elif not isinstance(item, tuple):
            item()
        return True

    @staticmethod
    def _may_go_on(item: Any) -> bool:
        return not isinstance(item, tuple) or item[1].passed


class _Mark:
    passed = False


class RecordingCard(Card):
    """A card that records torch's ops, and does them again on the same memory.

    As on a real one, what comes of the host meanwhile, or goes there, cannot be recorded.
    """

    def __init__(self, constants: Any = ()):
        super().__init__(CPU)
        self._known = list(constants)
        self.records = self.replays = 0

    @property
    def captures(self) -> bool:
        return True

    def room(self, shape: Any, dtype: torch.dtype) -> torch.Tensor:
        self._known.append(super().room(shape, dtype))
        return self._known[-1]

    def record(self, task: Any) -> Any:
        task()
        calls = _Calls(self._known)
        with calls:
            task()
        self.records += 1

        def replay() -> None:
            self.replays += 1
            calls.replay()

        return replay


class _Calls(TorchDispatchMode):
    def __init__(self, known: list[torch.Tensor]):
        super().__init__()
        self._known = {t.untyped_storage()._cdata for t in known}
        self._calls: list[Any] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        seen = [t.untyped_storage()._cdata for t in _tensors((args, kwargs))]
        if func is torch.ops.aten._local_scalar_dense.default or not self._known.issuperset(seen):
            raise RuntimeError("operation not permitted when stream is capturing")
        found = func(*args, **(kwargs or {}))
        self._known |= {t.untyped_storage()._cdata for t in _tensors(found)}
        self._calls.append((func, args, kwargs or {}, _tensors(found)))
        return found

    def replay(self) -> None:
        for func, args, kwargs, results in self._calls:
            for new, old in zip(_tensors(func(*args, **kwargs)), results, strict=True):
                if new.data_ptr() != old.data_ptr():
                    old.copy_(new)
