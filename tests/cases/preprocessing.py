"""Rows for `sklearn.preprocessing`: columns of numbers."""

from sklearn.preprocessing import StandardScaler

from ..support import Case
from . import data as d

CASES = [
    Case(StandardScaler()),
    Case(StandardScaler(with_mean=False), d.X_NAN),
    Case(StandardScaler(with_std=False)),
]
