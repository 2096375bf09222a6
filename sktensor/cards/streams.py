"""Cards of NVIDIA and AMD: lanes are streams, marks are events, staging is pinned memory."""

from __future__ import annotations

import logging
import threading
from functools import cache, cached_property
from typing import Any

import torch
from torch import Tensor

from . import Card, Shape, Task
from .rehearsal import rehearse

logger = logging.getLogger("sktensor")

_capturing = threading.Lock()


class _Records:
    """What the records of one card share: a stream to be made on, and their order.

    The stream is of a kind that no lane is, since what is put into it meanwhile would be recorded
    too. Libraries keep memory for each stream, so records made on one must not run side by side.
    """

    def __init__(self, device: torch.device):
        self.stream = torch.cuda.Stream(device, priority=-1)
        self.lock = threading.Lock()
        self.last: Any = None  # an event behind what was done again last


_records = cache(_Records)


class CudaCard(Card):
    """A card for one call of one thread, whose current stream is where the work is done."""

    asynchronous = True

    @cached_property
    def _lanes(self) -> dict[str, Any]:
        # Streams come from torch's pool, so that this makes none after the first few calls.
        return {"work": self._current, **{k: torch.cuda.Stream(self.device) for k in ("in", "out")}}

    @cached_property
    def _current(self) -> Any:
        return torch.cuda.current_stream(self.device)

    def _lane(self, name: str) -> Any:
        return self._current if name == "work" else self._lanes[name]

    def free(self) -> int:
        cached = torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
        return torch.cuda.mem_get_info(self.device)[0] + cached

    def staging(self, shape: Shape, dtype: torch.dtype) -> Tensor:
        try:
            with torch.cuda.device(self.device):  # or the first card would be woken for it
                return torch.empty(shape, dtype=dtype, device="cpu", pin_memory=True)
        except RuntimeError as error:  # as little may be pinned as the system likes
            logger.info("copies from memory that is not pinned: %s", error)
            return torch.empty(shape, dtype=dtype, device="cpu")

    def run(self, lane: str, task: Task) -> None:
        with torch.cuda.stream(self._lane(lane)):  # and its device
            task()

    def mark(self, lane: str) -> Any:
        with torch.cuda.device(self.device):
            event = torch.cuda.Event()
            event.record(self._lane(lane))
        return event

    def follow(self, lane: str, mark: Any) -> None:
        if mark is not None:
            self._lane(lane).wait_event(mark)

    def wait(self, mark: Any) -> None:
        if mark is not None:
            mark.synchronize()

    def synchronize(self) -> None:
        for lane in self._lanes.values():
            lane.synchronize()

    def release(self) -> None:
        with torch.cuda.device(self.device):
            torch.cuda.empty_cache()

    @property
    def captures(self) -> bool:
        return hasattr(torch.cuda, "CUDAGraph")

    def record(self, task: Task) -> Task:
        records = _records(self.device)
        # One at a time. Other threads may go on: what they do is no part of it and, being theirs,
        # does not break it.
        with _capturing, torch.cuda.device(self.device):
            side, graph = records.stream, torch.cuda.CUDAGraph()
            side.wait_stream(self._current)
            if records.last is not None:
                side.wait_event(records.last)
            try:
                with torch.cuda.stream(side):
                    # Libraries get what they need for this stream. A record that fails on its way
                    # leaves torch's memory and random numbers in disorder, so this is seen before.
                    rehearse(task, self.device)
            finally:
                self._current.wait_stream(side)
            with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
                task()

        def replay() -> None:
            current = torch.cuda.current_stream(self.device)
            with records.lock:
                if records.last is not None:
                    current.wait_event(records.last)
                graph.replay()
                records.last = current.record_event()

        return replay
