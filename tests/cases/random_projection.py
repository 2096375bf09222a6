"""Rows for `sklearn.random_projection`."""

import numpy as np
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

from ..support import Case
from . import data as d

CASES = [
    *(
        Case(kind(3, random_state=0), probe=probe)
        for kind in (GaussianRandomProjection, SparseRandomProjection)
        for probe in (d.X * 1e6, (d.X * 10).astype(int), d.X > 0)
    ),
    Case(GaussianRandomProjection(2, random_state=0, compute_inverse_components=True)),
    Case(SparseRandomProjection(4, density=1.0, random_state=0, dense_output=True)),
    *(
        Case(
            kind(3, random_state=0),
            d.X.astype(np.float32),
            dtypes=("float32",),
            native=("transform",),
            reason="float32",
            frame=False,
        )
        for kind in (GaussianRandomProjection, SparseRandomProjection)
    ),
    Case(
        SparseRandomProjection(3, density=0.01, random_state=0),
        np.tile(d.X, 10),
        native=("transform",),
        reason="zero",
    ),
]
