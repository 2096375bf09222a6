"""Rows for `sklearn.neighbors`."""

import numpy as np
from sklearn.neighbors import NeighborhoodComponentsAnalysis

from ..support import Case
from . import data as d

CASES = [
    Case(NeighborhoodComponentsAnalysis(n, max_iter=5, random_state=0), y=d.Y_MULTI, probe=probe)
    for n, probe in ((None, d.X * 1e6), (2, (d.X * 10).astype(int)), (2, d.X > 0))
] + [
    Case(
        NeighborhoodComponentsAnalysis(2, init="identity", max_iter=5),
        np.column_stack([d.X, np.ones(d.N)]),
        d.Y_LABELS,
    )
]
