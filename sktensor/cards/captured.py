"""Small batches on a card: what is launched for them is recorded once, and done again at once.

Launching takes longer than the work there. Rows are made up to a power of two with copies of the
first, before there is a record and after, so that a row's answer does not depend on that.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from . import Card, Feed, Part, Task, Work, is_full

logger = logging.getLogger("sktensor")

MOST_CAPTURED = 256  # rows
MOST_RECORDS = 16
FULL_CALLS = 1000  # before it is tried again where the card was full
WARM_UPS = 2  # calls before one is recorded: kernels are compiled in them


class _Record:
    """The launches for one number of rows: from inputs in their places to outputs in theirs."""

    def __init__(self, card: Card, feeds: Sequence[Feed], size: int):
        self.staged = [
            [] if f.resident is not None else [card.staging((size, *s), d) for s, d in f.parts]
            for f in feeds
        ]
        self.sent = [[card.room((size, *s), d) for s, d in f.parts] for f in feeds]
        self.outputs: list[Tensor] = []
        self.holds: Tensor | None = None
        self.replay: Task = self.not_recorded
        self.copied: Any = None

    @staticmethod
    def not_recorded() -> None:
        raise AssertionError("nothing was recorded")

    def fill(self, card: Card, feeds: Sequence[Feed], n_rows: int) -> None:
        """Put rows in the inputs' places."""
        card.wait(self.copied)
        for feed, staged, sent in zip(feeds, self.staged, self.sent):
            if feed.resident is not None:
                sent[0][:n_rows].copy_(feed.resident)
            else:
                feed.fill(0, n_rows, [t[:n_rows] for t in staged])
                for source, into in zip(staged, sent):
                    card.copy(source[:n_rows], into[:n_rows])
            for into in sent:
                into[n_rows:] = into[:1]
        self.copied = card.mark("work")

    def run(self, feeds: Sequence[Feed], work: Work) -> None:
        """What is recorded."""
        inputs = [
            sent[0] if feed.resident is not None else feed.join(sent)
            for feed, sent in zip(feeds, self.sent)
        ]
        self.outputs, self.holds = work(inputs)


class Captured:
    """The records of one stage, which go when it goes. Threads that meet here do not wait."""

    def __init__(self, work: Work):
        self._work = work
        self._records: dict[Any, _Record] = {}
        self._calls: dict[Any, int] = {}
        self._declined = False
        self._lock = threading.Lock()
        self._last: Any = None  # a mark behind what the last thread had done here

    def __call__(
        self, card: Card, feeds: Sequence[Feed], n_rows: int
    ) -> tuple[list[Tensor], Tensor | None]:
        """The outputs, and whether guards hold."""
        size = 1 << (n_rows - 1).bit_length()
        if self._declined or not self._lock.acquire(blocking=False):
            return self._plainly(card, feeds, n_rows, size)
        try:
            card.follow("work", self._last)
            record = self._record(card, feeds, n_rows, size)
            if record is None:
                return self._plainly(card, feeds, n_rows, size)
            record.fill(card, feeds, n_rows)
            record.replay()
            # The next batch is answered in the same places.
            found = [output[:n_rows].clone() for output in record.outputs]
            holds = None if record.holds is None else record.holds.clone()
            self._last = card.mark("work")
            return found, holds
        finally:
            self._lock.release()

    def _plainly(
        self, card: Card, feeds: Sequence[Feed], n_rows: int, size: int
    ) -> tuple[list[Tensor], Tensor | None]:
        inputs = []
        for feed in feeds:
            x = whole(card, feed, n_rows)
            more = x[:1].expand(size - n_rows, *x.shape[1:])
            inputs.append(torch.cat([x, more]) if size > n_rows else x)
        outputs, holds = self._work(inputs)
        return [output[:n_rows] for output in outputs], holds

    def _record(self, card: Card, feeds: Sequence[Feed], n_rows: int, size: int) -> _Record | None:
        """The record for so many rows, once there were calls enough; None where there is none."""
        key = size, tuple((f.resident is None, tuple(f.parts)) for f in feeds)
        record = self._records.get(key)
        if record is not None:
            return record
        if len(self._calls) > 4 * MOST_RECORDS:
            self._calls.clear()
        calls = self._calls[key] = self._calls.get(key, 0) + 1
        if calls <= WARM_UPS or len(self._records) >= MOST_RECORDS:
            return None
        try:
            record = _Record(card, feeds, size)
            record.fill(card, feeds, n_rows)
            record.replay = card.record(lambda: record.run(feeds, self._work))
        except Exception as error:  # whatever the driver, a library or an op has against it
            self._declined = not is_full(error)
            self._calls[key] = -FULL_CALLS
            logger.info("small batches are launched op by op: %s", error)
            return None
        self._records[key] = record
        return record


def whole(card: Card, feed: Feed, n_rows: int) -> Tensor:
    """All rows of an input on the card."""
    if feed.resident is not None:
        return feed.resident
    parts: list[Part] = list(feed.parts)
    host = [torch.empty((n_rows, *shape), dtype=dtype, device="cpu") for shape, dtype in parts]
    feed.fill(0, n_rows, host)
    return feed.join([t.to(card.device) for t in host])
