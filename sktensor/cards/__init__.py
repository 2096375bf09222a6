"""Devices beside the CPU: their memory, and lanes of work beside each other and the host.

Nothing here knows what is computed. `streaming` takes rows there block by block, `captured` records
what small batches launch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

UNKNOWN_BYTES = 2**30  # taken to be free where the driver does not say

Task = Callable[[], None]
Shape = tuple[int, ...]
Part = tuple[Shape, torch.dtype]  # the shape of one row, and its dtype
Work = Callable[[list[Tensor]], tuple[list[Tensor], Tensor | None]]


class Feed(Protocol):
    """An input of a stage: `parts` are copied as they are, and made one tensor on the card."""

    parts: list[Part]
    resident: Tensor | None  # all rows, where they are on the card already

    def fill(self, lo: int, hi: int, into: list[Tensor]) -> None:
        """Write rows `lo` to `hi` into tensors on the host, one for each part."""

    def join(self, sent: list[Tensor]) -> Tensor:
        """The input from its parts on the card."""


class Card:
    """A device that does at once what it is told: one without streams, or the CPU as a card.

    There are three lanes, "in", "work" and "out". A mark is a place in a lane: another lane
    follows it, or the host waits for it.
    """

    asynchronous = False

    def __init__(self, device: torch.device):
        self.device = device

    def free(self) -> int:
        """Bytes that can still be allocated."""
        if self.device.type == "mps":
            return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        if self.device.type == "xpu" and hasattr(torch.xpu, "mem_get_info"):
            return torch.xpu.mem_get_info(self.device)[0]
        return UNKNOWN_BYTES

    def staging(self, shape: Shape, dtype: torch.dtype) -> Tensor:
        """Memory on the host that the card copies from and to."""
        return torch.empty(shape, dtype=dtype, device="cpu")

    def room(self, shape: Shape, dtype: torch.dtype) -> Tensor:
        """Memory on the card."""
        return torch.empty(shape, dtype=dtype, device=self.device)

    def copy(self, source: Tensor, into: Tensor) -> None:
        """Copy, without waiting for it."""
        into.copy_(source, non_blocking=self.asynchronous)

    def run(self, lane: str, task: Task) -> None:
        """Put a task at the end of a lane."""
        task()

    def mark(self, lane: str) -> Any:
        """What is at the end of a lane now."""
        return None

    def follow(self, lane: str, mark: Any) -> None:
        """Have what is put into a lane from now on wait for a mark."""

    def wait(self, mark: Any) -> None:
        """Have the host wait for a mark."""

    def synchronize(self) -> None:
        """Have the host wait for all lanes."""

    def release(self) -> None:
        """Give back what is allocated and not in use."""
        if self.device.type == "mps":
            torch.mps.empty_cache()
        elif self.device.type == "xpu":
            torch.xpu.empty_cache()

    @property
    def captures(self) -> bool:
        """Whether `record` can be asked."""
        return False

    def record(self, task: Task) -> Task:
        """What does again what a task had the card do; whatever error says that it cannot be."""
        raise NotImplementedError


def card_of(device: torch.device) -> Card:
    """The device for one call."""
    if device.type == "cuda":
        from .streams import CudaCard

        return CudaCard(device)
    return Card(device)


def is_full(error: Exception) -> bool:
    """Whether an error says that memory has run out, whichever library says so."""
    words = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError)
        and any(w in words for w in ("out of memory", "alloc_failed", "can't allocate memory"))
    )
