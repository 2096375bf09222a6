"""From how many rows on a card answers sooner than the CPU, by a model of a few numbers.

    on the CPU  CALL + min(n h, POOL + n h / threads)
    on a card   CARD_CALL + launches LAUNCH + n (moved / BUS + c / processors)

seconds for n rows: h is what a row takes one thread, c what it takes one multiprocessor, `moved`
the bytes of a row that cross the bus. Both are made of sums over the ops of the program. What
native steps and the host do is the same on both sides, and left out.

The numbers of the CPU are measured, those of cards are reckoned: the bus and the launches from what
is usual, the rest from what a card of 2018 has for each multiprocessor. So a larger card may pay
somewhat earlier than this says. The variable SKTENSOR_CROSSOVER overrules it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, inf, log2

from .graph import walk
from .ops import Forest, Guard, Input, Leaves, MatMul, Op, column_count

VARIABLE = "SKTENSOR_CROSSOVER"

# Seconds.
CALL = 30e-6  # a call of few rows on the CPU
POOL = 60e-6  # handing work to threads
CARD_CALL = 80e-6  # Python, a copy each way, and waiting for both
LAUNCH = 6e-6  # an op of torch on a card; a forest is a few
FOREST_LAUNCHES = 4
# A second.
BUS = 10e9  # bytes, through pinned buffers
# A second and multiprocessor.
MEMORY = 8e9  # bytes
VISITS = 5e9  # nodes of trees
PRODUCTS = 3e9  # multiplications and additions of a product of matrices in float64


@dataclass(frozen=True)
class Work:
    """What a program does for a row: on one thread of the CPU, and in units of a card.

    Attributes: seconds of one thread; launches of a block, whatever its rows; bytes over the bus,
    bytes between ops, nodes of trees, and products.
    """

    thread: float
    launches: int
    moved: float
    touched: float
    visits: float
    products: float

    def on_processor(self) -> float:
        """Seconds that a row takes one multiprocessor, the bus aside."""
        return self.touched / MEMORY + self.visits / VISITS + self.products / PRODUCTS


def rows(work: Work, threads: int, n_processors: int) -> float:
    """The number of rows from which a card answers sooner, infinite where none is enough.

    Where one thread and all threads are both slower than the card, so is the lesser of the two.
    """
    launched = CARD_CALL + work.launches * LAUNCH - CALL
    on_card = work.moved / BUS + work.on_processor() / n_processors
    if work.thread / threads <= on_card:
        return inf
    alone = launched / (work.thread - on_card)
    together = (launched - POOL) / (work.thread / threads - on_card)
    return max(1, ceil(alone), ceil(together) if threads > 1 else 1)


def work_of(root: Op) -> Work:
    """What the ops of a program do for a row."""
    order = list(walk(root))
    here = [op for op in order if not op.on_host and not isinstance(op, Input)]
    there = set(order) - set(here)
    sent = {x for op in here for x in op.inputs if x in there}
    fetched = {x for op in there for x in op.inputs if x not in there} | {root} - there
    forests = [op for op in here if isinstance(op, Forest | Leaves)]
    return Work(
        thread=sum(map(_on_thread, here)),
        launches=sum(FOREST_LAUNCHES if op in forests else 1 for op in here),
        moved=_bytes(sent) + _bytes(fetched),
        touched=2 * _bytes(op for op in here if not isinstance(op, Guard)),
        visits=sum(len(op.roots) * _depth(op) for op in forests),
        products=sum(op.weight.size for op in here if isinstance(op, MatMul)),
    )


def asked() -> float | None:
    """What the environment says the crossover is: a number of rows, or "never".

    ValueError for anything else.
    """
    said = os.environ.get(VARIABLE, "").strip()
    if said in ("", "never"):
        return inf if said else None
    if not said.isdecimal():
        raise ValueError(f"{VARIABLE} is a number of rows, or 'never', and not {said!r}")
    return int(said)


def _bytes(ops: Iterable[Op]) -> int:
    """What a row of some results takes."""
    return sum(column_count(op) * (8 if op.dtype is None else op.dtype.itemsize) for op in ops)


def _on_thread(op: Op) -> float:
    """Seconds that a row takes one thread, as the program cuts blocks by."""
    if isinstance(op, Forest):
        return 0.35e-9 * (len(op.feature) / max(1, len(op.roots))) ** 0.4 * len(op.roots)
    return 0.1e-9 * op.weight.size if isinstance(op, MatMul) else 0.5e-9 * column_count(op)


def _depth(op: Forest | Leaves) -> float:
    """About how many nodes of a tree a row visits."""
    return log2(1 + len(op.feature) / max(1, len(op.roots)))
