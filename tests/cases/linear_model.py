"""Rows for `sklearn.linear_model`."""

from sklearn.linear_model import LogisticRegression

from ..support import Case
from . import data as d

CASES = [
    Case(LogisticRegression(), y=d.Y_LABELS),
    Case(LogisticRegression(), y=d.Y_MULTI),
]
