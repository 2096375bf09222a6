"""Rows for `sklearn.discriminant_analysis`."""

from sklearn.discriminant_analysis import LinearDiscriminantAnalysis as LDA

from ..support import Case
from . import data as d

CASES = [
    *(Case(LDA(), y=y) for y in (d.Y_LABELS, d.Y_MULTI, d.Y_TEXT)),
    Case(LDA(n_components=1, solver="eigen", shrinkage="auto"), y=d.Y_MULTI, probe=d.X * 1e3),
    Case(LDA(solver="eigen"), y=d.Y_BINARY, probe=d.X * 30),
    Case(
        LDA(solver="lsqr", shrinkage=0.3, priors=[0.1, 0.2, 0.3, 0.4]),
        y=d.Y_TEXT,
        native=("transform",),
        reason="lsqr",
    ),
]
