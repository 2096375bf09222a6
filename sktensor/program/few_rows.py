"""How many rows are so few that NumPy answers all of them on one thread."""

from __future__ import annotations

from collections.abc import Sequence

from ..ops import Forest, Guard, MatMul, Op, twin
from ..sizes import cost, widest
from ..threads import WORTH_A_THREAD

FEW_ROWS = 64  # up to so many, calling torch costs more than it computes
ONE_THREAD = 1.5e6  # nanoseconds of work up to which one thread is done before others are awake
MOST_BYTES = 2**22  # that a result may take: beyond, blocks that stay in the cache are faster
NARROW = 4  # how many times as wide as all that is made of it a row is that is only read
NARROW_BYTES = 2**23  # of such rows at a time


def most(ops: Sequence[Op], inputs: Sequence[Op]) -> int:
    """Up to how many rows at a time NumPy is as fast as torch, which has all threads."""
    if any(twin(op) is None for op in ops):
        return FEW_ROWS
    if is_narrow(ops, inputs):
        return max(FEW_ROWS, NARROW_BYTES // widest((*inputs, *_made(ops))))
    trees = any(isinstance(op, Forest) for op in ops)
    # Kernels of trees have no need of torch's threads, and ours are soon awake.
    work = min(WORTH_A_THREAD, ONE_THREAD) if trees else ONE_THREAD
    rows = min(work / max(1.0, sum(map(cost, ops))), MOST_BYTES / widest((*ops, *inputs)))
    return max(FEW_ROWS, int(rows))


def is_narrow(ops: Sequence[Op], inputs: Sequence[Op]) -> bool:
    """Whether NumPy answers however many rows there are: its products have threads too.

    So it does where little is made of what is read, and where products are most of the work. The
    threads of torch, for ops so short, mostly wait for Python's lock.
    """
    if not NARROW_BYTES or any(twin(op) is None or isinstance(op, Forest) for op in ops):
        return False
    made = _made(ops)
    products = sum(cost(op) for op in made if isinstance(op, MatMul))
    return NARROW * widest(made) <= widest(inputs) or 2 * products >= sum(map(cost, made))


def _made(ops: Sequence[Op]) -> list[Op]:
    """Those that make something: guards pass on what they read."""
    return [op for op in ops if not isinstance(op, Guard)]
