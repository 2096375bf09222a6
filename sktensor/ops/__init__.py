"""The ops: what a compiled estimator is made of, each with its meaning in torch."""

from .arithmetic import Arith, Map, MatMul, cast
from .base import Guard, Op, column_count, parts
from .columns import Cast, Column, Concat, Finite, Named, Provided, Select
from .forest import Forest, Leaves
from .host import Columns, Csr, Input, Native, Numbers, Retreat, Several, is_table, signature
from .outputs import ArgMax, Decided, LogSoftmax, Shares, Softmax, Take

__all__ = [
    "ArgMax",
    "Arith",
    "Cast",
    "Column",
    "Columns",
    "Concat",
    "Csr",
    "Decided",
    "Finite",
    "Forest",
    "Guard",
    "Input",
    "Leaves",
    "LogSoftmax",
    "Map",
    "MatMul",
    "Named",
    "Native",
    "Numbers",
    "Op",
    "Provided",
    "Retreat",
    "Select",
    "Several",
    "Shares",
    "Softmax",
    "Take",
    "cast",
    "column_count",
    "is_table",
    "parts",
    "signature",
]
