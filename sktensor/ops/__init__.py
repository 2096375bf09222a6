"""The ops: what a compiled estimator is made of, each with its meaning in torch."""

from .arithmetic import Arith, Map, MatMul, cast
from .base import Op, column_count, parts
from .columns import Cast, Column, Concat, Finite, Named, Select
from .forest import Forest, Leaves
from .host import Columns, Csr, Input, Native, Numbers, Retreat, Several, is_table, signature
from .outputs import ArgMax, Softmax, Take

__all__ = [
    "ArgMax",
    "Arith",
    "Cast",
    "Column",
    "Columns",
    "Concat",
    "Csr",
    "Finite",
    "Forest",
    "Input",
    "Leaves",
    "MatMul",
    "Map",
    "Named",
    "Native",
    "Numbers",
    "Op",
    "Retreat",
    "Select",
    "Several",
    "Softmax",
    "Take",
    "cast",
    "column_count",
    "is_table",
    "parts",
    "signature",
]
