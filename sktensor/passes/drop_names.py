"""Names of columns that no answer has.

f(named(x)) = f(x): a step that is set to return a DataFrame, within a pipeline, is read for its
numbers alone. Its names tell converters which columns are which, and afterwards nobody.
"""

from __future__ import annotations

from ..ops import Named, Native, Op, Several, unnamed


def drop_names(op: Op) -> Op | None:
    """An op that reads the numbers of a DataFrame made on the way."""
    if isinstance(op, Several | Native) or not any(isinstance(x, Named) for x in op.inputs):
        return None
    return op.with_inputs(unnamed)
