"""Rows through a card, block by block: copied there, worked on and copied back side by side.

While the card works on block k, block k + 1 is on its way there and what block k - 1 gave on its
way back. There are two slots of memory for this, used in turn, and marks say when each is free.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from . import Card, Feed, Part, Work, is_full
from .captured import MOST_CAPTURED, Captured, whole

logger = logging.getLogger("sktensor")

MOST_BYTES = 2**28  # of a block: above, copies would have less to run beside
ASKED_BYTES = 2**24  # up to so many, the driver is not asked what is free
STAGED_BYTES = 2**20  # from so many on, pinned memory is worth the copy into it


class Streamed:
    """A stage on a card: of all rows of its inputs, to all rows of its outputs.

    `work` is what is done with a block, to its outputs and to one boolean, whether guards hold.
    """

    def __init__(
        self,
        card: Callable[[], Card],
        work: Work,
        outputs: Sequence[Part],
        bytes_a_row: int,
        batch_size: int | None = None,
    ):
        self._card, self._work, self._outputs = card, work, outputs
        self._bytes_a_row, self._batch_size = bytes_a_row, batch_size
        self._captured = Captured(work)

    def __call__(self, feeds: Sequence[Feed], n_rows: int, stays: bool) -> list[Tensor] | None:
        """The outputs, or None where guards do not hold.

        They are on the card where they are to stay, and where all rows fit into one small block;
        else on the host. Raises torch.OutOfMemoryError where not even one row fits.
        """
        card = self._card()
        size = min(n_rows, self._size(card, n_rows))
        sent = sum(size_of(p) for f in feeds if f.resident is None for p in f.parts)
        if n_rows <= size and (stays or n_rows * sent < STAGED_BYTES):
            try:
                return self._at_once(card, feeds, n_rows)
            except RuntimeError as error:
                if not is_full(error):
                    raise
            card.release()
        make = card.room if stays else partial(torch.empty, device="cpu")
        outputs = [make((n_rows, *shape), dtype=dtype) for shape, dtype in self._outputs]
        return outputs if stream(card, feeds, self._work, outputs, size, stays) else None

    def _size(self, card: Card, n_rows: int) -> int:
        """Rows of a block: a power of two, of which some are on the card beside what is free."""
        if self._batch_size is not None:
            return self._batch_size
        if n_rows * self._bytes_a_row <= ASKED_BYTES:
            return n_rows
        rows = max(1, min(card.free() // 2, MOST_BYTES) // self._bytes_a_row)
        return 1 << (rows.bit_length() - 1)

    def _at_once(self, card: Card, feeds: Sequence[Feed], n_rows: int) -> list[Tensor] | None:
        found: list[tuple[list[Tensor], Tensor | None]] = []

        def task() -> None:
            found.append(self._work([whole(card, feed, n_rows) for feed in feeds]))

        if card.captures and n_rows <= MOST_CAPTURED:
            found.append(self._captured(card, feeds, n_rows))
        else:
            card.run("work", task)
        outputs, holds = found[0]
        return outputs if holds is None or bool(holds) else None


def size_of(part: Part) -> int:
    """Bytes of one row."""
    shape, dtype = part
    return torch.Size(shape).numel() * dtype.itemsize


def stream(
    card: Card, feeds: Sequence[Feed], work: Work, outputs: list[Tensor], size: int, stays: bool
) -> bool:
    """Fill in the outputs in blocks of `size` rows, and whether guards hold.

    Where the card is full the blocks become half as large; those that are done are kept.
    """
    lo, n_rows = 0, len(outputs[0])
    while lo < n_rows:
        flow = _Flow(card, feeds, work, outputs, lo, min(size, n_rows - lo), stays)
        flow.run()
        lo = flow.lo
        if not flow.holds:
            return False
        if flow.full is not None:
            words, size = flow.full, flow.size
            del flow  # and what it has on the card
            card.release()
            if size == 1:
                raise torch.OutOfMemoryError(words)
            size //= 2
            logger.info("the card is full: blocks of %d rows from row %d on", size, lo)
    return True


class _Slot:
    """Memory for a block that is under way."""

    def __init__(self, card: Card, feeds: Sequence[Feed], outputs: list[Tensor], size: int):
        parts = [[] if f.resident is not None else f.parts for f in feeds]
        self.staged = [[card.staging((size, *s), d) for s, d in some] for some in parts]
        self.sent = [[card.room((size, *s), d) for s, d in some] for some in parts]
        self.back = [card.staging((size, *o.shape[1:]), o.dtype) for o in outputs]
        self.holds = card.staging((1,), torch.bool)
        self.found: list[Tensor] = []  # kept until it is back
        self.flag: Tensor | None = None
        self.copied = self.done = self.fetched = None  # marks


class _Flow:
    """Blocks of one size, from row `lo` on as far as memory lasts."""

    def __init__(
        self,
        card: Card,
        feeds: Sequence[Feed],
        work: Work,
        outputs: list[Tensor],
        lo: int,
        size: int,
        stays: bool,
    ):
        self.card, self.feeds, self.work, self.outputs = card, feeds, work, outputs
        self.lo, self.size, self.stays = lo, size, stays
        self.holds = True
        self.full: str | None = None
        self.flying: deque[tuple[_Slot, int, int]] = deque()

    def run(self) -> None:
        """Move `lo` to the first row that is not done."""
        try:
            try:
                self._flow()
            except RuntimeError as error:
                if not is_full(error):
                    raise
                self.full = str(error)
            while self.flying and self.holds:
                self._land()
        finally:
            # Nothing of a slot may be given back while a lane still has to do with it.
            self.card.synchronize()

    def _flow(self) -> None:
        n_rows = len(self.outputs[0])
        starts = range(self.lo, n_rows, self.size)
        back = [] if self.stays else self.outputs
        slots = [_Slot(self.card, self.feeds, back, self.size) for _ in starts[:2]]
        # What the card still does with memory that it was given anew is done before.
        self.card.follow("in", self.card.mark("work"))
        self._send(slots[0], self.lo, min(self.lo + self.size, n_rows))
        for k, lo in enumerate(starts):
            hi = min(lo + self.size, n_rows)
            if hi < n_rows:
                self._send(slots[(k + 1) % 2], hi, min(hi + self.size, n_rows))
            slot = slots[k % 2]
            self._launch(slot, lo, hi)
            self.flying.append((slot, lo, hi))
            if len(self.flying) > 1:
                self._land()
            if not self.holds:
                return

    def _send(self, slot: _Slot, lo: int, hi: int) -> None:
        """Have a block copied to the card."""
        n = hi - lo
        self.card.wait(slot.copied)
        for feed, staged in zip(self.feeds, slot.staged):
            if staged:
                feed.fill(lo, hi, [t[:n] for t in staged])
        self.card.follow("in", slot.done)

        def copy() -> None:
            for staged, sent in zip(slot.staged, slot.sent):
                for source, into in zip(staged, sent):
                    self.card.copy(source[:n], into[:n])

        self.card.run("in", copy)
        slot.copied = self.card.mark("in")

    def _launch(self, slot: _Slot, lo: int, hi: int) -> None:
        """Have the card work on a block, and copy back what comes of it."""
        n = hi - lo

        def task() -> None:
            inputs = [
                feed.join([t[:n] for t in sent]) if feed.resident is None else feed.resident[lo:hi]
                for feed, sent in zip(self.feeds, slot.sent)
            ]
            slot.found, slot.flag = self.work(inputs)
            for output, found in zip(self.outputs, slot.found):
                if found.dtype != output.dtype or found.shape[1:] != output.shape[1:]:
                    raise AssertionError(f"{found.dtype} {tuple(found.shape)}")
                if self.stays:
                    output[lo:hi].copy_(found)

        def fetch() -> None:
            for found, back in zip(slot.found, slot.back):
                self.card.copy(found, back[:n])
            if slot.flag is not None:
                self.card.copy(slot.flag.reshape(1), slot.holds)

        self.card.follow("work", slot.copied)
        self.card.run("work", task)
        slot.done = self.card.mark("work")
        self.card.follow("out", slot.done)
        self.card.run("out", fetch)
        slot.fetched = self.card.mark("out")

    def _land(self) -> None:
        """Wait for the oldest block under way, and put what has come back in its place."""
        slot, lo, hi = self.flying.popleft()
        self.card.wait(slot.fetched)
        self.holds = slot.flag is None or bool(slot.holds)
        if self.holds:
            for output, back in zip(self.outputs, slot.back):
                output[lo:hi].copy_(back[: hi - lo])
            self.lo = hi
