"""The rewrites, in the order they run. Each leaves every answer exactly as it was."""

from ..graph import Rule, rewrite
from ..ops import Op
from .drop_guards import drop_guards
from .fold_one_hot import fold_one_hot
from .reuse_rows import reuse_rows

PASSES: tuple[Rule, ...] = (drop_guards, reuse_rows, fold_one_hot)


def optimize(op: Op) -> Op:
    """The graph under `op` after every pass."""
    for rule in PASSES:
        op = rewrite(op, rule)
    return op
