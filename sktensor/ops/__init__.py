"""The ops: what a compiled estimator is made of, each with its meaning in torch."""

from .arithmetic import Arith, Map, MatMul, Quadratic, RowSum, cast
from .base import MOST_DOUBTFUL, Guard, Op, Retreat, column_count, parts
from .categories import CategoryCodes
from .centers import CenterDistances
from .columns import (
    Between,
    Cast,
    Column,
    Concat,
    Defined,
    Finite,
    Named,
    Provided,
    Select,
    no_larger,
    unnamed,
)
from .coupling import Coupled
from .csr import CsrProduct, CsrScale, CsrSelect, CsrSizes, ValidCsr
from .curves import Bins, Bounded, BoxCox, Interpolate, Products, YeoJohnson
from .donors import FillFromNearest
from .elementwise import FLOATS_OF_INTEGERS, UFUNCS, Above, Logistic, erf, exp, ndtri, sqrt, tanh
from .encode import Fill, GatherSum, KnownCodes, Missing, OneHot, Recode, Search
from .few import few, twin
from .forest import Forest, Leaves
from .host import Columns, Csr, Input, Native, Numbers, Several, is_table, signature
from .likelihoods import SquaredDistances, Trusted
from .lookup import AllKnown, Lookable, Lookup
from .missing import FillTable, MissingCells
from .nearest import Closeness, Nearest, Squares, Votes
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
from .rounds import Rounds
from .sparse import CsrParts, as_csr
from .splines import Spline

__all__ = [
    "FLOATS_OF_INTEGERS",
    "MOST_DOUBTFUL",
    "UFUNCS",
    "Above",
    "AllKnown",
    "ArgMax",
    "Arith",
    "Between",
    "Bins",
    "Bounded",
    "BoxCox",
    "Cast",
    "CategoryCodes",
    "CenterDistances",
    "Closeness",
    "Column",
    "Columns",
    "Concat",
    "Coupled",
    "Csr",
    "CsrParts",
    "CsrProduct",
    "CsrScale",
    "CsrSelect",
    "CsrSizes",
    "Decided",
    "Defined",
    "Fill",
    "FillFromNearest",
    "FillTable",
    "Finite",
    "Forest",
    "GatherSum",
    "Guard",
    "Input",
    "Interpolate",
    "KnownCodes",
    "Labels",
    "Leaves",
    "LogSoftmax",
    "Logistic",
    "Lookable",
    "Lookup",
    "Map",
    "MatMul",
    "Missing",
    "MissingCells",
    "Named",
    "Native",
    "Nearest",
    "Numbers",
    "OnHost",
    "OneHot",
    "Op",
    "Products",
    "Provided",
    "Quadratic",
    "Recode",
    "Retreat",
    "Rounds",
    "RowSum",
    "Search",
    "Select",
    "Several",
    "Shares",
    "Softmax",
    "Spline",
    "SquaredDistances",
    "Squares",
    "Take",
    "Trusted",
    "ValidCsr",
    "Votes",
    "WeightedMedian",
    "YeoJohnson",
    "as_csr",
    "cast",
    "column_count",
    "erf",
    "exp",
    "few",
    "is_table",
    "ndtri",
    "no_larger",
    "parts",
    "signature",
    "sqrt",
    "tanh",
    "twin",
    "unnamed",
]
