"""The rewrites, in the order they run. Each leaves every answer exactly as it was."""

from collections.abc import Callable

from ..graph import Rule, Survey, rewrite
from ..ops import Op
from .compute_once import compute_once
from .drop_guards import drop_guards
from .drop_unused import drop_unused
from .fold_affine import fold_affine
from .fold_one_hot import fold_one_hot
from .fold_polynomial import fold_polynomial
from .fold_thresholds import fold_thresholds
from .merge_forests import merge_forests
from .reuse_rows import reuse_rows

# The pass, the root before and after it, and what every op became.
Watch = Callable[[str, Op, Op, dict[Op, Op]], None]

PASSES: tuple[Rule | Survey, ...] = (
    fold_thresholds,  # before guards are dropped: it moves them
    compute_once,
    merge_forests,  # of what they read by now, made once
    drop_guards,
    reuse_rows,
    fold_one_hot,
    fold_affine,  # of what is left of products and decisions
    fold_polynomial,  # after it, of scaled products too
    drop_unused,
)


def optimize(op: Op, watch: Watch | None = None) -> Op:
    """The graph under `op` after every pass; `watch` is told of each one."""
    for rule in PASSES:
        done: dict[Op, Op] = {}
        new = rewrite(op, rule, done)
        if watch is not None:
            watch(rule.__name__, op, new, done)
        op = new
    return op
