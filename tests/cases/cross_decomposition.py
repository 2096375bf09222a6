"""Rows for `sklearn.cross_decomposition`."""

from sklearn.cross_decomposition import CCA, PLSSVD, PLSCanonical, PLSRegression

from ..support import Case
from . import data as d

CASES = [
    Case(PLSRegression(), y=d.Y_REAL),
    Case(PLSRegression(scale=False), y=d.Y_OUTPUTS),
    Case(PLSRegression(n_components=1), y=d.Y_REAL[:, None]),
    Case(PLSCanonical(), y=d.Y_OUTPUTS),
    Case(CCA(), y=d.Y_OUTPUTS),
    Case(PLSSVD(), y=d.Y_OUTPUTS),
]
