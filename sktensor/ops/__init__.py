"""The ops: what a compiled estimator is made of, each with its meaning in torch."""

from .arithmetic import Arith, Map, MatMul, cast
from .base import Guard, Op, column_count, parts
from .columns import Cast, Column, Concat, Finite, Named, Provided, Select
from .forest import Forest, Leaves
from .host import Columns, Csr, Input, Native, Numbers, Retreat, Several, is_table, signature
from .outputs import (
    ArgMax,
    Decided,
    Labels,
    LogSoftmax,
    OnHost,
    Shares,
    Softmax,
    Take,
    WeightedMedian,
)

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
    "Labels",
    "Leaves",
    "LogSoftmax",
    "Map",
    "MatMul",
    "Named",
    "Native",
    "Numbers",
    "OnHost",
    "Op",
    "Provided",
    "Retreat",
    "Select",
    "Several",
    "Shares",
    "Softmax",
    "Take",
    "WeightedMedian",
    "cast",
    "column_count",
    "is_table",
    "parts",
    "signature",
]
